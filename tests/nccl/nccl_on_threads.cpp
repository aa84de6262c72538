// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "nccl_on_threads.hpp"

#include <rondo/core/float16.hpp>

#include <cuda_runtime_api.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <set>
#include <utility>

namespace {

/// Where there are none, there may be no memory either.
void move_bytes(void* to, const void* from, std::size_t bytes) {
  if (bytes != 0) {
    std::memmove(to, from, bytes);
  }
}

/// A test that hangs fails here.
constexpr std::chrono::seconds patience{20};

struct message {
  const void* data;
  std::size_t bytes;
  bool taken = false;
};

/// What a rank brings to a collective.
struct part {
  std::string what;
  const void* in = nullptr;
  void* out = nullptr;
};

/// What the ranks of a communicator share.
struct world {
  explicit world(int ranks) : size{ranks} {}

  int size;
  std::mutex lock;
  std::condition_variable news;
  std::map<std::pair<int, int>, std::deque<message*>> mail;  ///< by sender and receiver
  std::vector<part> parts;
  std::size_t come = 0;
  std::size_t left = 0;
  std::vector<ncclComm_t> members;
  std::map<int, std::pair<int, std::shared_ptr<world>>> offspring;  ///< by color
  bool agreed = true;

  template <class Ready>
  bool wait(std::unique_lock<std::mutex>& held, const Ready& ready) {
    const bool came = news.wait_for(held, patience, ready);
    news.notify_all();
    return came;
  }

  /// All ranks meet; the last one in does `work` for all.
  template <class Work>
  bool meet(int rank, const part& mine, const Work& work) {
    std::unique_lock held{lock};
    if (!wait(held, [&] { return left == 0; })) {
      return false;
    }
    parts.resize(static_cast<std::size_t>(size));
    parts[static_cast<std::size_t>(rank)] = mine;
    ++come;
    news.notify_all();
    const auto all = static_cast<std::size_t>(size);
    if (come == all) {
      agreed = true;
      for (const auto& one : parts) {
        agreed = agreed && one.what == parts[0].what;
      }
      if (agreed) {
        work(parts);
      }
      left = all;
      come = 0;
      news.notify_all();
    } else if (!wait(held, [&] { return left != 0; })) {
      return false;
    }
    const bool good = agreed;
    --left;
    news.notify_all();
    return good;
  }
};

}  // namespace

struct ncclComm {
  std::shared_ptr<world> in;
  int rank = 0;
  ncclResult_t broken = ncclSuccess;
  std::vector<std::string> calls{};
  std::set<const void*> windows{};  ///< memory that is registered, or on its way
  int looks = 0;                    ///< until what is under way ends
  std::function<void()> then{};     ///< what happens then
};

