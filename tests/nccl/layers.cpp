// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "device_layers.hpp"

#include <rondo/codec/integer.hpp>
#include <rondo/tensor.hpp>
#include <rondo/testing/recording.hpp>
#include <rondo/transport/cuda/buffer.hpp>

#include "catch.hpp"
#include "tensor/expect_planned.hpp"
#include "tensor/mlp_case.hpp"

#include <algorithm>
#include <string>
#include <vector>

// Layers whose matrices are in memory of the device, over an NCCL communicator; NCCL and the GPU
// are played by the host, which cannot read or write the addresses that are the device's.
namespace {

using namespace mlp_case;
using namespace device_layers;
using rondo::matrix;

constexpr std::size_t outputs = 22;

struct kernels_with_bias : kernels {
  void add_bias(std::span<const float> bias, matrix<float> y) const {
    const auto values = used(matrix<const float>{bias.data(), 1, bias.size()});
    const auto to = used(y);
    for (std::size_t i = 0; i < to.rows; ++i) {
      for (std::size_t j = 0; j < to.columns; ++j) {
        to(i, j) += values(0, j);
      }
    }
  }
  void bias_gradient(matrix<const float> dy, std::span<float> dbias) const {
    const auto from = used(dy);
    const auto to = used(matrix<float>{dbias.data(), 1, dbias.size()});
    for (std::size_t i = 0; i < from.rows; ++i) {
      for (std::size_t j = 0; j < from.columns; ++j) {
        to(0, j) += from(i, j);
      }
    }
  }
};

template <class Inner>
struct activation_on {
  static constexpr int parts = Inner::parts;
  kernels on;
  Inner inner{};
  void forward(matrix<const float> hidden, matrix<float> active) const {
    inner.forward(on.used(hidden), on.used(active));
  }
  void backward(matrix<const float> hidden, matrix<const float> dactive,
                matrix<float> dhidden) const {
    inner.backward(on.used(hidden), on.used(dactive), on.used(dhidden));
  }
};

/// A forward and a backward pass; `Rows` is -1 for replicated rows, 0
/// for sequence parallelism.
template <int Rows, class Activation, class Order = rondo::any_order, class Team>
results pass(const Team& tensor, const cut& features, cudaStream_t stream, Order order = {}) {
  const int rank = tensor.rank();
  const cut rows = cut::even(tokens, tensor.size());
  const auto here = Rows < 0 ? all(tokens) : held(rows, rank);
  const auto mine = held(features, rank);
  const auto wide = held(hidden_cut(features, Activation::parts), rank);
  const auto given = [&](const owned<float>& values) { return device_matrix{values, stream}; };
  const auto made = [&](std::size_t height, std::size_t width) {
    return device_matrix{owned<float>(height, width), stream};
  };
  auto x = given(numbers<float>(x_, here, all(d_model)));
  auto up = given(weights<float>(up_, wide, all(d_model)));
  auto down = given(weights<float>(down_, all(d_model), mine));
  auto b = given(numbers<float>(up_bias_, {0}, wide));
  auto c = given(numbers<float>(down_bias_, {0}, all(d_model)));
  auto y = made(here.size(), d_model), dx = made(here.size(), d_model);
  auto dup = made(wide.size(), d_model), ddown = made(d_model, mine.size());
  auto db = made(1, wide.size()), dc = made(1, d_model);
  const auto placed = [&](device_matrix& of) {
    if constexpr (Rows < 0) {
      return rondo::replicated<float>{of.view()};
    } else {
      return rondo::sharded<float, 0>{of.view(), rows};
    }
  };
  rondo::mlp block{tensor, features, kernels_with_bias{{stream}},
                   activation_on<Activation>{{stream}}, order};
  rondo::mlp_saved<float, rondo::cuda::buffer<float>> saved;
  const rondo::mlp_weights<float> with{{up.view(), b.values()}, {down.view(), c.values()}};
  const rondo::mlp_gradients<float> to{{dup.view(), db.values()}, {ddown.view(), dc.values()}};
  block.forward(placed(x), with, saved, placed(y));
  auto dy = given(numbers<float>(dy_, here, all(d_model)));
  if constexpr (rondo::detail::is_exact<Order>) {
    rondo::exact_mlp_gradients<float, rondo::cuda::buffer<float>> sums{
        {wide.size(), d_model, true}, {d_model, mine.size(), true}};
    block.backward(placed(dy), placed(x), with, saved, placed(dx), sums);
    results got{y.fetched(),  dx.fetched(),    dup.fetched(),
                db.fetched(), ddown.fetched(), dc.fetched()};
    const auto read = [&](const float* node) { return used(stream, node); };
    total(sums.up.weight, got.dup.memory, read);
    total(sums.up.bias, got.dup_bias.memory, read);
    total(sums.down.weight, got.ddown.memory, read);
    total(sums.down.bias, got.ddown_bias.memory, read);
    return got;
  } else {
    block.backward(placed(dy), placed(x), with, saved, placed(dx), to);
  }
  return {y.fetched(), dx.fetched(), dup.fetched(), db.fetched(), ddown.fetched(), dc.fetched()};
}

template <int Rows, class Activation>
void check_values() {
  const auto expected = oracle(Activation{});
  for (const int size : {1, 2, 3, 4}) {
    for (const cut& features : feature_cuts(size)) {
      CHECK(on_ranks(size, [&](auto& both, cudaStream_t stream, auto& control) {
              const auto tensor = rondo::along<"tensor">(both);
              near(pass<Rows, Activation>(tensor, features, stream), expected, control, features,
                   Rows);
              require(
                  nccl_on_threads::unordered_uses() == 0,
                  std::to_string(nccl_on_threads::unordered_uses()) + " uses that no event orders");
            }) == "");
    }
  }
  CHECK(nccl_on_threads::blocks() == 0);
}

}  // namespace

