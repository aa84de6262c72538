// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/transport/turn.hpp>
#include <rondo/version.hpp>

#include <exception>

namespace rondo::inline v0_1::detail {

/// Runs `body(now)`. What it throws goes on to the caller; before, `now.abandon(refused, why)` sees
/// to it that no peer waits for this call in vain. A call that was refused before any peer noticed
/// it does no harm: every rank refuses it alike.
template <abandonable Turn, class Body>
void run_guarded(Turn& now, const Body& body) {
#if defined(__cpp_exceptions)
  try {
    body(now);
  } catch (const error& thrown) {
    const bool refused = thrown.code() == error_code::invalid_argument;
    now.abandon(refused, thrown.what());
    if (refused) {  // by code that does not know the call
      refuse(without_prefix(thrown.what()) + now.place(), thrown.rank());
    }
    throw;
  } catch (const std::exception& thrown) {
    now.abandon(false, thrown.what());
    throw;
  } catch (...) {
    now.abandon(false, "an object that is no std::exception");
    throw;
  }
#else
  body(now);
#endif
}

}  // namespace rondo::inline v0_1::detail
