// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "ranks.hpp"

#include <rondo/transport/cuda/buffer.hpp>

#include "catch.hpp"

#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// How communicators begin, fail and end, with NCCL emulated.
namespace {

using namespace ranks;
using Catch::Matchers::ContainsSubstring;
using rondo::on;

cudaStream_t stream = nullptr;

}  // namespace

TEST_CASE("nccl: a wrapped communicator stays the user's, an adopted one is destroyed") {
  const ncclComm_t raw = lone_communicator();
  REQUIRE(nccl_on_threads::communicators() == 1);
  {
    communicator wrapped{raw};
    std::vector<float> one{4};
    rondo::all_reduce(wrapped, span_of(one), rondo::ring{}, on{stream});
    CHECK(wrapped.raw() == raw);
    CHECK(wrapped.size() == 1);
  }
  CHECK(nccl_on_threads::communicators() == 1);
  { const auto owned = communicator::adopt(raw); }
  CHECK(nccl_on_threads::communicators() == 0);
}

TEST_CASE("nccl: null is refused, and so is a deadline that has passed before it begins") {
  CHECK_THROWS_WITH(communicator{nullptr}, ContainsSubstring("the ncclComm_t is null"));
  const ncclComm_t raw = lone_communicator();
  const rondo::nccl::options none{.deadline = std::chrono::seconds{0}};
  CHECK_THROWS_WITH((communicator{raw, none}), ContainsSubstring("a deadline of 0.000000 s"));
  CHECK_THROWS_WITH(communicator::adopt(raw, none), ContainsSubstring("expected more than 0"));
  CHECK(nccl_on_threads::communicators() == 0);  // it was ours to end
}

TEST_CASE("nccl: a library that does not fit the headers is refused with both versions") {
  using rondo::nccl::detail::fit;
  using rondo::nccl::detail::require_version;
  CHECK(rondo::nccl::detail::version_text(22809) == "2.28.9");
  CHECK(rondo::nccl::detail::version_text(2708) == "2.7.8");
  CHECK_NOTHROW(require_version(22809, 22809));
  CHECK_NOTHROW(require_version(23003, 22809));
  CHECK_THROWS_WITH(require_version(22703, 22809),
                    ContainsSubstring("compiled with the headers of NCCL 2.28.9, running with the "
                                      "library of NCCL 2.27.3"));
  CHECK_THROWS_WITH(require_version(30000, 22809), ContainsSubstring("library of NCCL 3.0.0"));
  CHECK_THROWS_WITH(require_version(22810, 22809, fit::exact),
                    ContainsSubstring("windows need the same version on both sides"));
  CHECK_NOTHROW(require_version(22809, 22809, fit::exact));

  ncclUniqueId id{};
  ncclGetUniqueId(&id);
  nccl_on_threads::pretend_version(22000);
  CHECK_THROWS_WITH(rondo::nccl::connect(id, 0, 1), ContainsSubstring("library of NCCL 2.20.0"));
  nccl_on_threads::pretend_version(NCCL_VERSION_CODE);
}

TEST_CASE("cuda: a failure that was raised is not left for the next call to find") {
  CHECK_THROWS_WITH(rondo::cuda::buffer<char>{std::size_t{1} << 62},
                    ContainsSubstring("cudaMalloc: "));
  CHECK(cudaPeekAtLastError() == cudaSuccess);
}

TEST_CASE("nccl: a failure names call, site, rank, and NCCL's own text") {
  const auto failure = run(2, [](auto& comm) {
    std::vector<float> values(comm.rank() == 0 ? 4 : 5);
    rondo::all_reduce(comm, span_of(values), on{stream});
  });
  CHECK_THAT(failure, ContainsSubstring("ncclAllReduce in all_reduce(4 x float, sum, automatic) at "
                                        "life.cpp:"));
  CHECK_THAT(failure, ContainsSubstring("on rank 0: invalid usage; NCCL says: the calls of the "
                                        "ranks do not agree"));
}

