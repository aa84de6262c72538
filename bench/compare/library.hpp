// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "measure.hpp"

/// The collectives of one library, checked once and then timed.
namespace bench {

template <class Library>
concept has_all = requires(const Library& library, float* values) {
  library.broadcast(values, std::size_t{1});
};

/// Runs what `with` asks for and the library has. `library` has `rank()` and a member function for
/// each of its collectives: (in, out, count of the smaller buffer or block); in == out means in
/// place.
template <class World, class Library>
void run_all(const options& with, const char* who, const char* variant, World& world,
             Library library) {
  const int rank = library.rank();
  const auto n = static_cast<float>(with.ranks);
  const float sum = n * (n + 1) / 2;
  const auto mine = static_cast<float>(rank + 1);
  const auto blocks_hold = [&](const values& buffer, const auto& expected) {
    const std::size_t block = buffer.size() / static_cast<std::size_t>(with.ranks);
    for (std::size_t i = 0; i < block * static_cast<std::size_t>(with.ranks); ++i) {
      if (buffer.data()[i] != expected(static_cast<int>(i / block))) {
        return false;
      }
    }
    return true;
  };

  const auto one = [&](const std::string& asked, std::size_t bytes) {
    const bool in_place = asked.ends_with(".in_place");
    const std::string collective = asked.substr(0, asked.find('.'));
    const shapes has = shapes::of(collective, bytes, with.ranks);
    values in{in_place ? 0 : has.in * sizeof(float), mine};
    values out{has.out * sizeof(float), in_place ? mine : -1.0f};
    const float* from = in_place ? out.data() : in.data();
    const std::size_t least = std::min(has.in, has.out);
    const auto timed = [&](const auto& call, const auto& right) {
      call();
      check(right(), asked, bytes);
      const figure got = measure(world, with.seconds, call);
      if (rank == 0) {
        report(with, who, variant, collective, in_place, bytes, got);
      }
    };
    const auto by_rank = [](int block) { return static_cast<float>(block + 1); };
    if (collective == "all_reduce") {
      timed([&] { library.all_reduce(from, out.data(), least); }, [&] { return out.all(sum); });
    } else if (collective == "barrier") {
      timed([&] { library.barrier(); }, [] { return true; });
    } else if constexpr (has_all<Library>) {
      if (collective == "reduce") {
        timed([&] { library.reduce(from, out.data(), least); },
              [&] { return rank != 0 || out.all(sum); });
      } else if (collective == "broadcast") {
        timed([&] { library.broadcast(in.data(), least); }, [&] { return in.all(1); });
      } else if (collective == "all_gather") {
        timed([&] { library.all_gather(from, out.data(), least); },
              [&] { return blocks_hold(out, by_rank); });
      } else if (collective == "reduce_scatter") {
        timed([&] { library.reduce_scatter(from, out.data(), least); },
              [&] { return out.all(sum); });
      } else if (collective == "all_to_all") {
        const std::size_t block = least / static_cast<std::size_t>(with.ranks);
        timed([&] { library.all_to_all(from, out.data(), block); },
              [&] { return blocks_hold(out, by_rank); });
      }
    }
  };

  for (const auto& collective : with.collectives) {
    for (const std::size_t bytes : with.sizes) {
      one(collective, bytes);
    }
  }
}

}  // namespace bench
