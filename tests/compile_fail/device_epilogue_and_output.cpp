// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: device: from one buffer to another there is no prologue and no epilogue
#include <rondo/device.hpp>
#include <rondo/protocol/peer_memory.hpp>

void call(const rondo::device::window& window, rondo::device_span<const float> in,
          rondo::device_span<float> out) {
  const auto epilogue = [](std::size_t, float) {};
#if defined(RONDO_CONTROL)
  static_cast<void>(out);
  static_cast<void>(rondo::device::all_reduce(rondo::protocol::one_thread{}, window, in, epilogue));
#else
  static_cast<void>(
      rondo::device::all_reduce(rondo::protocol::one_thread{}, window, in, out, epilogue));
#endif
}
