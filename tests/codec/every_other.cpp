// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "every_codec_model.hpp"

#include <rondo/codec/cast.hpp>
#include <rondo/codec/integer.hpp>
#include <rondo/codec/lossless.hpp>
#include <rondo/codec/mixed_by_size.hpp>
#include <rondo/codec/rotated.hpp>
#include <rondo/codec/stochastic.hpp>
#include <rondo/codec/top_k.hpp>

every::list every::casts() {
  using namespace rondo::codec;
  return of(exact{}, cast<bfloat16>{}, cast<half>{});
}

every::list every::wrappers() {
  using namespace rondo::codec;
  return of(rotated{int4<32>{}, 7}, stochastic{int8<32>{}, 7},
            mixed_by_size{exact{}, int8<32>{}, 100});
}

every::list every::sparse_and_lossless() {
  using namespace rondo::codec;
  return of(top_k{0.1}, lossless_bfloat16{});
}
