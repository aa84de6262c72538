// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// What the machine can do: each of `--ranks` ranks has an input and an output of the given size,
// and as many threads as there are processors stream through all of them together. A collective
// that reads every input once and writes every output once cannot be faster than `copy`; one in
// place not faster than `scale`; a broadcast not than `write`; a reduce-scatter not than `read`.
#include "team.hpp"

#include <rondo/core/vectorize.hpp>
#include <rondo/protocol/copy.hpp>

#include <memory>
#include <thread>

namespace {

struct kernels {
  static void memcpy(float* out, const float* in, std::size_t count) {
    std::memcpy(out, in, count * sizeof(float));
  }
  static void copy(float* out, const float* in, std::size_t count) {
    using wide [[gnu::vector_size(32), gnu::aligned(4), gnu::may_alias]] = float;
    rondo::vectorized([&]() RONDO_INLINE_BODY {
      for (std::size_t i = 0; i + 8 <= count; i += 8) {
        *reinterpret_cast<wide*>(out + i) = *reinterpret_cast<const wide*>(in + i);
        asm volatile("");  // or the loop becomes a call of memcpy
      }
    });
  }
  static void stream_copy(float* out, const float* in, std::size_t count) {
    rondo::protocol::copy_elements(out, in, count, rondo::protocol::store::streamed);
  }
  static void triad(float* out, const float* in, std::size_t count) {
    rondo::vectorized([&]() RONDO_INLINE_BODY {
      const std::size_t half = count / 2;
      for (std::size_t i = 0; i < half; ++i) {
        out[i] = in[i] + 1.5f * in[i + half];
      }
    });
  }
  static void scale(float* out, const float*, std::size_t count) {
    rondo::vectorized([&]() RONDO_INLINE_BODY {
      for (std::size_t i = 0; i < count; ++i) {
        out[i] = out[i] * 1.0001f;
      }
    });
  }
  static void read(float*, const float* in, std::size_t count) {
    rondo::vectorized([&]() RONDO_INLINE_BODY {
      float sums[64] = {};
      for (std::size_t i = 0; i + 64 <= count; i += 64) {
        for (std::size_t k = 0; k < 64; ++k) {
          sums[k] += in[i + k];
        }
      }
      asm volatile("" ::"m"(sums));
    });
  }
  static void write(float* out, const float*, std::size_t count) {
    rondo::vectorized([&]() RONDO_INLINE_BODY {
      const float value = static_cast<float>(count);
      for (std::size_t i = 0; i < count; ++i) {
        out[i] = value;
      }
    });
  }
};

/// All threads go through all ranks' buffers once per call, each through its share of every one.
void stream(const bench::options& with, const char* name,
            void (*kernel)(float*, const float*, std::size_t), std::size_t bytes) {
  bench::options hands = with;
  hands.ranks = std::min(with.ranks, static_cast<int>(std::thread::hardware_concurrency()));
  const auto step = static_cast<std::size_t>(hands.ranks);
  const std::size_t share = bytes / sizeof(float) / step / 16 * 16;
  std::vector<std::unique_ptr<bench::values>> in(static_cast<std::size_t>(with.ranks));
  auto out = std::vector<std::unique_ptr<bench::values>>(in.size());
  bench::team::run(hands, [&](bench::team::member& here, int thread) {
    const auto self = static_cast<std::size_t>(thread);
    for (std::size_t rank = self; rank < in.size(); rank += step) {
      in[rank] = std::make_unique<bench::values>(bytes, 1.0f);
      out[rank] = std::make_unique<bench::values>(bytes, 1.0f);
    }
    static_cast<void>(here.slowest(0));
    const auto got = bench::measure(here, with.seconds, [&] {
      for (std::size_t rank = 0; rank < in.size(); ++rank) {
        kernel(out[rank]->data() + self * share, in[rank]->data() + self * share, share);
      }
    });
    if (thread == 0) {
      bench::report(with, "limit", name, name, false, bytes, got);
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  const bench::options with{argc, argv};
  for (const std::size_t bytes : with.sizes) {
    stream(with, "memcpy", kernels::memcpy, bytes);
    stream(with, "copy", kernels::copy, bytes);
    stream(with, "stream_copy", kernels::stream_copy, bytes);
    stream(with, "triad", kernels::triad, bytes);
    stream(with, "scale", kernels::scale, bytes);
    stream(with, "read", kernels::read, bytes);
    stream(with, "write", kernels::write, bytes);
  }
}
