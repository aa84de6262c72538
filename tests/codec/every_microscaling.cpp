// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "every_codec_model.hpp"

#include <rondo/codec/microscaling.hpp>

every::list every::microscaling() {
  using namespace rondo::codec;
  return of(mxfp8<>{}, mxfp8_e5m2<>{}, mxfp6_e2m3<>{}, mxfp6_e3m2<>{}, mxfp4<>{}, mxint8<>{},
            mxfp8<mx_scale::floor>{});
}
