// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "alike.hpp"

#include <rondo/codec/integer.hpp>

#include "ranks.hpp"

#include "catch.hpp"

// The checks that gpu.cu makes of the real NCCL, with the emulation linked in its place.
namespace {

template <class Body>
void on_ranks(const Body& body) {
  for (const int size : {1, 2, 3, 5}) {
    INFO(size << " ranks");
    CHECK(ranks::run(size, body) == "");
  }
}

}  // namespace

TEST_CASE("nccl on threads: every collective, as on a GPU") {
  on_ranks([](auto& comm) { alike::check_everything(comm); });
}

TEST_CASE("nccl on threads: codecs have the bits of the host, as on a GPU") {
  on_ranks([](auto& comm) { alike::check_codec(comm, rondo::codec::int8<128>{}); });
}

TEST_CASE("nccl on threads: orders, sums and NaN are as promised, as on a GPU") {
  on_ranks([](auto& comm) { alike::check_numbers(comm); });
}

TEST_CASE("nccl on threads: counts that differ, as on a GPU") {
  on_ranks([](auto& comm) { alike::check_counts(comm); });
}

TEST_CASE("nccl on threads: splits, as on a GPU") {
  on_ranks([](auto& comm) { alike::check_split(comm); });
}