TEST_CASE("layers over NCCL: values and gradients are those of one rank") {
  check_values<-1, rondo::pointwise<softplus>>();
  check_values<-1, rondo::gated<softplus>>();
}

TEST_CASE("layers over NCCL: the same from and to shards of the rows") {
  check_values<0, rondo::pointwise<softplus>>();
  check_values<0, rondo::gated<softplus>>();
}

namespace {

constexpr rondo::exact leaves{.features = 3, .tokens = 4};

/// The bits of one rank that is a thread, on any number of ranks.
template <int Rows>
void check_bits() {
  using activation = rondo::pointwise<softplus>;
  results one{{}, {}, {}, {}, {}, {}};
  rondo::threads::run(1, [&](auto& comm) {
    one = run_on<Rows>(rondo::along<"tensor">(comm), cut::even(d_ff, 1), activation{}, leaves);
  });
  for (const int size : {1, 2, 3, 4}) {
    const cut features = cut::even(d_ff, size, leaves.features);
    CHECK(on_ranks(size, [&](auto& both, cudaStream_t stream, auto& control) {
            const auto tensor = rondo::along<"tensor">(both);
            same(pass<Rows, activation>(tensor, features, stream, leaves), one, control, features,
                 Rows);
            require(nccl_on_threads::unordered_uses() == 0, "uses that no event orders");
          }) == "");
  }
}

}  // namespace

TEST_CASE("layers over NCCL: in exact order they have the bits that one rank on the host gives") {
  check_bits<-1>();
  check_bits<0>();
  CHECK(nccl_on_threads::blocks() == 0);
}

TEST_CASE("layers over NCCL: every wait of one stream for the other is needed") {
  const cut features = cut::even(d_ff, 2);
  // A collective begins behind, and is waited for.
  check_waits(2, 2 * 2, [&](auto& both, cudaStream_t stream) {
    pass<-1, rondo::pointwise<softplus>>(rondo::along<"tensor">(both), features, stream);
  });
  check_waits(2, 2 * 5, [&](auto& both, cudaStream_t stream) {
    pass<0, rondo::pointwise<softplus>>(rondo::along<"tensor">(both), features, stream);
  });
  // In exact order sums are made on the spot.
  check_waits(2, 2 * 3, [&](auto& both, cudaStream_t stream) {
    pass<0, rondo::pointwise<softplus>>(rondo::along<"tensor">(both), cut::even(d_ff, 2, 3), stream,
                                        leaves);
  });
}

