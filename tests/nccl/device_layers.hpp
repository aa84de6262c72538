// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "catch.hpp"
#include "ranks.hpp"

#include <rondo/collective/barrier.hpp>
#include <rondo/tensor/cuda/layer_ranks.hpp>
#include <rondo/tensor/detail/gpu_memory.hpp>
#include <rondo/tensor/exact/detail/leaf_loops.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/testing/reference.hpp>
#include <rondo/transport/cuda/buffer.hpp>

#include "tensor/loops.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

/// Layers whose matrices are in memory of the device, over an NCCL communicator; NCCL and the GPU
/// are played by the host, which cannot read or write the addresses that are the device's.
namespace device_layers {

using loops::owned;
using ranks::require;
using ranks::thrown_by;
using rondo::matrix;
using rondo::testing::expect;

/// A kernel's view of memory of the device, which it uses on its stream.
template <class T>
T* used(cudaStream_t stream, T* of) {
  nccl_on_threads::use(stream, of);
  return nccl_on_threads::on_host(of);
}
template <class T>
matrix<T> used(cudaStream_t stream, matrix<T> of) {
  return of.elements() == 0 ? of : matrix<T>{used(stream, of.data), of.rows, of.columns, of.stride};
}
template <class T>
requires(!std::is_pointer_v<T>) T used(cudaStream_t, const T& of) { return of; }

/// The members of a kernel's body, one by one.
struct any_member {
  template <class T>
  operator T() const;
};
template <class Body, class... Members>
consteval int members() {
  if constexpr (requires { Body{Members{}..., any_member{}}; }) {
    return members<Body, Members..., any_member>();
  } else {
    return sizeof...(Members);
  }
}
template <class Body, class Act>
void for_each_member(Body& body, const Act& act) {
  constexpr int count = members<Body>();
  const auto each = [&](auto&... all) { (act(all), ...); };
  if constexpr (count == 2) {
    auto& [a, b] = body;
    each(a, b);
  } else if constexpr (count == 3) {
    auto& [a, b, c] = body;
    each(a, b, c);
  } else if constexpr (count == 4) {
    auto& [a, b, c, d] = body;
    each(a, b, c, d);
  } else if constexpr (count == 5) {
    auto& [a, b, c, d, e] = body;
    each(a, b, c, d, e);
  } else if constexpr (count == 6) {
    auto& [a, b, c, d, e, f] = body;
    each(a, b, c, d, e, f);
  } else if constexpr (count == 7) {
    auto& [a, b, c, d, e, f, g] = body;
    each(a, b, c, d, e, f, g);
  } else {
    static_assert(count == 8);
    auto& [a, b, c, d, e, f, g, h] = body;
    each(a, b, c, d, e, f, g, h);
  }
}

/// Kernels of layers, played by the host: they use what their bodies have pointers to.
struct work : ranks::host_work {
  using ranks::host_work::each;
  template <class T, std::size_t... Term>
  static void each(std::size_t count, rondo::detail::added_nodes<T, Term...> body,
                   cudaStream_t stream) {
    for (const T*& from : body.from) {
      from = used(stream, from);
    }
    body.to = used(stream, body.to);
    ranks::host_work::each(count, body, stream);
  }
  template <class T>
  static void each(std::size_t count, const rondo::detail::no_nodes<T>& body, cudaStream_t stream) {
    ranks::host_work::each(count, rondo::detail::no_nodes<T>{used(stream, body.to)}, stream);
  }
  template <class Body>
  static void each(std::size_t count, const rondo::detail::flat<Body>& body, cudaStream_t stream) {
    auto here = body;
    for_each_member(here.body, [&](auto& member) { member = used(stream, member); });
    ranks::host_work::each(count, here, stream);
  }
};
using communicator = rondo::nccl::basic_communicator<work>;

/// A matrix in memory of the device, written and read by kernels on a stream. What lies in its gaps
/// must stay.
class device_matrix {
 public:
  device_matrix(const owned<float>& values, cudaStream_t stream, std::size_t gap = 0)
      : rows_{values.rows},
        columns_{values.columns},
        gap_{gap},
        stream_{stream},
        memory_{values.rows * (values.columns + gap)} {
    const auto to = on_host();
    for (std::size_t i = 0; i < rows_; ++i) {
      std::copy_n(&values.memory[i * columns_], columns_, to.row(i).data());
      std::fill_n(to.row(i).data() + columns_, gap_, untouched);
    }
  }
  device_matrix(std::size_t rows, std::size_t columns, cudaStream_t stream, std::size_t gap = 0)
      : device_matrix(owned<float>(rows, columns, -1), stream, gap) {}

  [[nodiscard]] matrix<float> view() { return {memory_.data(), rows_, columns_, columns_ + gap_}; }
  [[nodiscard]] std::span<float> values() { return {memory_.data(), memory_.size()}; }
  [[nodiscard]] owned<float> fetched() {
    const auto from = on_host();
    owned<float> values(rows_, columns_);
    for (std::size_t i = 0; i < rows_; ++i) {
      std::copy_n(from.row(i).data(), columns_, &values.memory[i * columns_]);
      for (std::size_t j = columns_; j < columns_ + gap_; ++j) {
        expect(from.data[i * from.stride + j] == untouched, "a value between the rows");
      }
    }
    return values;
  }

