// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "every_codec_model.hpp"

#include <rondo/codec/float8.hpp>
#include <rondo/codec/nvfp4.hpp>
#include <rondo/codec/sign.hpp>

every::list every::scaled_floats() {
  using namespace rondo::codec;
  return of(fp8_e4m3<128>{}, fp8_e5m2<32, bfloat16>{}, nvfp4{}, sign<256>{});
}