namespace {

struct operation {
  ncclComm_t comm;
  std::string name;
  std::function<bool()> begin;  ///< what others may wait for
  std::function<bool()> end;    ///< what waits for others
};

thread_local int depth = 0;
thread_local std::vector<operation> queued;
thread_local std::string last_error;
thread_local bool capturing = false;
thread_local cudaError_t last_failure = cudaSuccess;
thread_local float own_factor = 1;
using clock_of_stream = std::map<cudaStream_t, std::uint64_t>;
struct last_uses {
  cudaStream_t writer = nullptr;
  std::uint64_t written = 0;  ///< by the writer's time; 0: never
  clock_of_stream read{};     ///< since then
};
thread_local std::uintptr_t handles_made = 0;
thread_local std::map<cudaStream_t, clock_of_stream> clocks;
thread_local std::map<cudaEvent_t, clock_of_stream> events;
thread_local std::map<const void*, last_uses> uses;
thread_local int unordered = 0;
thread_local std::map<std::uintptr_t, std::size_t> allocated;  ///< by where they begin
thread_local std::set<ncclComm_t> stuck;  ///< whose kernels wait for a peer that does not come
thread_local int ending = -1;  ///< the device whose kernels were told to end and may still run
thread_local int careless = 0;
thread_local ncclResult_t next_failure = ncclSuccess;
thread_local int slow_windows = 0;
thread_local std::set<const void*> registered;
thread_local bool under_way = false;  ///< calls that this thread has not waited for
thread_local int made_behind_calls = 0;
thread_local int shared_allowed = nccl_on_threads::shared_without_asking;  ///< of the only kernel
thread_local ncclComm_t hanging = nullptr;
thread_local ncclResult_t failure_of_hanging = ncclSuccess;
thread_local bool slow_splits = false;
thread_local int current_device = 0;
thread_local char gpu = 'A';
thread_local nccl_on_threads::launch last_launch{};
/// Copies between memory of the host and a stream, until the host waits for it.
struct host_copy {
  void* to;
  const void* from;
  std::vector<std::byte> bytes;
};
thread_local std::map<cudaStream_t, std::vector<host_copy>> to_host;
thread_local std::map<cudaStream_t, std::vector<host_copy>> from_host;
thread_local int waits_made = 0;
thread_local int lost_wait = -1;
std::atomic<bool> hidden{false};
constexpr std::uintptr_t hiding = std::uintptr_t{1} << 52;  ///< set: no address of a program's
std::atomic<int> version{NCCL_VERSION_CODE};
std::atomic<int> open_blocks{0};
std::atomic<int> open_communicators{0};
std::mutex worlds_lock;
std::map<std::uint64_t, std::shared_ptr<world>> worlds;
std::atomic<std::uint64_t> ids{1};

ncclResult_t wrong(const std::string& why, ncclResult_t code = ncclInvalidArgument) {
  last_error = why;
  return code;
}

ncclResult_t flush() {
  auto all = std::move(queued);
  queued.clear();
  under_way = under_way || !all.empty();
  bool good = true;
  for (const auto& one : all) {
    one.comm->calls.push_back(one.name);
    good = good && one.begin();
  }
  // Sends are on their way by now; they end when their receivers have come.
  for (const bool sends : {false, true}) {
    for (const auto& one : all) {
      good = good && ((one.name == "ncclSend") != sends || one.end());
    }
  }
  return good ? ncclSuccess : wrong("the calls of the ranks do not agree", ncclInvalidUsage);
}

ncclResult_t enqueue(operation one) {
  if (one.comm == nullptr) {
    return wrong(one.name + " : comm argument is NULL");
  }
  if (next_failure != ncclSuccess) {
    if (next_failure != ncclInvalidArgument) {
      stuck.insert(one.comm);
    }
    return std::exchange(next_failure, ncclSuccess);
  }
  queued.push_back(std::move(one));
  return depth == 0 ? flush() : ncclSuccess;
}

std::size_t size_of(ncclDataType_t type) {
  constexpr std::size_t sizes[] = {1, 1, 4, 4, 8, 8, 2, 4, 8, 2, 1, 1};
  return sizes[type];
}

template <class T>
void fold_as(const std::vector<part>& parts, std::size_t first, std::size_t count, ncclRedOp_t how,
             void* out) {
  using wide = std::conditional_t<sizeof(T) == 2, float, T>;
  std::vector<T> result(count);
  const auto ranks = static_cast<wide>(static_cast<int>(parts.size()));
  for (std::size_t i = 0; i < count; ++i) {
    wide sum{};
    for (std::size_t rank = 0; rank < parts.size(); ++rank) {
      const auto value = static_cast<wide>(static_cast<const T*>(parts[rank].in)[first + i]);
      sum = rank == 0         ? value
            : how == ncclProd ? static_cast<wide>(sum * value)
            : how == ncclMin  ? (value < sum ? value : sum)
            : how == ncclMax  ? (sum < value ? value : sum)
                              : static_cast<wide>(sum + value);
    }
    result[i] = static_cast<T>(how == ncclAvg ? static_cast<wide>(sum / ranks) : sum);
  }
  move_bytes(out, result.data(), count * sizeof(T));
}

/// out = the fold of elements first .. first + count - 1 of all inputs.
void fold(const std::vector<part>& parts, std::size_t first, std::size_t count, ncclDataType_t type,
          ncclRedOp_t how, void* out) {
  switch (type) {
    case ncclInt8:
      return fold_as<std::int8_t>(parts, first, count, how, out);
    case ncclUint8:
      return fold_as<std::uint8_t>(parts, first, count, how, out);
    case ncclInt32:
      return fold_as<std::int32_t>(parts, first, count, how, out);
    case ncclUint32:
      return fold_as<std::uint32_t>(parts, first, count, how, out);
    case ncclInt64:
      return fold_as<std::int64_t>(parts, first, count, how, out);
    case ncclUint64:
      return fold_as<std::uint64_t>(parts, first, count, how, out);
    case ncclFloat16:
      return fold_as<rondo::half>(parts, first, count, how, out);
    case ncclBfloat16:
      return fold_as<rondo::bfloat16>(parts, first, count, how, out);
    case ncclFloat32:
      return fold_as<float>(parts, first, count, how, out);
    case ncclFloat64:
      return fold_as<double>(parts, first, count, how, out);
    default:
      std::abort();
  }
}

const std::byte* at(const void* memory, std::size_t bytes) {
  return static_cast<const std::byte*>(memory) + bytes;
}
std::byte* at(void* memory, std::size_t bytes) { return static_cast<std::byte*>(memory) + bytes; }

/// A collective in which `work(parts)` does all ranks' part; `shape` must agree.
template <class Work>
ncclResult_t collective(ncclComm_t comm, cudaStream_t stream, const char* name,
                        const std::string& shape, const void* device_in, void* device_out,
                        Work work) {
  nccl_on_threads::use(stream, device_in);
  nccl_on_threads::use(stream, device_out);
  const void* const in = nccl_on_threads::on_host(device_in);
  void* const out = nccl_on_threads::on_host(device_out);
  return enqueue({comm, name, [] { return true; },
                  [comm, name, shape, in, out, work = std::move(work)] {
                    return comm->in->meet(comm->rank, {name + shape, in, out}, work);
                  }});
}

std::string words(std::initializer_list<std::size_t> numbers) {
  std::string text;
  for (const auto one : numbers) {
    text += ' ' + std::to_string(one);
  }
  return text;
}

}  // namespace

