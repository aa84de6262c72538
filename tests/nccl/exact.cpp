// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "device_layers.hpp"

#include <rondo/tensor/exact/tree_exchange.hpp>
#include <rondo/tensor/exact/tree_sum.hpp>
#include <rondo/transport/cuda/buffer.hpp>

#include "catch.hpp"
#include "tensor/tree_case.hpp"

#include <cstddef>
#include <string>
#include <vector>

// Sums by the tree of their leaves on ranks whose memory is the device's; NCCL, the GPU and rondo's
// kernels are played by the host.
namespace {

using namespace device_layers;
using rondo::cut;
using rondo::tree_exchange;
using tree_case::rows_of;
using tree_case::whole;
using sum = rondo::tree_sum<float, rondo::cuda::buffer<float>>;

template <class Team>
void put_terms(sum& to, const Team& team, cudaStream_t stream, const cut& leaves) {
  for (const std::size_t leaf : loops::held(leaves, team.rank())) {
    float* const room = used(stream, to.room(team.memory()).data());
    for (std::size_t i = 0; i < to.elements(); ++i) {
      room[i] = tree_case::term<float>(leaf, i);
    }
    to.put(leaf, team.memory());
  }
}

/// Every kind of result, on the calling rank.
template <class Team>
void check(const Team& team, cudaStream_t stream, const cut& leaves, std::size_t rows,
           std::size_t columns) {
  owned<float> right(rows, columns);
  right.memory = tree_case::oracle<float>(leaves.extent(), rows * columns);
  tree_exchange exchange{leaves};
  sum apart{rows * columns}, lent;
  put_terms(apart, team, stream, leaves);
  device_matrix all{rows, columns, stream}, in_place{rows, columns, stream};
  device_matrix gaps{rows, columns, stream, 2};
  exchange.reduce(team, apart, whole<float>{all.view()});
  require(all.fetched() == right, "the whole sum");
  lent.restart(rows * columns, in_place.view().data);
  put_terms(lent, team, stream, leaves);
  exchange.reduce(team, lent, whole<float>{in_place.view()});
  require(in_place.fetched() == right, "the whole sum in the memory that was lent");
  exchange.reduce(team, apart, whole<float>{gaps.view()});
  require(gaps.fetched() == right, "rows with gaps");
  for (const cut& by : {cut::even(rows, team.size()), rondo::zigzag(rows, team.size())}) {
    device_matrix own{by.width(team.rank()), columns, stream, 1};
    exchange.reduce(team, apart, rows_of<float>{own.view(), by});
    const auto got = own.fetched();
    for (std::size_t r = 0; r < got.rows; ++r) {
      for (std::size_t c = 0; c < columns; ++c) {
        require(got(r, c) == right(by.global(team.rank(), r), c), "a shard");
      }
    }
  }
}

}  // namespace

TEST_CASE("exact sums over NCCL: the bits of the tree on any ranks, whoever holds which leaves") {
  for (const int size : {1, 2, 3, 4}) {
    for (const std::size_t number : {0U, 1U, 4U, 13U, 70U}) {
      std::vector<std::size_t> uneven(static_cast<std::size_t>(size), 0);
      uneven.back() = number;  // all others have none
      for (const cut& leaves :
           {cut::even(number, size), rondo::zigzag(number, size), cut::widths(uneven)}) {
        INFO(number << " leaves, " << size << " ranks");
        CHECK(on_ranks(size, [&](auto& both, cudaStream_t stream, auto&) {
                const auto team = rondo::along<"tensor">(both);
                check(team, stream, leaves, 7, 5);
                check(team, stream, leaves, 1, 2);  // fewer elements than ranks
                require(nccl_on_threads::unordered_uses() == 0, "uses that no event orders");
              }) == "");
      }
    }
  }
  CHECK(nccl_on_threads::blocks() == 0);
}

TEST_CASE("exact sums over NCCL: messages go once there and once back, from where nodes lie") {
  CHECK(on_ranks(2, [](auto& both, cudaStream_t stream, auto&, ncclComm_t raw) {
          const auto team = rondo::along<"tensor">(both);
          const cut leaves = cut::even(8, 2);
          sum sums{64};
          put_terms(sums, team, stream, leaves);
          device_matrix all{8, 8, stream};
          tree_exchange{leaves}.reduce(team, sums, whole<float>{all.view()});
          require(nccl_on_threads::calls_of(raw) ==
                      std::vector<std::string>{"ncclSend", "ncclRecv", "ncclSend", "ncclRecv"},
                  "one node each, and half of the sum");
        }) == "");
}

TEST_CASE("exact sums over NCCL: the second sum makes no memory, and may be captured") {
  CHECK(on_ranks(3, [](auto& both, cudaStream_t stream, auto& control) {
          const auto team = rondo::along<"tensor">(both);
          const cut leaves = cut::even(13, 3);
          tree_exchange exchange{leaves};
          device_matrix all{5, 3, stream};
          sum sums;
          second_makes_nothing(control, [&] {
            sums.restart(15, all.view().data);
            put_terms(sums, team, stream, leaves);
            exchange.reduce(team, sums, whole<float>{all.view()});
          });
        }) == "");
}

TEST_CASE("exact sums over NCCL: a larger sum frees nothing; both sizes may be captured") {
  CHECK(on_ranks(1, [](auto& both, cudaStream_t stream, auto& control) {
          const auto team = rondo::along<"tensor">(both);
          const auto put = [&](sum& to, std::size_t elements, std::size_t leaves) {
            to.restart(elements);
            put_terms(to, team, stream, cut::even(leaves, 1));
          };
          sum sums;
          put(sums, 8, 13);  // five arrays
          const int small = nccl_on_threads::blocks();
          put(sums, 100, 1);
          require(nccl_on_threads::blocks() == small + 1, "a block is freed, or more are made");
          put(sums, 8, 13);
          require(nccl_on_threads::blocks() == small + 1, "arrays are made anew");
          sum again;
          second_makes_nothing(control, [&] {
            put(again, 8, 13);
            put(again, 100, 2);
            put(again, 8, 13);
          });
          nccl_on_threads::pretend_capture(true);
          const auto refused = thrown_by([&] { put(again, 300, 1); });
          nccl_on_threads::pretend_capture(false);
          require(refused.find("cannot be had while its stream is captured") != std::string::npos,
                  "growth while captured: " + refused);
        }) == "");
}
