// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/collective/all_reduce.hpp>
#include <rondo/testing/forwarding.hpp>
#include <rondo/testing/messages_only.hpp>
#include <rondo/testing/recording.hpp>
#include <rondo/testing/reference.hpp>
#include <rondo/testing/throttled.hpp>
#include <rondo/transport/communicator.hpp>
#include <rondo/transport/threads/run.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace {

using rondo::threads::communicator;
using namespace rondo;
using namespace rondo::testing;

template <class Comm>
constexpr bool offers_all = gives_turns<Comm>&& begins_calls<Comm>&& begins_messages<Comm>;

static_assert(offers_all<communicator> && splits<communicator>);
static_assert(offers_all<messages_only<communicator>>);
static_assert(offers_all<throttled<communicator>>);
static_assert(offers_all<recording<communicator>> && splits<recording<communicator>>);
static_assert(offers_all<recording<throttled<communicator>>>);

// What lacks a part is not taken for the whole.
struct without_rank : forwarding<communicator> {
  void rank() = delete;
};
struct without_node_size : forwarding<communicator> {
  void node_size() = delete;
};
struct without_collective : forwarding<communicator> {
  void collective() = delete;
};
struct without_scratch : forwarding<communicator> {
  void scratch() = delete;
};
struct without_widened : forwarding<communicator> {
  void widened() = delete;
};
struct without_kept : forwarding<communicator> {
  void kept() = delete;
};
struct without_async : forwarding<communicator> {
  void begin_collective() = delete;
};
struct without_messages : forwarding<communicator> {
  void message() = delete;
};
struct without_async_messages : forwarding<communicator> {
  void begin_message() = delete;
};
static_assert(!takes_calls<without_rank> && !takes_messages<without_rank>);
static_assert(!takes_calls<without_node_size>);
static_assert(!takes_calls<without_collective>);
static_assert(!gives_turns<without_scratch> && takes_calls<without_scratch>);
static_assert(!gives_turns<without_widened> && takes_calls<without_widened>);
static_assert(!gives_turns<without_kept> && takes_calls<without_kept>);
static_assert(!begins_calls<without_async> && gives_turns<without_async>);
static_assert(!takes_messages<without_messages> && gives_turns<without_messages>);
static_assert(!begins_messages<without_async_messages> && takes_messages<without_async_messages>);
static_assert(!splits<without_async>);
static_assert(!takes_calls<std::vector<int>>);

// Nor is a wrapper around it.
template <template <class> class... Wrapper>
constexpr bool none_adds_async = ((!begins_calls<Wrapper<without_async>> &&
                                   begins_messages<Wrapper<without_async>>)&&...) &&
                                 ((!begins_messages<Wrapper<without_async_messages>> &&
                                   begins_calls<Wrapper<without_async_messages>>)&&...);
static_assert(none_adds_async<forwarding, messages_only, recording, throttled>);

}  // namespace

TEST_CASE("a communicator may be wrapped twice") {
  constexpr int ranks = 3;
  std::vector<std::vector<int>> sums(ranks);
  std::vector<std::size_t> noted(ranks);
  rondo::threads::run(ranks, [&](auto& comm) {
    messages_only apart{comm};
    recording seen{apart};
    const auto self = static_cast<std::size_t>(seen.rank());
    sums[self] = {seen.rank(), 1, seen.node_size()};
    rondo::all_reduce(seen, sums[self]);
    noted[self] = seen.made().size();
  });
  CHECK(sums == std::vector(ranks, std::vector{3, 3, 3}));
  CHECK(noted == std::vector<std::size_t>(ranks, 1));
}

TEST_CASE("a wrapper settles what was begun through it") {
  rondo::threads::run(2, [](auto& comm) {
    messages_only apart{comm};
    recording seen{apart};
    std::vector<int> values(100'000, 1);
    auto begun = rondo::all_reduce(seen, values, rondo::async{});
    seen.settle();
    expect(begun.done(), "the call has ended");
  });
}

TEST_CASE("a wrapper that forwards has the nodes of what it wraps, one of messages has none") {
  rondo::threads::run(3, [](auto& comm) {
    recording seen{comm};
    messages_only apart{comm};
    expect(comm.node_size() == 3, "threads share a node");
    expect(seen.node_size() == comm.node_size(), "the wrapper's ranks do, too");
    expect(apart.node_size() == 1, "ranks of messages alone share none");
  });
}

TEST_CASE("a rank that takes notes and splits is named at the line that splits") {
  std::string told;
  try {
    rondo::threads::run(2, [](auto& comm) {
      recording seen{comm};
      if (comm.rank() == 0) {
        auto team = seen.split(0);
      } else {
        std::vector<int> values(1);
        rondo::all_reduce(seen, values);
      }
    });
  } catch (const rondo::mismatch& thrown) {
    told = thrown.what();
  }
  CAPTURE(told);
  CHECK(told.find("split() at communicator.cpp:") != std::string::npos);
}