namespace nccl_on_threads {

std::vector<std::string> calls_of(ncclComm_t comm) { return comm->calls; }
void break_down(ncclComm_t comm, ncclResult_t how) {
  comm->broken = how;
  if (how != ncclSuccess && how != ncclInProgress) {
    stuck.insert(comm);
  }
}
void hang(ncclComm_t comm, ncclResult_t how) {
  hanging = comm;
  failure_of_hanging = how;
  stuck.insert(comm);
}
void fail_next(ncclResult_t how) { next_failure = how; }
void split_slowly(bool now) { slow_splits = now; }
void register_slowly(int looks) { slow_windows = looks; }
int careless_ends() { return careless; }
void pretend_gpu(char name) { gpu = name; }
launch launched() { return last_launch; }
void pretend_version(int code) { version = code; }
void pretend_capture(bool now) { capturing = now; }
int blocks_behind_calls() { return made_behind_calls; }
int blocks() { return open_blocks; }
int handles() { return static_cast<int>(handles_made); }
int communicators() { return open_communicators; }

/// The last uses of a block, of which `stream` must know the writes.
static last_uses& uses_known_to(cudaStream_t stream, const void* memory) {
  auto block = allocated.upper_bound(reinterpret_cast<std::uintptr_t>(memory));
  if (block != allocated.begin() &&
      reinterpret_cast<std::uintptr_t>(memory) - (--block)->first < block->second) {
    memory = reinterpret_cast<const void*>(block->first);
  }
  auto& last = uses[memory];
  if (last.writer != stream && clocks[stream][last.writer] < last.written) {
    ++unordered;
  }
  return last;
}
void use(cudaStream_t stream, const void* memory) {
  uses_known_to(stream, memory).read[stream] = ++clocks[stream][stream];
}
void use(cudaStream_t stream, void* memory) {
  auto& last = uses_known_to(stream, memory);
  for (const auto& [reader, time] : last.read) {
    unordered += reader != stream && clocks[stream][reader] < time ? 1 : 0;
  }
  last = {stream, ++clocks[stream][stream], {}};
}
int unordered_uses() { return unordered; }

void hide_device_memory(bool now) { hidden = now; }
const void* address_on_host(const void* device) {
  return reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(device) & ~hiding);
}