TEST_CASE("layers over NCCL: dx is reduced while the weight's gradient is computed") {
  CHECK(on_ranks(2, [&](auto& both, cudaStream_t stream, auto&) {
          const auto tensor = rondo::along<"tensor">(both);
          const cut features = cut::even(outputs, 2);
          const auto mine = held(features, tensor.rank());
          device_matrix x{numbers<float>(x_, all(tokens), all(d_model)), stream};
          device_matrix dy{numbers<float>(dy_, all(tokens), mine), stream};
          device_matrix w{numbers<float>(up_, mine, all(d_model)), stream};
          device_matrix dx{tokens, d_model, stream}, dw{mine.size(), d_model, stream};
          int at_gradient = 0;
          rondo::column_parallel up{tensor, features, kernels{stream, &at_gradient}};
          rondo::linear_gradients<float> to{dw.view()};
          const int before = nccl_on_threads::waits();
          up.backward(rondo::sharded<float, 1>{dy.view(), features},
                      rondo::replicated<float>{x.view()}, {w.view()},
                      rondo::replicated<float>{dx.view()}, to);
          require(at_gradient == before + 1, "it has begun, and is not waited for");
          require(nccl_on_threads::waits() == before + 2, "it is waited for at the end");
        }) == "");
}

namespace {

using whole = rondo::replicated<float>;
using by_rows = rondo::sharded<float, 0>;
using by_columns = rondo::sharded<float, 1>;
using terms = rondo::partial<float>;

/// Conversions on one rank, of matrices whose rows have gaps between them or none.
template <class Team>
struct conversions {
  const Team& ranks;
  cudaStream_t stream;
  std::size_t gap;
  cut rows = cut::even(tokens, ranks.size());
  cut columns =
      cut::fused(std::vector<cut>{cut::even(12, ranks.size()), cut::even(8, ranks.size())});

  /// Some of a matrix of whole numbers, whose sums are exact.
  template <class P>
  [[nodiscard]] owned<float> values(float factor = 1, float offset = 0) const {
    const int rank = ranks.rank();
    auto some = numbers<float>(x_, rondo::is_sharded<P, 0> ? held(rows, rank) : all(tokens),
                               rondo::is_sharded<P, 1> ? held(columns, rank) : all(d_ff));
    for (float& value : some.memory) {
      value = factor * std::nearbyint(value * 1000) + offset;
    }
    return some;
  }
  template <class P>
  [[nodiscard]] P placed(device_matrix& of) const {
    if constexpr (rondo::is_sharded<P>) {
      return {of.view(), rondo::is_sharded<P, 0> ? rows : columns};
    } else {
      return P{of.view()};
    }
  }

  template <class From, class To, class... Given>
  void check(const char* what, const Given&... given) const {
    const auto n = static_cast<float>(ranks.size());
    const bool folds = rondo::is_partial<From>;
    const auto before = folds ? values<From>(1, static_cast<float>(ranks.rank())) : values<From>();
    const auto after = folds ? values<To>(n, n * (n - 1) / 2) : values<To>();
    device_matrix from{before, stream, gap};
    device_matrix to{after.rows, after.columns, stream, gap};
    if constexpr (sizeof...(Given) == 0) {
      rondo::convert(ranks, placed<From>(from), placed<To>(to));
    } else {
      rondo::convert(ranks, placed<From>(from), placed<To>(to), given...).wait();
    }
    require(to.fetched() == after, what);
    require(from.fetched() == before, "what it was made from");
  }
};

}  // namespace

TEST_CASE("convert over NCCL: every pair of placements, with gaps between rows and without") {
  for (const int size : {1, 2, 3, 4}) {
    for (const std::size_t gap : {0u, 3u}) {
      INFO(size << " ranks, gaps of " << gap);
      CHECK(on_ranks(size, [&](auto& both, cudaStream_t stream, auto&) {
              const auto tensor = rondo::along<"tensor">(both);
              const conversions<decltype(tensor)> on{tensor, stream, gap};
              on.template check<whole, whole>("nothing");
              on.template check<whole, by_rows>("slice of rows");
              on.template check<whole, by_columns>("slice of columns");
              on.template check<terms, whole>("all_reduce");
              on.template check<terms, by_rows>("reduce_scatter to rows");
              on.template check<terms, by_columns>("reduce_scatter to columns");
              on.template check<by_rows, whole>("all_gather of rows");
              on.template check<by_columns, whole>("all_gather of columns");
              on.template check<by_rows, by_columns>("all_to_all to columns");
              on.template check<by_columns, by_rows>("all_to_all to rows");
              if (gap == 0) {
                on.template check<terms, whole>("all_reduce behind", rondo::async{});
                on.template check<terms, by_rows>("reduce_scatter behind", rondo::async{});
                on.template check<by_rows, whole>("all_gather behind", rondo::async{});
              }
              require(nccl_on_threads::unordered_uses() == 0, "uses that no event orders");
            }) == "");
    }
  }
}

