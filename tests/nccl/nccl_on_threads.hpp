// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <nccl.h>

#include <string>
#include <vector>

/// An emulation of NCCL and of the few calls of CUDA that rondo makes, for machines without a GPU:
/// one thread is one rank, memory is the host's. Linked in place of the real libraries, with their
/// real headers. As strict as they are: sends and receives meet, a group begins at its end, and
/// collectives must agree. Where there is a GPU, the checks of alike.hpp say whether it is right.
namespace nccl_on_threads {

/// Names of the calls that were begun on a communicator, in order.
std::vector<std::string> calls_of(ncclComm_t comm);

/// What ncclCommGetAsyncError will say of a communicator. Of one that has failed this thread has
/// kernels under way that wait for a peer until it is aborted.
void break_down(ncclComm_t comm, ncclResult_t how);

/// What the next send, receive or collective of this thread returns, once; but for
/// ncclInvalidArgument it leaves kernels as `break_down` does.
void fail_next(ncclResult_t how);

/// Whether ncclCommSplit returns, on this thread, while old and new communicator are still at work.
void split_slowly(bool slowly);

/// How often ncclCommGetAsyncError says, on this thread, that a registration is still under way
/// before ncclCommWindowRegister has come to its end, or ncclCommWindowDeregister; 0: they block.
void register_slowly(int looks);

/// How often this thread freed memory of NCCL's while kernels that were not waited for might use
/// it, waited for kernels that nobody had ended, as cudaFree does too, or destroyed a communicator
/// that only an abort ends, or that has windows still.
int careless_ends();

/// What ncclGetVersion says from now on.
void pretend_version(int code);

/// What cudaStreamIsCapturing says on this thread.
void pretend_capture(bool capturing);

/// The GPU that this thread finds itself on, by name, whatever its number.
void pretend_gpu(char name);

/// The last kernel that this thread launched, which did nothing. A GPU runs so many blocks at once.
struct launch {
  unsigned blocks = 0;  ///< of a rank
  bool cooperative = false;
};
launch launched();
inline constexpr int resident_blocks = 12;
/// What a kernel may have without asking, of 48 KiB, as it has declared 8 itself; a launch with
/// more than it has asked for fails.
inline constexpr int shared_without_asking = 40 << 10;

/// Blocks of ncclMemAlloc and cudaMalloc that are not freed.
int blocks();

/// How often this thread made such a block, or memory of the host that is pinned, after a call of
/// NCCL and before it waited for a stream.
int blocks_behind_calls();

/// Streams and events that this thread has made.
int handles();

/// A kernel of the test's on this stream reads this block of memory, or may write it too; messages,
/// collectives and copies do so of themselves.
void use(cudaStream_t stream, const void* memory);
void use(cudaStream_t stream, void* memory);

/// From now on the addresses that cudaMalloc gives are none of the host's: a read or write there
/// ends the program. `on_host` is where NCCL, CUDA and the kernels of a test find such memory.
void hide_device_memory(bool hidden);
const void* address_on_host(const void* device);
template <class T>
T* on_host(T* device) {
  return static_cast<T*>(const_cast<void*>(address_on_host(device)));
}

/// From now on no stream of this thread's comes to its end, as a kernel of `comm`'s waits for a
/// peer; NCCL says `how` of it as soon as CUDA has been asked about a stream.
void hang(ncclComm_t comm, ncclResult_t how);

/// cudaStreamWaitEvent, cudaStreamSynchronize, and cudaStreamQuery that finds a stream at its end,
/// on this thread: how often they have been called, and which call of those to come (0: the next)
/// does nothing. A copy to memory of the host comes when the host waits for its stream; until then
/// there is something else.
int waits();
void lose_wait(int which);

/// How often, on this thread, memory was read on a stream that did not wait, by events, for the
/// last write on another one, or was written on one that did not wait for that and for all later
/// reads; and how often the host, before it waited, wrote what was to be copied from it.
int unordered_uses();

/// Communicators that are neither destroyed nor aborted.
int communicators();

}  // namespace nccl_on_threads
