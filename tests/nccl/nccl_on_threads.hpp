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

/// What ncclCommGetAsyncError will say of a communicator.
void break_down(ncclComm_t comm, ncclResult_t how);

/// What ncclGetVersion says from now on.
void pretend_version(int code);

/// What cudaStreamIsCapturing says on this thread.
void pretend_capture(bool capturing);

/// Blocks of ncclMemAlloc and cudaMalloc that are not freed.
int blocks();

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

/// cudaStreamWaitEvent and cudaStreamSynchronize, on this thread: how often they have been called,
/// and which call of those to come (0: the next) does nothing. A copy to memory of the host comes
/// when the host waits for its stream; until then there is something else.
int waits();
void lose_wait(int which);

/// How often, on this thread, memory was read on a stream that did not wait, by events, for the
/// last write on another one, or was written on one that did not wait for that and for all later
/// reads; and how often the host, before it waited, wrote what was to be copied from it.
int unordered_uses();

/// Communicators that are neither destroyed nor aborted.
int communicators();

}  // namespace nccl_on_threads
