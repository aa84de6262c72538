// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "every_codec_model.hpp"

#include <rondo/codec/asymmetric.hpp>

every::list every::asymmetric_integers() {
  using namespace rondo::codec;
  return of(int8_asymmetric<32>{}, int6_asymmetric<64>{}, int4_asymmetric<32>{},
            int2_asymmetric<32>{});
}