TEST_CASE("nccl: an error of an earlier call is found at the next, and ends the communicator") {
  const auto failure = run(1, [](auto& comm) {
    std::vector<float> values(4);
    rondo::all_reduce(comm, span_of(values), on{stream});
    nccl_on_threads::break_down(comm.raw(), ncclRemoteError);
    const auto again = [&] { rondo::all_reduce(comm, span_of(values), on{stream}); };
    const auto first = thrown_by(again);
    require(first.find("an earlier call failed on rank 0") != std::string::npos, first);
    try {
      again();
      require(false, "must be revoked");
    } catch (const rondo::revoked& dead) {
      require(std::string{dead.what()}.find("an earlier call failed") != std::string::npos,
              dead.what());
    }
  });
  CHECK(failure == "");
  CHECK(nccl_on_threads::communicators() == 0);
}

TEST_CASE("nccl: kernels of a dead communicator end before their scratch is freed") {
  const int before = nccl_on_threads::blocks();
  const auto failure = on_threads(1, [](int) {
    const auto live = [](bool owns, const auto& end) {
      const ncclComm_t raw = lone_communicator();
      const int blocks = nccl_on_threads::blocks();
      {
        auto comm = owns ? communicator::adopt(raw) : communicator{raw};
        require(comm.on(stream).scratch().get(100) != nullptr, "scratch");
        end(comm, [&] { rondo::barrier(comm, on{stream}); });
      }
      require(nccl_on_threads::careless_ends() == 0, "careless");
      const int left = nccl_on_threads::blocks() - blocks;
      if (!owns && nccl_on_threads::communicators() != 0) {
        ncclCommAbort(raw);
      }
      return left;
    };
    const auto breaks = [](auto& comm, const auto& call) {
      nccl_on_threads::break_down(comm.raw(), ncclRemoteError);
      require(!thrown_by(call).empty(), "an error");
    };
    const auto aborts = [](auto& comm, const auto&) { comm.abort(); };
    const auto nothing = [](auto&, const auto&) {};
    require(live(true, nothing) == 0 && live(true, breaks) == 0 && live(true, aborts) == 0,
            "owned");
    require(live(false, nothing) == 0 && live(false, aborts) == 0, "wrapped");
    require(live(false, breaks) > 0, "what may still be used stays");
  });
  CHECK(failure == "");
  CHECK(nccl_on_threads::blocks() > before);
  CHECK(nccl_on_threads::communicators() == 0);
}

TEST_CASE("nccl: a dead communicator is aborted before what was made after it is freed") {
  const auto failure = run(1, [](auto& comm) {
    std::vector<float> values(4);
    const auto call = [&] { rondo::all_reduce(comm, span_of(values), on{stream}); };
    {
      const rondo::cuda::buffer<float> kept{4};
      nccl_on_threads::break_down(comm.raw(), ncclRemoteError);
      require(!thrown_by(call).empty() && comm.raw() == nullptr, "an earlier call failed");
    }
    require(nccl_on_threads::careless_ends() == 0, "cudaFree waits for ever");
  });
  CHECK(failure == "");

  for (const bool grouped : {false, true}) {
    CAPTURE(grouped);
    CHECK(run(1, [&](auto& comm) {
            std::vector<float> values(4);
            const rondo::cuda::buffer<float> kept{4};
            nccl_on_threads::fail_next(ncclInvalidArgument);
            const auto call = [&] { rondo::all_reduce(comm, span_of(values), on{stream}); };
            require(!thrown_by(call).empty() && comm.raw() != nullptr, "one that goes on");
            nccl_on_threads::fail_next(ncclUnhandledCudaError);
            const auto failed = thrown_by([&] { grouped ? comm.group(call) : call(); });
            require(failed.find("ncclAllReduce in all_reduce(4 x float") != std::string::npos,
                    failed);
            require(comm.raw() == nullptr, "the call itself failed");
            require(thrown_by(call).find("ncclAllReduce in all_reduce(4 x") != std::string::npos,
                    "revoked");
          }) == "");
  }

  CHECK(on_threads(1, [](int) {
          for (const bool owns : {true, false}) {
            const ncclComm_t raw = lone_communicator();
            {
              auto comm = owns ? communicator::adopt(raw) : communicator{raw};
              require(comm.on(stream).scratch().get(100) != nullptr, "scratch");
              nccl_on_threads::break_down(raw, ncclRemoteError);
            }  // no call has seen it
            require(nccl_on_threads::careless_ends() == 0, "the destructor asks");
            if (!owns) {
              ncclCommAbort(raw);
            }
          }
        }) == "");
  CHECK(nccl_on_threads::communicators() == 0);
}