 private:
  static constexpr float untouched = 77;
  [[nodiscard]] matrix<float> on_host() {
    nccl_on_threads::use(stream_, memory_.data());
    return {nccl_on_threads::on_host(memory_.data()), rows_, columns_, columns_ + gap_};
  }

  std::size_t rows_;
  std::size_t columns_;
  std::size_t gap_;
  cudaStream_t stream_;
  rondo::cuda::buffer<float> memory_;
};

/// The plain loops as kernels on a stream.
struct kernels {
  cudaStream_t stream;
  int* waits_at_gradient = nullptr;

  template <class T>
  [[nodiscard]] matrix<T> used(matrix<T> of) const {
    return device_layers::used(stream, of);
  }
  void product(matrix<const float> x, matrix<const float> w, matrix<float> y) const {
    loops::kernels{}.product(used(x), used(w), used(y));
  }
  void input_gradient(matrix<const float> dy, matrix<const float> w, matrix<float> dx) const {
    loops::kernels{}.input_gradient(used(dy), used(w), used(dx));
  }
  void weight_gradient(matrix<const float> dy, matrix<const float> x, matrix<float> dw) const {
    if (waits_at_gradient != nullptr) {
      *waits_at_gradient = nccl_on_threads::waits();
    }
    loops::kernels{}.weight_gradient(used(dy), used(x), used(dw));
  }
};

/// Elements in memory of the device.
template <class T>
class device_array {
 public:
  device_array(const std::vector<T>& values, cudaStream_t stream)
      : stream_{stream}, memory_{values.size()} {
    std::copy(values.begin(), values.end(), used(stream_, memory_.data()));
  }
  [[nodiscard]] std::span<T> values() { return {memory_.data(), memory_.size()}; }
  [[nodiscard]] std::span<const T> values() const { return {memory_.data(), memory_.size()}; }
  [[nodiscard]] std::vector<T> fetched() const {
    const T* const from = used(stream_, memory_.data());
    return {from, from + memory_.size()};
  }

 private:
  cudaStream_t stream_;
  rondo::cuda::buffer<T> memory_;
};

struct stream {
  cudaStream_t raw = nullptr;
  stream() { cudaStreamCreateWithFlags(&raw, cudaStreamNonBlocking); }
};

/// body(ranks of layers, their stream, the same ranks on the host) on `size` threads; what the
/// first that failed says.
template <class Body>
std::string on_ranks(int size, const Body& body, const rondo::nccl::options& with = {}) {
  nccl_on_threads::hide_device_memory(true);
  ncclUniqueId id{};
  ncclGetUniqueId(&id);
  std::vector<std::string> failures(static_cast<std::size_t>(size));
  rondo::threads::run(size, [&](auto& control) {
    failures[static_cast<std::size_t>(control.rank())] = ranks::thrown_by([&] {
      auto values = communicator::adopt(ranks::raw_communicator(id, control.rank(), size), with);
      const stream compute;
      rondo::layer_ranks both{values, rondo::on{compute.raw}};
      if constexpr (requires { body(both, compute.raw, control, values.raw()); }) {
        body(both, compute.raw, control, values.raw());
      } else {
        body(both, compute.raw, control);
      }
      rondo::barrier(control);  // nobody has left yet
    });
  });
  nccl_on_threads::hide_device_memory(false);
  for (const auto& one : failures) {
    if (!one.empty()) {
      return one;
    }
  }
  return {};
}

/// Makes `pass()` twice on each rank, the second time under capture: then there is new memory of
/// the device on no rank, and no new event.
template <class Control, class Pass>
void second_makes_nothing(Control& control, const Pass& pass) {
  int blocks = 0;
  int handles = 0;
  for (const bool second : {false, true}) {
    nccl_on_threads::pretend_capture(second);
    pass();
    nccl_on_threads::pretend_capture(false);
    rondo::barrier(control);
    require(!second || nccl_on_threads::blocks() == blocks, "new blocks");
    require(!second || nccl_on_threads::handles() == handles, "new events");
    blocks = nccl_on_threads::blocks();
    handles = nccl_on_threads::handles();
    rondo::barrier(control);
  }
}

/// `pass(ranks of layers, stream)` on `size` ranks makes `expected` waits of one stream for the
/// other on rank 0, and each of them is noticed when it is lost, but for those that `covered(wait)`
/// says another one covers.
template <class Pass, class Covered>
void check_waits(int size, int expected, const Pass& pass, const Covered& covered) {
  const auto run = [&](int lost, int& waits, int& unordered) {
    CHECK(on_ranks(size, [&](auto& both, cudaStream_t stream, auto& control) {
            const int before = nccl_on_threads::waits();
            if (control.rank() == 0) {
              nccl_on_threads::lose_wait(lost);
            }
            pass(both, stream);
            if (control.rank() == 0) {
              waits = nccl_on_threads::waits() - before;
              unordered = nccl_on_threads::unordered_uses();
            }
          }) == "");
  };
  int waits = 0;
  int unordered = 0;
  run(-1, waits, unordered);
  CHECK(waits == expected);
  CHECK(unordered == 0);
  for (int lost = 0; lost < expected; ++lost) {
    INFO("wait " << lost << " of " << expected);
    run(lost, waits, unordered);
    CHECK((unordered == 0) == covered(lost));
  }
}
template <class Pass>
void check_waits(int size, int expected, const Pass& pass) {
  check_waits(size, expected, pass, [](int) { return false; });
}

}  // namespace device_layers
