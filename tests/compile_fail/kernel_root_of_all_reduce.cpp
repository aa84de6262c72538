// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: device: this collective does not take a policy that was given
// compilers: g++ clang++ nvcc
#include <rondo/device.hpp>

struct one_thread {
  unsigned thread_rank() const { return 0; }
  unsigned size() const { return 1; }
  void sync() const {}
  bool all(bool mine) const { return mine; }
};

bool call(const rondo::device::window& window, rondo::device_span<float> values) {
#if defined(RONDO_CONTROL)
  return rondo::device::all_reduce(one_thread{}, window, values);
#else
  return rondo::device::all_reduce(one_thread{}, window, values, rondo::root{1});
#endif
}
