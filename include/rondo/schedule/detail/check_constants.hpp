// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/schedule/network.hpp>
#include <rondo/version.hpp>

#include <initializer_list>
#include <string>

/// A model's constants, before time is counted with them: a NaN would make it 0.
namespace rondo::inline v0_1::schedule::detail {

struct named_constant {
  const char* name;
  double value;
};

inline void check_times(const char* who, std::initializer_list<named_constant> times) {
  for (const auto& [name, seconds] : times) {
    if (!(seconds >= 0 && seconds <= 1e6)) {
      refuse(std::string{who} + ": " + name + " is " + std::to_string(seconds) +
             "; expected 0 to 1e6");
    }
  }
}
inline void check_rates(const char* who, std::initializer_list<named_constant> rates) {
  for (const auto& [name, bytes_per_second] : rates) {
    if (!(bytes_per_second > 1e-100)) {  // below, no number tells how long bytes take
      refuse(std::string{who} + ": " + name + " is " + std::to_string(bytes_per_second) +
             "; expected a number above 0");
    }
  }
}

inline void check_constants(const char* who, const network& on) {
  check_times(who, {{"network.latency", on.latency},
                    {"network.inner_latency", on.inner_latency},
                    {"network.overhead", on.overhead}});
  check_rates(who, {{"network.bytes_per_second", on.bytes_per_second},
                    {"network.inner_bytes_per_second", on.inner_bytes_per_second},
                    {"network.fold_bytes_per_second", on.fold_bytes_per_second},
                    {"network.copy_bytes_per_second", on.copy_bytes_per_second}});
}

}  // namespace rondo::inline v0_1::schedule::detail
