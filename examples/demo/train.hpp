// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "corpus.hpp"
#include "model.hpp"

#include <rondo/rondo.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// Data-parallel training: every rank holds the whole model and computes the gradients of its share
/// of the batch; all_reduce sums them; every rank takes the same step.
namespace demo {

/// A batch is so many slices, whatever the number of ranks.
inline constexpr int slices = 8;
inline constexpr int batch = slices * static_cast<int>(model::slice);

/// How gradients meet.
enum class exchange {
  whole,    ///< one all_reduce behind the backward pass
  buckets,  ///< one asynchronous all_reduce for each bucket, begun while the pass goes on
  exact     ///< as rondo::reproducible sums: the same bits for any number of ranks
};

/// What a run leaves behind.
struct outcome {
  std::vector<float> loss;  ///< of each step, in nats per byte
  std::vector<float> parameters;
  double seconds = 0;
  double moving = 0;  ///< of them, in all_reduce, once all ranks were there
  float kept_back_loss = 0;

  [[nodiscard]] double bytes_per_second() const {
    return static_cast<double>(loss.size()) * batch / seconds;
  }
};

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Adam (Kingma and Ba, 2015). Element by element, so equal gradients make equal parameters.
class adam {
 public:
  void step(std::span<float> values, std::span<const float> gradient, float scale) {
    ++steps_;
    const int learned = (std::min)(steps_, frozen_after);
    const float rate = 2e-3f * std::sqrt(1 - std::pow(0.999f, static_cast<float>(learned))) /
                       (1 - std::pow(0.9f, static_cast<float>(steps_)));
    const float keep_learning = steps_ <= frozen_after ? 0.001f : 0.0f;
    rondo::vectorized([&]() RONDO_INLINE_BODY {
      for (std::size_t i = 0; i < values.size(); ++i) {
        const float g = gradient[i] * scale;
        first_[i] += 0.1f * (g - first_[i]);
        second_[i] += keep_learning * (g * g - second_[i]);
        values[i] -= rate * first_[i] / (std::sqrt(second_[i]) + 1e-8f);
      }
    });
  }

  /// Steps after which the second moments stay as they are, for gradients whose noise is not the
  /// data's (1-bit Adam: Tang et al., 2021, arXiv:2102.02888).
  int frozen_after = std::numeric_limits<int>::max();

 private:
  int steps_ = 0;
  std::vector<float> first_ = std::vector<float>(model::parameters);
  std::vector<float> second_ = std::vector<float>(model::parameters);
};

/// How `exchange::whole` sums gradients: in fp32.
struct sum_as_they_are {
  template <class Comm>
  void operator()(Comm& comm, std::span<float> gradient) const {
    rondo::all_reduce(comm, gradient);
  }
};

/// One rank's share of a training run.
template <class Comm, class Sum = sum_as_they_are>
class replica {
 public:
  replica(Comm& comm, const corpus& text, exchange how, Sum sum = {})
      : comm_{comm}, text_{text}, how_{how}, sum_{std::move(sum)} {
    if (how == exchange::exact) {
      exact_.resize(model::gradients);
    }
    if constexpr (requires { sum_.warm_up; }) {
      optimizer_.frozen_after = sum_.warm_up;
    }
  }

  /// Returns the mean loss of the whole batch.
  float step(std::uint64_t number) {
    switch (how_) {
      case exchange::whole:
        sum_whole(number);
        break;
      case exchange::buckets:
        sum_in_buckets(number);
        break;
      case exchange::exact:
        sum_exactly(number);
        break;
    }
    constexpr float scale = 1.0f / batch;
    optimizer_.step(net.values, gradient_, scale);
    return gradient_[model::parameters] * scale;
  }

  /// The mean loss on text that training never sees; every rank tests a share.
  [[nodiscard]] float test(int rounds) {
    std::array<float, 1> sum{};
    for (int i = comm_.rank(); i < rounds; i += comm_.size()) {
      sum[0] += net.test(examples([&](std::uint64_t k) { return text_.kept_back(k); },
                                  static_cast<std::uint64_t>(i)));
    }
    rondo::all_reduce(comm_, sum);
    return sum[0] / static_cast<float>(rounds * static_cast<int>(model::slice));
  }

  /// Throws unless all ranks hold the same bits.
  void check_parameters_agree() {
    const std::string_view bytes{reinterpret_cast<const char*>(net.values.data()),
                                 net.values.size() * sizeof(float)};
    const std::array<std::uint64_t, 1> mine{rondo::hash_of(bytes)};
    std::vector<std::uint64_t> all(static_cast<std::size_t>(comm_.size()));
    rondo::all_gather(comm_, mine, all);
    for (const auto theirs : all) {
      if (theirs != mine[0]) {
        throw std::runtime_error("ranks hold different parameters");
      }
    }
  }

