// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "virtual_ranks.cuh"

#include "cuda/check.hpp"

#include <vector>

// The same protocol source that runs on threads, run by blocks of one GPU.
namespace {

using namespace virtual_ranks;

/// Memory that host and device see.
template <class T>
class managed {
 public:
  explicit managed(std::size_t count) {
    REQUIRE(cudaMallocManaged(&data_, (count + 1) * sizeof(T)) == cudaSuccess);
    REQUIRE(cudaMemset(data_, 0, (count + 1) * sizeof(T)) == cudaSuccess);
    REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
  }
  managed(const managed&) = delete;
  managed& operator=(const managed&) = delete;
  ~managed() { cudaFree(data_); }
  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] T& operator[](std::size_t i) const { return data_[i]; }

 private:
  T* data_ = nullptr;
};

}  // namespace

TEST_CASE("protocols on a GPU: virtual ranks sum in rank order, call after call") {
  for (const int ranks : {1, 2, 3, 8}) {
    managed<window> all(1);
    managed<int> failures(1);
    std::uint32_t number = 0;
    for (const std::size_t count : {0u, 1u, 14u, 15u, 2000u}) {
      for (const auto how : {form::one_shot, form::two_shot, form::one_shot}) {
        managed<float> values(count * static_cast<std::size_t>(ranks));
        managed<float*> of_rank(static_cast<std::size_t>(ranks));
        std::vector<float> expected(count, 0);
        for (int rank = 0; rank < ranks; ++rank) {
          float* own = values.data() + count * static_cast<std::size_t>(rank);
          of_rank[static_cast<std::size_t>(rank)] = own;
          for (std::size_t i = 0; i < count; ++i) {
            own[i] = 1.f / static_cast<float>(1 + i % 7 + static_cast<std::size_t>(rank));
            expected[i] = rank == 0 ? own[i] : expected[i] + own[i];
          }
        }
        all_reduce<<<static_cast<unsigned>(ranks), 128>>>(all.data(), of_rank.data(), count, how,
                                                          ++number, failures.data());
        REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
        REQUIRE(failures[0] == 0);
        for (std::size_t i = 0; i < count * static_cast<std::size_t>(ranks); ++i) {
          INFO(ranks << " ranks, " << count << " elements, element " << i);
          REQUIRE(values[i] == expected[i % count]);
        }
      }
    }
  }
}
