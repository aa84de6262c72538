// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "every_codec_model.hpp"

#include <rondo/codec/integer.hpp>

every::list every::integers() {
  using namespace rondo::codec;
  return of(int8<128>{}, int8<32, bfloat16>{}, int6<32>{}, int4<32>{}, int4_symmetric<64>{},
            int2<32>{});
}