TEST_CASE("nccl: a dead communicator that is kept for it can shrink") {
  const auto failure = run(2, [](auto& comm) {
    if (comm.rank() == 1) {
      return;
    }
    for (const bool keeps : {true, false}) {
      rondo::nccl::options with;
      with.abort_on_error = !keeps;
      auto dying = communicator::adopt(lone_communicator(), with);
      nccl_on_threads::break_down(dying.raw(), ncclRemoteError);
      require(!thrown_by([&] { rondo::barrier(dying, on{stream}); }).empty(), "an error");
      require((dying.raw() != nullptr) == keeps, "kept");
    }
    const int lost[] = {1};
    rondo::nccl::options with;
    with.abort_on_error = false;
    communicator broken{comm.raw(), with};
    nccl_on_threads::break_down(comm.raw(), ncclRemoteError);
    require(!thrown_by([&] { rondo::barrier(broken, on{stream}); }).empty(), "an error");
    auto rest = broken.shrink(lost);
    rondo::barrier(rest, on{stream});
  });
  CHECK(failure == "");
}

TEST_CASE("nccl: a communicator that does not come to be is aborted") {
  const auto failure = on_threads(1, [](int) {
    const ncclComm_t raw = lone_communicator();
    nccl_on_threads::break_down(raw, ncclRemoteError);
    const auto refused = thrown_by([&] { static_cast<void>(communicator::adopt(raw)); });
    require(refused.find("some error") != std::string::npos, refused);
  });
  CHECK(failure == "");
  CHECK(nccl_on_threads::communicators() == 0);

  const auto split = run(1, [](auto& comm) {
    rondo::nccl::options with;
    with.deadline = std::chrono::milliseconds{30};
    communicator impatient{comm.raw(), with};
    nccl_on_threads::split_slowly(true);
    const auto late = thrown_by([&] { static_cast<void>(impatient.split(0)); });
    nccl_on_threads::split_slowly(false);
    nccl_on_threads::break_down(comm.raw(), ncclSuccess);
    require(late.find("deadline of 30 ms") != std::string::npos, late);
    require(nccl_on_threads::communicators() == 1, "the new one is gone");
    require(nccl_on_threads::careless_ends() == 0, "careless");
  });
  CHECK(split == "");
}

TEST_CASE("nccl: where NCCL does not block, the host waits no longer than the deadline") {
  const auto failure = run(1, [](auto& comm) {
    rondo::nccl::options with;
    with.deadline = std::chrono::milliseconds{30};
    communicator impatient{comm.raw(), with};
    std::vector<float> values(4);
    nccl_on_threads::break_down(comm.raw(), ncclInProgress);
    bool late = false;
    try {
      rondo::all_reduce(impatient, span_of(values), on{stream});
    } catch (const rondo::timeout& timeout) {
      late = std::string{timeout.what()}.find("deadline of 30 ms") != std::string::npos;
    }
    nccl_on_threads::break_down(comm.raw(), ncclSuccess);
    require(late, "timeout");
  });
  CHECK(failure == "");
}

TEST_CASE("nccl: split makes communicators by color and key") {
  const auto failure = run(5, [](auto& comm) {
    auto part = comm.split(comm.rank() % 2, -comm.rank());
    require(part.size() == (comm.rank() % 2 == 0 ? 3 : 2), "size");
    std::vector<int> sum{comm.rank()};
    rondo::all_reduce(part, span_of(sum), on{stream});
    require(sum[0] == (comm.rank() % 2 == 0 ? 6 : 4), "sum");
    require(part.rank() == (part.size() - 1 - comm.rank() / 2), "order by key");
    const auto refused = thrown_by([&] { static_cast<void>(comm.split(-1)); });
    require(refused.find("color -1 on rank") != std::string::npos, refused);
  });
  CHECK(failure == "");
}

TEST_CASE("nccl: survivors shrink and go on; the old communicator is revoked") {
  const auto failure = run(4, [](auto& comm) {
    if (comm.rank() == 2) {
      return;
    }
    const int lost[] = {2};
    auto rest = comm.shrink(lost);
    std::vector<int> sum{comm.rank()};
    rondo::all_reduce(rest, span_of(sum), on{stream});
    require(rest.size() == 3 && sum[0] == 4, "sum of 0, 1 and 3");
    const auto old = thrown_by([&] { rondo::all_reduce(comm, span_of(sum), on{stream}); });
    require(old.find("has left this communicator by shrink()") != std::string::npos, old);
  });
  CHECK(failure == "");
  CHECK(run(1, [](auto& comm) {
          const int lost[] = {0};
          static_cast<void>(comm.shrink(lost));
        }).find("pass other ranks of this communicator") != std::string::npos);
}