int waits() { return waits_made; }
void lose_wait(int which) { lost_wait = which; }

}  // namespace nccl_on_threads

/// The host waits for a stream: what is on its way to the host has come, and what was to leave it
/// must still be as it was.
static void arrive(cudaStream_t stream) {
  for (const host_copy& one : std::exchange(to_host[stream], {})) {
    move_bytes(one.to, one.bytes.data(), one.bytes.size());
  }
  for (const host_copy& one : std::exchange(from_host[stream], {})) {
    const auto* const now = static_cast<const std::byte*>(one.from);
    unordered += std::equal(one.bytes.begin(), one.bytes.end(), now) ? 0 : 1;
  }
}

extern "C" {

const char* ncclGetErrorString(ncclResult_t result) {
  return result == ncclInvalidUsage ? "invalid usage" : "some error";
}
const char* ncclGetLastError(ncclComm_t) { return last_error.c_str(); }

ncclResult_t ncclGetVersion(int* code) {
  *code = version;
  return ncclSuccess;
}

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  const std::uint64_t number = ids++;
  std::memset(id->internal, 0, sizeof id->internal);
  std::memcpy(id->internal, &number, sizeof number);
  return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* made, int size, ncclUniqueId id, int rank,
                                    ncclConfig_t*) {
  std::uint64_t number = 0;
  std::memcpy(&number, id.internal, sizeof number);
  std::shared_ptr<world> in;
  {
    const std::lock_guard held{worlds_lock};
    auto& known = worlds[number];
    if (!known) {
      known = std::make_shared<world>(size);
    }
    in = known;
  }
  *made = new ncclComm{in, rank};
  ++open_communicators;
  return in->meet(rank, {"init", nullptr, nullptr}, [](const auto&) {})
             ? ncclSuccess
             : wrong("not all ranks came", ncclSystemError);
}

static ncclResult_t end_of(ncclComm_t comm) {
  if (comm != nullptr) {
    for (const void* const one : comm->windows) {
      registered.erase(one);
    }
    --open_communicators;
    delete comm;
  }
  return ncclSuccess;
}
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  careless += stuck.erase(comm) != 0 ||
              (comm != nullptr && (comm->broken == ncclInProgress || !comm->windows.empty()));
  return end_of(comm);
}
ncclResult_t ncclCommAbort(ncclComm_t comm) {
  hanging = hanging == comm ? nullptr : hanging;
  stuck.erase(comm);
  ending = comm->rank;  // as ncclCommCuDevice says
  return end_of(comm);
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* result) {
  if (comm->then && comm->looks-- == 0) {
    comm->broken = ncclSuccess;
    std::exchange(comm->then, nullptr)();
  }
  *result = comm->broken;
  return ncclSuccess;
}
ncclResult_t ncclCommCount(const ncclComm_t comm, int* count) {
  *count = comm->in->size;
  return ncclSuccess;
}
ncclResult_t ncclCommUserRank(const ncclComm_t comm, int* rank) {
  *rank = comm->rank;
  return ncclSuccess;
}
ncclResult_t ncclCommCuDevice(const ncclComm_t comm, int* device) {
  *device = comm->rank;
  return ncclSuccess;
}

/// The ranks with the same color; each brings {color, key}.
ncclResult_t ncclCommSplit(ncclComm_t comm, int color, int key, ncclComm_t* made, ncclConfig_t*) {
  struct wish {
    int color;
    int key;
    ncclComm_t result;
  } mine{color, key, nullptr};
  const bool good = comm->in->meet(comm->rank, {"split", nullptr, &mine}, [](const auto& parts) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      auto* one = static_cast<wish*>(parts[i].out);
      int size = 0;
      int rank = 0;
      std::shared_ptr<world> in;
      for (std::size_t k = 0; k < parts.size(); ++k) {
        const auto* other = static_cast<const wish*>(parts[k].out);
        if (other->color == one->color) {
          ++size;
          rank += other->key < one->key || (other->key == one->key && k < i);
          in = other->result != nullptr ? other->result->in : in;
        }
      }
      one->result = new ncclComm{in ? in : std::make_shared<world>(size), rank};
      ++open_communicators;
    }
  });
  *made = mine.result;
  if (good && slow_splits) {
    comm->broken = mine.result->broken = ncclInProgress;
    return ncclInProgress;
  }
  return good ? ncclSuccess : ncclSystemError;
}