TEST_CASE("convert over NCCL: a call behind that is dropped is waited for all the same") {
  CHECK(on_ranks(2, [](auto& both, cudaStream_t stream, auto&) {
          const auto tensor = rondo::along<"tensor">(both);
          device_matrix from{2, 3, stream}, to{2, 3, stream};
          static_cast<void>(
              rondo::convert(tensor, terms{from.view()}, whole{to.view()}, rondo::async{}));
          static_cast<void>(to.fetched());
          require(nccl_on_threads::unordered_uses() == 0, "uses that no event orders");
        }) == "");
}

namespace {

/// The layers' own collectives against their plan, over one axis of a mesh.
template <class X, int Rows, class Activation, class Order = rondo::any_order>
void check_planned(Order order = {}) {
  for (const int size : {1, 2, 3, 4}) {
    CHECK(on_ranks(2 * size, [&](auto& both, cudaStream_t stream, auto& control) {
            rondo::testing::recording world{both};
            rondo::mesh grid{world, {{"data", 2}, {"tensor", size}}};
            auto apart = control.split(grid.coordinate("data"), control.rank());
            const auto tensor = rondo::along<"tensor">(grid);
            const std::size_t leaf = rondo::detail::is_exact<Order> ? leaves.features : 1;
            static_cast<void>(
                pass<Rows, Activation>(tensor, cut::even(d_ff, size, leaf), stream, order));
            const auto plan =
                rondo::plan_mlp<X>({tokens, d_model, d_ff, Activation::parts}, grid.shape(), order);
            expect_planned(apart, grid["tensor"].made(), plan, "tensor");
            expect(grid["data"].made().empty(), "nothing over the other axis");
            std::vector<std::size_t> passing{tensor.passing_bytes()};
            rondo::all_reduce(apart, passing, rondo::op::max{});
            expect(passing[0] == plan.peak_bytes - plan.saved_bytes, "memory that passes");
          }) == "");
  }
}

}  // namespace

TEST_CASE("layers over NCCL: they make the collectives that were planned") {
  check_planned<whole, -1, rondo::pointwise<softplus>>();
  check_planned<by_rows, 0, rondo::gated<softplus>>();
  check_planned<by_rows, 0, rondo::pointwise<softplus>>(leaves);
}

TEST_CASE("layers over NCCL: where ranks hold as many rows, NCCL's own collectives run") {
  CHECK(on_ranks(2, [](auto& both, cudaStream_t stream, auto&, ncclComm_t raw) {
          pass<0, rondo::pointwise<softplus>>(rondo::along<"tensor">(both), cut::even(d_ff, 2),
                                              stream);
          require(
              nccl_on_threads::calls_of(raw) ==
                  std::vector<std::string>{"ncclAllGather", "ncclReduceScatter", "ncclAllGather",
                                           "ncclAllGather", "ncclReduceScatter"},
              "five calls");
        }) == "");
}

TEST_CASE("layers over NCCL: the second pass makes no memory and no events, and may be captured") {
  CHECK(on_ranks(3, [](auto& both, cudaStream_t stream, auto& control) {
          const auto tensor = rondo::along<"tensor">(both);
          const cut features = cut::even(d_ff, 3);
          const cut rows = cut::even(tokens, 3);
          const auto here = held(rows, tensor.rank());
          device_matrix x{numbers<float>(x_, here, all(d_model)), stream};
          device_matrix w{numbers<float>(up_, held(features, tensor.rank()), all(d_model)), stream};
          device_matrix y{tokens, features.width(tensor.rank()), stream};
          device_matrix dw{features.width(tensor.rank()), d_model, stream};
          rondo::column_parallel up{tensor, features, kernels{stream}};
          rondo::linear_gradients<float> to{dw.view()};
          const auto cold = thrown_by([&] {
            nccl_on_threads::pretend_capture(true);
            up.forward(by_rows{x.view(), rows}, {w.view()}, by_columns{y.view(), features});
          });
          nccl_on_threads::pretend_capture(false);
          require(cold.find("layers: a call needs") != std::string::npos &&
                      cold.find("make the same call once before") != std::string::npos,
                  "refuses to grow while captured: " + cold);
          second_makes_nothing(control, [&] {
            up.forward(by_rows{x.view(), rows}, {w.view()}, by_columns{y.view(), features});
            up.backward(by_columns{y.view(), features}, by_rows{x.view(), rows}, {w.view()},
                        by_rows{x.view(), rows}, to);
          });
        }) == "");
}

