// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// A transport of your own: ranks that know nothing of each other but how to post a letter. What it
// takes is in transport/communicator.hpp and transport/turn.hpp.
#include <rondo/codec/integer.hpp>
#include <rondo/collective.hpp>
#include <rondo/core/float16.hpp>
#include <rondo/transport/communicator.hpp>
#include <rondo/transport/keepsake.hpp>
#include <rondo/transport/turn.hpp>

#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <deque>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

/// Carries letters; those from one rank to another in the order in which they were posted.
class post_office {
 public:
  using letter = std::vector<std::byte>;

  explicit post_office(int ranks)
      : ranks_{ranks}, boxes_(static_cast<std::size_t>(ranks) * static_cast<std::size_t>(ranks)) {}

  [[nodiscard]] int ranks() const { return ranks_; }

  void post(int from, int to, const std::byte* data, std::size_t bytes) {
    const std::scoped_lock hold{lock_};
    box(from, to).emplace_back(data, data + bytes);
    posted_.notify_all();
  }
  letter take(int from, int to) {
    std::unique_lock hold{lock_};
    posted_.wait(hold, [&] { return !box(from, to).empty(); });
    letter first = std::move(box(from, to).front());
    box(from, to).pop_front();
    return first;
  }

 private:
  std::deque<letter>& box(int from, int to) {
    return boxes_[static_cast<std::size_t>(from * ranks_ + to)];
  }

  int ranks_;
  std::mutex lock_;
  std::condition_variable posted_;
  std::vector<std::deque<letter>> boxes_;
};

// begin: own_transport
/// One call of one rank, while it runs.
struct postal_turn {
  post_office& post;
  int self;
  std::uint64_t number;  ///< of the call
  rondo::arena& landing;

  int rank() const { return self; }
  int size() const { return post.ranks(); }
  std::uint64_t word() const { return number << 32; }

  /// One round of messages: `out` to their peers, then `in`, each shown to `arrived`.
  void exchange(const auto& out, const auto& in, const auto& arrived) {
    for (const auto& one : out) {
      post.post(self, one.peer, one.data, one.bytes);
    }
    std::size_t which = 0;
    for (const auto& one : in) {
      const auto letter = post.take(one.peer, self);
      if (letter.size() != one.bytes) {
        throw std::runtime_error("ranks disagree about a call");
      }
      // Elements may be aligned to more than a letter is.
      std::byte* const into = one.into != nullptr ? one.into : landing.get(one.bytes);
      if (one.bytes != 0) {
        std::memcpy(into, letter.data(), one.bytes);
      }
      arrived(which++, into);
    }
  }
};

/// One rank's handle on all: a communicator.
class postal_rank {
 public:
  postal_rank(post_office& post, int rank) : post_{post}, rank_{rank} {}

  int rank() const { return rank_; }
  int size() const { return post_.ranks(); }
  int node_size() const { return 1; }

  void collective(const rondo::call&, const auto& job) {
    postal_turn turn{post_, rank_, ++calls_, landing_};
    job(turn);
  }

  auto& scratch() { return scratch_; }
  auto& widened() { return widened_; }
  auto& kept() { return kept_; }

 private:
  post_office& post_;
  int rank_;
  std::uint64_t calls_ = 0;
  rondo::arena landing_;
  rondo::arena scratch_;
  rondo::arena widened_;
  rondo::keepsakes kept_;
};

static_assert(rondo::exchanging<postal_turn> && rondo::gives_turns<postal_rank>);
// end: own_transport

/// Elements that vector code loads whole.
struct alignas(32) quad {
  double of[4];
};

int main() {
  constexpr int ranks = 5;
  post_office post{ranks};
  std::vector<int> wrong(ranks);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      postal_rank comm{post, rank};
      int& bad = wrong[static_cast<std::size_t>(rank)];
      const auto expect = [&](const std::vector<float>& got, float value) {
        for (const float one : got) {
          bad += one == value ? 0 : 1;
        }
      };
      const auto mine = static_cast<float>(rank + 1);

      std::vector<float> values(1000, mine);
      rondo::all_reduce(comm, values, rondo::op::max{});
      expect(values, 5);
      values.assign(1000, mine);
      rondo::all_reduce(comm, values, rondo::halving_doubling{});
      expect(values, 15);
      std::vector<float> part(200);
      rondo::reduce_scatter(comm, values, part, rondo::ring{});
      expect(part, 75);
      rondo::broadcast(comm, values, rondo::root{3});
      expect(values, 15);
      std::vector<rondo::bfloat16> halves(9, rondo::bfloat16{0.5F});
      rondo::all_reduce(comm, halves);
      for (const auto one : halves) {
        bad += static_cast<float>(one) == 2.5F ? 0 : 1;
      }
      values.assign(5000, mine);
      rondo::all_reduce(comm, values, rondo::codec::int8<128>{});
      expect(values, 15);
      std::vector<float> theirs(1000);
      rondo::all_to_all(comm, std::vector<float>(1000, mine), theirs, rondo::codec::int8<128>{});
      bad += theirs.front() == 1 && theirs.back() == 5 ? 0 : 1;
      std::vector<quad> quads(99, quad{{mine, mine, mine, mine}});
      rondo::all_reduce(
          comm, quads,
          [](const quad& a, const quad& b) {
            quad sum;
            for (int i = 0; i < 4; ++i) {
              sum.of[i] = a.of[i] + b.of[i];
            }
            return sum;
          },
          rondo::recursive_doubling{});
      for (const quad& one : quads) {
        bad += one.of[0] == 15 && one.of[3] == 15 ? 0 : 1;
      }
      rondo::barrier(comm);
    });
  }
  for (auto& one : threads) {
    one.join();
  }
  const int bad = std::accumulate(wrong.begin(), wrong.end(), 0);
  std::printf("5 ranks by post: %d wrong values\n", bad);
  return bad == 0 ? 0 : 1;
}