/// Only those that stay call it, so they find each other by the list of those that do not.
ncclResult_t ncclCommShrink(ncclComm_t comm, int* lost, int count, ncclComm_t* made, ncclConfig_t*,
                            int) {
  int rank = comm->rank;
  std::uint64_t number = reinterpret_cast<std::uintptr_t>(comm->in.get()) << 8;
  for (int i = 0; i < count; ++i) {
    rank -= lost[i] < comm->rank;
    number += std::uint64_t{1} << (lost[i] % 8);
  }
  ncclUniqueId id{};
  std::memcpy(id.internal, &number, sizeof number);
  return ncclCommInitRankConfig(made, comm->in->size - count, id, rank, nullptr);
}

ncclResult_t ncclMemAlloc(void** block, std::size_t bytes) {
  made_behind_calls += under_way ? 1 : 0;
  *block = std::malloc(bytes);
  ++open_blocks;
  return ncclSuccess;
}
ncclResult_t ncclMemFree(void* block) {
  careless += !stuck.empty() || ending != -1 || registered.count(block) != 0;
  --open_blocks;
  uses.erase(block);
  std::free(block);
  return ncclSuccess;
}

/// At once, or when the host has looked often enough.
static ncclResult_t made_now_or_later(ncclComm_t comm, std::function<void()> make) {
  if (slow_windows == 0) {
    make();
    return ncclSuccess;
  }
  comm->looks = slow_windows;
  comm->then = std::move(make);
  return comm->broken = ncclInProgress;
}
// Windows only count what is registered.
ncclResult_t ncclCommWindowRegister(ncclComm_t comm, void* block, std::size_t, ncclWindow_t* made,
                                    int) {
  comm->windows.insert(block);
  registered.insert(block);
  return made_now_or_later(comm, [=] { *made = static_cast<ncclWindow_t>(block); });
}
ncclResult_t ncclCommWindowDeregister(ncclComm_t comm, ncclWindow_t made) {
  return made_now_or_later(comm, [=] {
    comm->windows.erase(made);
    registered.erase(made);
  });
}

/// Every rank has its own factor, so it is applied to the rank's input when the call is made.
ncclResult_t ncclRedOpCreatePreMulSum(ncclRedOp_t* made, void* factor, ncclDataType_t type,
                                      ncclScalarResidence_t, ncclComm_t) {
  if (type != ncclFloat32) {
    return wrong("only floats are emulated");
  }
  own_factor = *static_cast<const float*>(factor);
  *made = static_cast<ncclRedOp_t>(ncclNumOps + 1);
  return ncclSuccess;
}
ncclResult_t ncclRedOpDestroy(ncclRedOp_t, ncclComm_t) { return ncclSuccess; }

ncclResult_t ncclGroupStart() {
  ++depth;
  return ncclSuccess;
}
ncclResult_t ncclGroupEnd() { return --depth == 0 ? flush() : ncclSuccess; }

ncclResult_t ncclSend(const void* data, std::size_t count, ncclDataType_t type, int peer,
                      ncclComm_t comm, cudaStream_t stream) {
  if (count != 0) {
    nccl_on_threads::use(stream, data);
  }
  auto letter =
      std::make_shared<message>(message{nccl_on_threads::on_host(data), count * size_of(type)});
  return enqueue({comm, "ncclSend",
                  [=] {
                    const std::lock_guard held{comm->in->lock};
                    comm->in->mail[{comm->rank, peer}].push_back(letter.get());
                    comm->in->news.notify_all();
                    return true;
                  },
                  [=] {
                    std::unique_lock held{comm->in->lock};
                    return comm->in->wait(held, [&] { return letter->taken; });
                  }});
}
ncclResult_t ncclRecv(void* into, std::size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  if (count != 0) {
    nccl_on_threads::use(stream, into);
  }
  into = nccl_on_threads::on_host(into);
  const std::size_t bytes = count * size_of(type);
  return enqueue({comm, "ncclRecv", [] { return true; },
                  [=] {
                    std::unique_lock held{comm->in->lock};
                    auto& box = comm->in->mail[{peer, comm->rank}];
                    if (!comm->in->wait(held, [&] { return !box.empty(); })) {
                      return false;
                    }
                    message* const letter = box.front();
                    box.pop_front();
                    if (letter->bytes == bytes && bytes != 0) {
                      move_bytes(into, letter->data, bytes);
                    }
                    letter->taken = true;
                    comm->in->news.notify_all();
                    return letter->bytes == bytes;
                  }});
}