TEST_CASE("layers over NCCL: a codec gives the bits of ranks that are threads") {
  constexpr int size = 3;
  const cut features = cut::even(d_ff, size);
  const rondo::codec::int8<128> codec{};
  const auto layer = [&](const auto& tensor, const auto& with, const auto& x, const auto& w,
                         const auto& y) {
    rondo::row_parallel<std::remove_cvref_t<decltype(tensor)>, std::remove_cvref_t<decltype(with)>,
                        rondo::any_order, rondo::codec::int8<128>>
        down{tensor, features, with, {}, codec};
    down.forward(by_columns{x, features}, w, whole{y});
  };
  std::vector<owned<float>> expected(size);
  rondo::threads::run(size, [&](auto& comm) {
    const auto mine = held(features, comm.rank());
    auto x = numbers<float>(x_, all(tokens), mine);
    auto w = numbers<float>(down_, all(d_model), mine);
    owned<float> y(tokens, d_model);
    layer(rondo::along<"tensor">(comm), loops::kernels{}, x.view(), matrix<const float>{w.view()},
          y.view());
    expected[static_cast<std::size_t>(comm.rank())] = y;
  });
  CHECK(on_ranks(size, [&](auto& both, cudaStream_t stream, auto& control) {
          rondo::barrier(control);
          nccl_on_threads::hide_device_memory(
              false);  // codecs' kernels are played by the host, too
          rondo::barrier(control);
          const auto mine = held(features, both.rank());
          device_matrix x{numbers<float>(x_, all(tokens), mine), stream};
          device_matrix w{numbers<float>(down_, all(d_model), mine), stream};
          device_matrix y{tokens, d_model, stream};
          layer(rondo::along<"tensor">(both), kernels{stream}, x.view(),
                matrix<const float>{w.view()}, y.view());
          require(y.fetched() == expected[static_cast<std::size_t>(both.rank())], "the bits");
        }) == "");
}

TEST_CASE("layers over NCCL: what kernels must add, and have not, is refused in words") {
  using Catch::Matchers::ContainsSubstring;
  const auto failure = on_ranks(2, [](auto& both, cudaStream_t stream, auto&) {
    const cut features = cut::even(outputs, 2);
    rondo::column_parallel up{rondo::along<"tensor">(both), features, kernels{stream}};
    const auto mine = held(features, both.rank());
    device_matrix x{tokens, d_model, stream}, w{mine.size(), d_model, stream};
    device_matrix b{1, mine.size(), stream}, y{tokens, mine.size(), stream};
    const auto attempt = [&](const auto& call) { return thrown_by(call); };
    const auto forward = attempt([&] {
      up.forward(whole{x.view()}, {w.view(), b.values()}, by_columns{y.view(), features});
    });
    const auto backward = attempt([&] {
      rondo::linear_gradients<float> to{w.view(), b.values()};
      up.backward(by_columns{y.view(), features}, whole{x.view()}, {w.view()}, whole{x.view()}, to);
    });
    throw std::runtime_error{forward + '\n' + backward};
  });
  CHECK_THAT(failure,
             ContainsSubstring("column_parallel: on GPUs the kernels add a bias; give them "
                               "add_bias(bias, y) and bias_gradient(dy, dbias)") &&
                 ContainsSubstring("column_parallel: dbias: on GPUs"));
  const cut shared{outputs, {{{8, 4}}, {{0, 22}}}};
  CHECK_THAT(
      on_ranks(2,
               [&](auto& both, cudaStream_t stream, auto&) {
                 rondo::column_parallel up{rondo::along<"tensor">(both), shared, kernels{stream}};
               }),
      ContainsSubstring("rank 1 holds features in 2 parts"));
}