  model net;
  double moving = 0;  ///< seconds in all_reduce; with buckets also those until peers come

 private:
  static void nothing(std::size_t) {}

  void sum_whole(std::uint64_t number) {
    clear();
    for_my_slices(number, [&](auto examples, bool) { net.learn(examples, gradient_, nothing); });
    rondo::barrier(comm_);
    // The loss travels behind the gradient, exactly, whatever becomes of the gradient.
    const auto whole = std::span{gradient_};
    timed([&] {
      sum_(comm_, whole.first(model::parameters));
      rondo::all_reduce(comm_, whole.subspan(model::parameters));
    });
  }

  void sum_in_buckets(std::uint64_t number) {
    clear();
    std::array<rondo::pending, 3> pending;
    bool began = false;
    const auto begin = [&](std::size_t bucket) {
      pending[bucket] = rondo::all_reduce(
          comm_,
          std::span{gradient_}.subspan(model::buckets[bucket],
                                       model::buckets[bucket + 1] - model::buckets[bucket]),
          rondo::async{});
    };
    for_my_slices(number, [&](auto examples, bool last) {
      net.learn(examples, gradient_, [&](std::size_t bucket) {
        if (last) {
          begin(bucket);
          began = true;
        }
      });
    });
    if (!began) {  // a rank without a slice still meets its peers
      begin(0), begin(1), begin(2);
    }
    timed([&] {
      for (auto& one : pending) {
        one.wait();
      }
    });
  }

  void sum_exactly(std::uint64_t number) {
    std::fill(exact_.begin(), exact_.end(), rondo::reproducible<float>{});
    for_my_slices(number, [&](auto examples, bool) {
      clear();
      net.learn(examples, gradient_, nothing);
      for (std::size_t i = 0; i < gradient_.size(); ++i) {
        exact_[i] += gradient_[i];
      }
    });
    rondo::barrier(comm_);
    timed([&] { rondo::all_reduce(comm_, exact_, rondo::op::reproducible_sum{}); });
    for (std::size_t i = 0; i < gradient_.size(); ++i) {
      gradient_[i] = static_cast<float>(exact_[i]);
    }
  }

  void clear() { std::fill(gradient_.begin(), gradient_.end(), 0.0f); }

  template <class Use>
  void for_my_slices(std::uint64_t number, const Use& use) {
    const auto mine = rondo::even_part(slices, static_cast<std::size_t>(comm_.size()),
                                       static_cast<std::size_t>(comm_.rank()));
    for (std::size_t s = mine.first; s < mine.first + mine.count; ++s) {
      use(examples([&](std::uint64_t k) { return text_.drawn(k); }, number * slices + s),
          s + 1 == mine.first + mine.count);
    }
  }

  template <class Draw>
  std::span<const example, model::slice> examples(const Draw& draw, std::uint64_t which) {
    for (std::size_t i = 0; i < model::slice; ++i) {
      drawn_[i] = draw(which * model::slice + i);
    }
    return drawn_;
  }

  template <class Wait>
  void timed(const Wait& wait) {
    const double begin = now();
    wait();
    moving += now() - begin;
  }

  Comm& comm_;
  const corpus& text_;
  exchange how_;
  Sum sum_;
  adam optimizer_;
  std::array<example, model::slice> drawn_{};
  std::vector<float> gradient_ = std::vector<float>(model::gradients);
  std::vector<rondo::reproducible<float>> exact_;
};

/// Trains on `ranks` thread ranks. `progress(step, loss, seconds, moving)` is called on rank 0.
/// Each rank sums its gradients with a copy of `sum`.
template <class Progress, class Sum = sum_as_they_are>
outcome train(const corpus& text, int ranks, int steps, exchange how, const Progress& progress,
              const Sum& sum = {}) {
  outcome made;
  rondo::threads::run(ranks, [&](auto& comm) {
    replica mine{comm, text, how, sum};
    std::vector<float> loss;
    rondo::barrier(comm);
    const double begin = now();
    for (int step = 0; step < steps; ++step) {
      loss.push_back(mine.step(static_cast<std::uint64_t>(step)));
      if (comm.rank() == 0) {
        progress(step + 1, loss.back(), now() - begin, mine.moving);
      }
    }
    const double seconds = now() - begin;
    mine.check_parameters_agree();
    const float kept_back = mine.test(64);
    if (comm.rank() == 0) {
      made = {std::move(loss), std::move(mine.net.values), seconds, mine.moving, kept_back};
    }
  });
  return made;
}

}  // namespace demo