ncclResult_t ncclAllReduce(const void* in, void* out, std::size_t count, ncclDataType_t type,
                           ncclRedOp_t how, ncclComm_t comm, cudaStream_t stream) {
  if (how > ncclNumOps) {
    const auto* values = static_cast<const float*>(nccl_on_threads::on_host(in));
    std::vector<float> scaled(values, values + count);
    for (float& value : scaled) {
      value *= own_factor;
    }
    return ncclAllReduce(scaled.data(), out, count, type, ncclSum, comm, stream);
  }
  return collective(comm, stream, "ncclAllReduce", words({count, type, how}), in, out,
                    [=](const auto& parts) {
                      std::vector<std::byte> result(count * size_of(type));
                      fold(parts, 0, count, type, how, result.data());
                      for (const auto& one : parts) {
                        move_bytes(one.out, result.data(), result.size());
                      }
                    });
}
ncclResult_t ncclReduce(const void* in, void* out, std::size_t count, ncclDataType_t type,
                        ncclRedOp_t how, int root, ncclComm_t comm, cudaStream_t stream) {
  return collective(comm, stream, "ncclReduce",
                    words({count, type, how, static_cast<std::size_t>(root)}), in, out,
                    [=](const auto& parts) {
                      fold(parts, 0, count, type, how, parts[static_cast<std::size_t>(root)].out);
                    });
}
ncclResult_t ncclReduceScatter(const void* in, void* out, std::size_t count, ncclDataType_t type,
                               ncclRedOp_t how, ncclComm_t comm, cudaStream_t stream) {
  return collective(comm, stream, "ncclReduceScatter", words({count, type, how}), in, out,
                    [=](const auto& parts) {
                      const std::size_t bytes = count * size_of(type);
                      std::vector<std::byte> all(bytes * parts.size());
                      fold(parts, 0, count * parts.size(), type, how, all.data());
                      for (std::size_t rank = 0; rank < parts.size(); ++rank) {
                        move_bytes(parts[rank].out, all.data() + rank * bytes, bytes);
                      }
                    });
}
ncclResult_t ncclBroadcast(const void* in, void* out, std::size_t count, ncclDataType_t type,
                           int root, ncclComm_t comm, cudaStream_t stream) {
  return collective(
      comm, stream, "ncclBroadcast", words({count, type, static_cast<std::size_t>(root)}), in, out,
      [=](const auto& parts) {
        for (const auto& one : parts) {
          move_bytes(one.out, parts[static_cast<std::size_t>(root)].in, count * size_of(type));
        }
      });
}
ncclResult_t ncclAllGather(const void* in, void* out, std::size_t count, ncclDataType_t type,
                           ncclComm_t comm, cudaStream_t stream) {
  return collective(comm, stream, "ncclAllGather", words({count, type}), in, out,
                    [=](const auto& parts) {
                      const std::size_t bytes = count * size_of(type);
                      for (const auto& one : parts) {
                        for (std::size_t rank = 0; rank < parts.size(); ++rank) {
                          move_bytes(at(one.out, rank * bytes), parts[rank].in, bytes);
                        }
                      }
                    });
}
ncclResult_t ncclAlltoAll(const void* in, void* out, std::size_t count, ncclDataType_t type,
                          ncclComm_t comm, cudaStream_t stream) {
  return collective(
      comm, stream, "ncclAlltoAll", words({count, type}), in, out, [=](const auto& parts) {
        const std::size_t bytes = count * size_of(type);
        for (std::size_t to = 0; to < parts.size(); ++to) {
          for (std::size_t from = 0; from < parts.size(); ++from) {
            move_bytes(at(parts[to].out, from * bytes), at(parts[from].in, to * bytes), bytes);
          }
        }
      });
}
ncclResult_t ncclGather(const void* in, void* out, std::size_t count, ncclDataType_t type, int root,
                        ncclComm_t comm, cudaStream_t stream) {
  return collective(comm, stream, "ncclGather",
                    words({count, type, static_cast<std::size_t>(root)}), in, out,
                    [=](const auto& parts) {
                      const std::size_t bytes = count * size_of(type);
                      for (std::size_t rank = 0; rank < parts.size(); ++rank) {
                        move_bytes(at(parts[static_cast<std::size_t>(root)].out, rank * bytes),
                                   parts[rank].in, bytes);
                      }
                    });
}
ncclResult_t ncclScatter(const void* in, void* out, std::size_t count, ncclDataType_t type,
                         int root, ncclComm_t comm, cudaStream_t stream) {
  return collective(
      comm, stream, "ncclScatter", words({count, type, static_cast<std::size_t>(root)}), in, out,
      [=](const auto& parts) {
        const std::size_t bytes = count * size_of(type);
        for (std::size_t rank = 0; rank < parts.size(); ++rank) {
          move_bytes(parts[rank].out, at(parts[static_cast<std::size_t>(root)].in, rank * bytes),
                     bytes);
        }
      });
}

