// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/nccl.hpp>
#include <rondo/rondo.hpp>

#include "catch.hpp"

#include <algorithm>
#include <string>
#include <vector>

// What the real libraries of NCCL and CUDA do without a device, or before one is touched.
namespace {

using Catch::Matchers::ContainsSubstring;

bool has_device() {
  int devices = 0;
  return cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0;
}

}  // namespace

TEST_CASE("nccl, the real library: it is not older than its headers") {
  const int library = rondo::nccl::detail::library_version();
  CHECK(library >= NCCL_VERSION_CODE);
  CHECK_NOTHROW(rondo::nccl::detail::require_version(library));
}

TEST_CASE("nccl, the real library: ids are made without a device, and differ") {
  const auto first = rondo::nccl::id_or_failure::on(0);
  const auto second = rondo::nccl::id_or_failure::on(0);
  REQUIRE(first.result == ncclSuccess);
  CHECK_FALSE(std::equal(std::begin(first.id.internal), std::end(first.id.internal),
                         std::begin(second.id.internal)));
  const auto none = rondo::nccl::id_or_failure::on(1);
  CHECK(none.result == ncclSuccess);
}

TEST_CASE("nccl, the real library: without a device, connecting fails in NCCL's own words") {
  if (has_device()) {
    return;
  }
  const auto id = rondo::nccl::id_or_failure::on(0).id;
  try {
    static_cast<void>(rondo::nccl::connect(id, 0, 1));
    FAIL("must fail");
  } catch (const rondo::error& failed) {
    CHECK(failed.code() == rondo::error_code::transport);
    CHECK(failed.rank() == 0);
    CHECK_THAT(failed.what(), ContainsSubstring("ncclCommInitRankConfig on rank 0 of 1: "));
    CHECK_THAT(failed.what(), ContainsSubstring("NCCL says: Cuda failure"));
  }
}

TEST_CASE("nccl, the real library: all ranks hear of it when connecting fails") {
  if (has_device()) {
    return;
  }
  std::vector<std::string> said(3);
  rondo::threads::run(3, [&](auto& peers) {
    try {
      static_cast<void>(rondo::nccl::connect(peers));
    } catch (const rondo::error& failed) {
      said[static_cast<std::size_t>(peers.rank())] = failed.what();
    }
  });
  for (const auto& text : said) {
    CHECK_THAT(text, ContainsSubstring("of 3: "));
  }
}

TEST_CASE("nccl, the real library: a rank out of range is refused before NCCL sees it") {
  CHECK_THROWS_WITH(rondo::nccl::connect(ncclUniqueId{}, 2, 2),
                    ContainsSubstring("rank 2 of 2 ranks; pass 0 .. 1"));
}

TEST_CASE("cuda, the real library: a failure is told with call, name and rank") {
  const auto failed = cudaSetDevice(4711);
  REQUIRE(failed != cudaSuccess);
  try {
    rondo::cuda::require(failed, "cudaSetDevice", 3);
    FAIL("must fail");
  } catch (const rondo::error& raised) {
    CHECK(raised.code() == rondo::error_code::transport);
    CHECK(raised.rank() == 3);
    CHECK_THAT(raised.what(),
               ContainsSubstring("cudaSetDevice: ") && ContainsSubstring(" (cudaError"));
  }
  if (has_device()) {  // without a driver the runtime forgets no failure
    CHECK(cudaPeekAtLastError() == cudaSuccess);
  }
}

TEST_CASE("nccl, the real library: without a device, scratch is refused") {
  if (has_device()) {
    return;
  }
  rondo::nccl::detail::device_arena arena{nullptr};
  CHECK(arena.get(0) == nullptr);
  CHECK_THROWS_AS(arena.get(16), rondo::error);
}
