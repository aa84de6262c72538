// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <utility>

namespace rondo::inline v0_1::detail {

/// How many handles own an object; its base class.
class counted_owner {
 public:
  counted_owner() = default;
  counted_owner(const counted_owner&) = delete;
  counted_owner& operator=(const counted_owner&) = delete;

 protected:
  ~counted_owner() = default;

 private:
  template <class>
  friend class shared;
  std::atomic<std::size_t> owners_{1};
};

/// A handle on an object that goes away with its last handle: std::shared_ptr where <memory>, which
/// brings the streams along, would be 8,000 lines more.
template <class T>
class shared {
 public:
  shared() = default;
  /// The first handle on an object made with `new`.
  explicit shared(T* made) noexcept : at_{made} {}
  shared(const shared& other) noexcept : at_{other.at_} {
    if (at_ != nullptr) {
      at_->owners_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  shared(shared&& other) noexcept : at_{std::exchange(other.at_, nullptr)} {}
  shared& operator=(shared other) noexcept {
    std::swap(at_, other.at_);
    return *this;
  }
  ~shared() {
    static_assert(std::derived_from<T, counted_owner>);
    if (at_ != nullptr && at_->owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      delete at_;
    }
  }

  [[nodiscard]] T& operator*() const noexcept { return *at_; }
  [[nodiscard]] T* operator->() const noexcept { return at_; }
  [[nodiscard]] explicit operator bool() const noexcept { return at_ != nullptr; }

 private:
  T* at_ = nullptr;
};

}  // namespace rondo::inline v0_1::detail