const char* cudaGetErrorString(cudaError_t) { return "some error of CUDA"; }
cudaError_t cudaPeekAtLastError() { return last_failure; }
cudaError_t cudaGetLastError() { return std::exchange(last_failure, cudaSuccess); }
cudaError_t cudaGetDevice(int* device) {
  *device = current_device;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  current_device = device;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* about, int) {
  *about = {};
  about->uuid.bytes[0] = gpu;
  return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() {
  careless += !stuck.empty();
  ending = ending == current_device ? -1 : ending;
  return cudaSuccess;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t, cudaStreamCaptureStatus* status) {
  *status = capturing ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}
const char* cudaGetErrorName(cudaError_t) { return "an error of CUDA"; }
// What is enqueued is done at once. Clocks tell what would be ordered if it were not: a stream's
// own time, and the times of other streams that it has waited for.
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = reinterpret_cast<cudaStream_t>(++handles_made);
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  ++waits_made;
  if (lost_wait >= 0 && lost_wait-- == 0) {
    return cudaSuccess;
  }
  for (const auto& [other, time] : events[event]) {
    auto& known = clocks[stream][other];
    known = std::max(known, time);
  }
  return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = reinterpret_cast<cudaEvent_t>(++handles_made);
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  events[event] = clocks[stream];
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  events.erase(event);
  return cudaSuccess;
}
cudaError_t cudaMalloc(void** made, std::size_t bytes) {
  made_behind_calls += under_way ? 1 : 0;
  *made = std::malloc(bytes);
  if (*made == nullptr) {
    return last_failure = cudaErrorMemoryAllocation;
  }
  ++open_blocks;
  const auto address = reinterpret_cast<std::uintptr_t>(*made) | (hidden ? hiding : 0);
  *made = reinterpret_cast<void*>(address);
  allocated[address] = bytes;
  return cudaSuccess;
}
cudaError_t cudaFree(void* block) {
  careless += !stuck.empty();
  open_blocks -= block == nullptr ? 0 : 1;
  uses.erase(block);  // waits for them
  allocated.erase(reinterpret_cast<std::uintptr_t>(block));
  std::free(nccl_on_threads::on_host(block));
  return cudaSuccess;
}
// What windows need besides: all ranks are in this process, so nobody opens a handle.
cudaError_t cudaMemset(void* block, int value, std::size_t bytes) {
  std::memset(nccl_on_threads::on_host(block), value, bytes);
  return cudaSuccess;
}
cudaError_t cudaHostAlloc(void** made, std::size_t bytes, unsigned) {
  made_behind_calls += under_way ? 1 : 0;
  *made = std::malloc(bytes);
  return *made == nullptr ? last_failure = cudaErrorMemoryAllocation : cudaSuccess;
}
cudaError_t cudaFreeHost(void* block) {
  careless += !stuck.empty();
  from_host.clear();  // waits for them
  std::free(block);
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr, int) {
  *value = 1;
  return cudaSuccess;
}
cudaError_t cudaDeviceCanAccessPeer(int* reaches, int, int) {
  *reaches = 0;
  return cudaSuccess;
}
cudaError_t cudaDeviceEnablePeerAccess(int, unsigned) {
  return last_failure = cudaErrorInvalidDevice;
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* about, const void*) {
  *about = {};
  about->maxThreadsPerBlock = 512;
  about->maxDynamicSharedSizeBytes = shared_allowed;
  return cudaSuccess;
}
cudaError_t cudaFuncSetAttribute(const void*, cudaFuncAttribute, int bytes) {
  shared_allowed = bytes;
  return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void*, int,
                                                          std::size_t) {
  *blocks = nccl_on_threads::resident_blocks;
  return cudaSuccess;
}
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* how, const void*, void**) {
  if (how->dynamicSmemBytes > static_cast<std::size_t>(shared_allowed)) {
    return last_failure = cudaErrorInvalidValue;
  }
  last_launch = {how->gridDim.x, how->numAttrs == 1 && how->attrs[0].val.cooperative != 0};
  return cudaSuccess;
}
cudaError_t cudaIpcGetMemHandle(cudaIpcMemHandle_t*, void*) { return cudaSuccess; }
cudaError_t cudaIpcOpenMemHandle(void**, cudaIpcMemHandle_t, unsigned) {
  return last_failure = cudaErrorInvalidValue;
}
cudaError_t cudaIpcCloseMemHandle(void*) { return cudaSuccess; }
#if CUDART_VERSION >= 12050
cudaError_t cudaGetDriverEntryPointByVersion(const char*, void** found, unsigned,
                                             unsigned long long,
                                             cudaDriverEntryPointQueryResult* status) {
#else
cudaError_t cudaGetDriverEntryPoint(const char*, void** found, unsigned long long,
                                    cudaDriverEntryPointQueryResult* status) {
#endif
  *found = nullptr;
  *status = cudaDriverEntryPointSymbolNotFound;
  return cudaSuccess;
}
cudaError_t cudaMemcpy(void* into, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  const cudaError_t result = cudaMemcpyAsync(into, from, bytes, kind, nullptr);
  arrive(nullptr);
  return result;
}
cudaError_t cudaMemcpyAsync(void* into, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  if (kind == cudaMemcpyDeviceToHost) {
    nccl_on_threads::use(stream, from);
    const std::byte* const values = at(nccl_on_threads::on_host(from), 0);
    to_host[stream].push_back({into, nullptr, {values, values + bytes}});
    std::fill_n(static_cast<std::byte*>(into), bytes,
                std::byte{0xa5});  // what is there before the host has waited
    return cudaSuccess;
  }
  if (kind == cudaMemcpyHostToDevice) {
    from_host[stream].push_back({nullptr, from, {at(from, 0), at(from, bytes)}});
  }
  return cudaMemcpy2DAsync(into, bytes, from, bytes, bytes, 1, kind, stream);
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  ++waits_made;
  if (lost_wait < 0 || lost_wait-- != 0) {
    under_way = false;
    arrive(stream);
  }
  return cudaSuccess;
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  if (hanging != nullptr) {
    hanging->broken = failure_of_hanging;
    return last_failure = cudaErrorNotReady;
  }
  return cudaStreamSynchronize(stream);
}
cudaError_t cudaMemcpy2DAsync(void* into, std::size_t into_pitch, const void* from,
                              std::size_t from_pitch, std::size_t width, std::size_t height,
                              cudaMemcpyKind, cudaStream_t stream) {
  if (width > into_pitch || width > from_pitch) {
    return cudaErrorInvalidPitchValue;
  }
  nccl_on_threads::use(stream, from);
  nccl_on_threads::use(stream, into);
  for (std::size_t row = 0; row < height; ++row) {
    move_bytes(at(nccl_on_threads::on_host(into), row * into_pitch),
               at(nccl_on_threads::on_host(from), row * from_pitch), width);
  }
  return cudaSuccess;
}
}
