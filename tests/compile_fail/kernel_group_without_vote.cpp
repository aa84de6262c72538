// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: device: the threads of this group cannot vote whether to go on
// compilers: g++ clang++
#include <rondo/device.hpp>

struct group {
  unsigned rank;
  unsigned thread_rank() const { return rank; }
  unsigned size() const { return 64; }
  void sync() const {}
#if defined(RONDO_CONTROL)
  int all(int mine) const { return mine; }
#endif
};

bool call(const rondo::device::window& window, rondo::device_span<float> values) {
  return rondo::device::all_reduce(group{0}, window, values);
}
