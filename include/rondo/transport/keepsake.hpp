// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/transport/detail/shared.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

/// What a communicator keeps between calls so that the second call of a shape allocates nothing.
namespace rondo::inline v0_1 {

/// Memory that grows to the largest request and stays.
class arena {
 public:
  /// At least `bytes` bytes, aligned to a cache line; the bytes of the last call are gone.
  [[nodiscard]] std::byte* get(std::size_t bytes) {
    if (bytes + alignment > memory_.size()) {
      memory_ = {};
      memory_.resize(bytes + alignment);
    }
    const auto raw = reinterpret_cast<std::uintptr_t>(memory_.data());
    return reinterpret_cast<std::byte*>((raw + alignment - 1) / alignment * alignment);
  }
  /// Room for `count` elements.
  template <class T>
  [[nodiscard]] T* get(std::size_t count) {
    return reinterpret_cast<T*>(get(count * sizeof(T)));
  }

 private:
  static constexpr std::size_t alignment = 64;
  std::vector<std::byte> memory_;
};

/// Objects made once, by type and key.
class keepsakes {
 public:
  /// The object of this type and key, made by `make()` the first time.
  template <class T, class Key, class Make>
  [[nodiscard]] T& get(const Key& key, const Make& make) {
    using of_type = kept<T, Key>;
    for (const auto& one : all_) {
      if (one->type == &marker<T, Key> && static_cast<of_type&>(*one).key == key) {
        return static_cast<of_type&>(*one).value;
      }
    }
    all_.emplace_back(new of_type(key, make()));
    return static_cast<of_type&>(*all_.back()).value;
  }

  /// The object of this type, of which there is one.
  template <class T>
  [[nodiscard]] T& get() {
    return get<T>(0, [] { return T{}; });
  }

 private:
  struct base : detail::counted_owner {
    explicit base(const void* of) : type{of} {}
    virtual ~base() = default;
    const void* type;
  };
  template <class T, class Key>
  static constexpr char marker = 0;
  template <class T, class Key>
  struct kept : base {
    kept(const Key& k, T v) : base{&marker<T, Key>}, key{k}, value{std::move(v)} {}
    Key key;
    T value;
  };

  std::vector<detail::shared<base>> all_;
};

}  // namespace rondo::inline v0_1