TEST_CASE("nccl: after abort every call is refused") {
  const auto failure = run(1, [](auto& comm) {
    comm.abort();
    comm.abort();
    require(comm.raw() == nullptr, "raw");
    std::vector<int> one{1};
    const auto refused = thrown_by([&] { rondo::all_reduce(comm, span_of(one), on{stream}); });
    require(refused.find("rank 0 has aborted this communicator") != std::string::npos, refused);
  });
  CHECK(failure == "");
  CHECK(nccl_on_threads::communicators() == 0);
}

TEST_CASE("nccl: what NCCL cannot do is refused in words") {
  const auto failure = run(1, [](auto& comm) {
    std::vector<float> values(4);
    const auto tagged = thrown_by(
        [&] { rondo::send(comm, span_of(values), rondo::to{0}, rondo::tag{3}, on{stream}); });
    require(tagged.find("NCCL's messages have no tags") != std::string::npos, tagged);
    const auto grouped = thrown_by([&] {
      comm.group([&] { rondo::all_reduce(comm, span_of(values), rondo::ring{}, on{stream}); });
    });
    require(grouped.find("takes several steps, and cannot be one of a group") != std::string::npos,
            grouped);
    // NCCL's group is the thread's, whatever communicator it was opened by.
    auto child = comm.split(0);
    const auto steps = [&](auto& opened, auto& called) {
      const auto said = thrown_by([&] {
        opened.group(
            [&] { rondo::all_reduce(called, span_of(values), rondo::ring{}, on{stream}); });
      });
      require(said.find("cannot be one of a group") != std::string::npos, "said: " + said);
    };
    steps(comm, child);
    steps(child, comm);
    auto grandchild = child.split(0);
    steps(comm, grandchild);
    comm.group([&] {
      std::thread{[&] { require(!child.grouping(), "a group of another thread"); }}.join();
      rondo::all_reduce(child, span_of(values), on{stream});  // NCCL's own
    });
    require(!comm.grouping() && !child.grouping(), "groups end");
    rondo::all_reduce(child, span_of(values), rondo::ring{}, on{stream});
    rondo::all_reduce(comm, span_of(values), rondo::ring{}, on{stream});
    const auto unequal = thrown_by([&] {
      std::vector<float> out(3);
      rondo::all_reduce(comm, span_of(values), span_of(out), on{stream});
    });
    require(unequal.find("the output of rank 0 has 3 elements, expected 4") != std::string::npos,
            unequal);
  });
  CHECK(failure == "");
}

TEST_CASE("nccl: ranks that know each other connect") {
  std::vector<float> sums(3);
  rondo::threads::run(3, [&](auto& peers) {
    auto comm = rondo::nccl::connect(peers);
    std::vector<float> one{static_cast<float>(comm.rank() + 1)};
    rondo::all_reduce(comm, span_of(one), on{stream});
    sums[static_cast<std::size_t>(peers.rank())] = one[0];
  });
  CHECK(sums == std::vector<float>{6, 6, 6});
  CHECK(nccl_on_threads::communicators() == 0);
}

TEST_CASE("nccl: ranks that a launcher started connect by a file") {
  std::vector<int> node_sizes(3);
  const auto failure = on_threads(3, [&](int rank) {
    rondo::nccl::environment told;
    told.rank = rank;
    told.size = 3;
    told.local_size = 3;
    told.run = "test of life";
    auto comm = rondo::nccl::connect(told);
    std::vector<int> one{1};
    rondo::all_reduce(comm, span_of(one), on{stream});
    require(one[0] == 3, "sum");
    node_sizes[static_cast<std::size_t>(rank)] = comm.node_size();
    require(comm.split(rank % 2).node_size() == 1, "a part of two nodes is no node");
  });
  CHECK(failure == "");
  CHECK(node_sizes == std::vector<int>{3, 3, 3});

  rondo::nccl::environment two_nodes;
  two_nodes.size = 4;
  two_nodes.local_size = 2;
  CHECK_THROWS_WITH(rondo::nccl::connect(two_nodes),
                    ContainsSubstring("2 of 4 ranks are on this node; pass meeting_place"));
}
