// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/cast.hpp>
#include <rondo/core/host_device.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/core/type_name.hpp>
#include <rondo/device/arguments.hpp>
#include <rondo/protocol/packs.hpp>
#include <rondo/protocol/words.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

/// What protocols get for the arguments of a call: elements by index, what travels in their place,
/// and what ranks must agree about.
namespace rondo::inline v0_1::device::detail {

/// A callable on indices, moved so that index 0 is `first` of the whole.
template <class F>
struct moved {
  const F& of;
  std::size_t first;
  template <class... Value>
  RONDO_HOST_DEVICE decltype(auto) operator()(std::size_t i, const Value&... value) const {
    return of(first + i, value...);
  }
  template <unsigned Width>
  RONDO_HOST_DEVICE auto packed(std::size_t i) const requires requires {
    of.template packed<Width>(i);
  }
  { return of.template packed<Width>(first + i); }
  template <class Pack>
  RONDO_HOST_DEVICE void packed(std::size_t i, const Pack& values) const requires requires {
    of.packed(i, values);
  }
  { of.packed(first + i, values); }
};
template <class F>
moved(const F&, std::size_t) -> moved<F>;

/// True if every slot's share fits the inboxes: the same on all slots.
template <class T, class Window>
[[nodiscard]] RONDO_HOST_DEVICE bool fits_packets(const Window& window, std::size_t count) {
  return even_part(count, window.slot_count(), 0, line_or<T>(1)).count <=
         protocol::elements_in_words<T>(window.shape().inbox_words);
}

/// What ranks must agree about, of which the first part is known to the compiler; 16 bits of it go
/// with every signal.
template <class... Parts>
[[nodiscard]] consteval std::uint64_t hash_of_types(std::string_view collective) {
  std::uint64_t hash = hash_of(collective);
  ((hash = hash_of(type_name<Parts>(), hash)), ...);
  return hash;
}
[[nodiscard]] RONDO_HOST_DEVICE constexpr std::uint16_t fingerprint(std::uint64_t types,
                                                                    std::size_t count,
                                                                    unsigned slot_count,
                                                                    int partner = -1) {
  std::uint64_t mixed = (types ^ count) * 0x9e3779b97f4a7c15u;
  mixed = (mixed ^ (mixed >> 29) ^ slot_count ^ (static_cast<std::uint64_t>(partner) << 32)) *
          0xbf58476d1ce4e5b9u;
  return static_cast<std::uint16_t>(mixed >> 48);
}

template <class Wire, class From>
struct narrowed {
  const From& from;
  RONDO_HOST_DEVICE Wire operator()(std::size_t i) const {
    return static_cast<Wire>(static_cast<float>(from(i)));
  }
  template <unsigned Width>
  RONDO_HOST_DEVICE protocol::pack<Wire, Width> packed(std::size_t i) const requires requires {
    from.template packed<Width>(i);
  }
  {
    const auto wide = from.template packed<Width>(i);
    protocol::pack<Wire, Width> made;
    RONDO_UNROLL
    for (unsigned k = 0; k < Width; ++k) {
      made.value[k] = static_cast<Wire>(static_cast<float>(wide.value[k]));
    }
    return made;
  }
};
template <class T, class To>
struct widened {
  const To& to;
  template <class Wire>
  RONDO_HOST_DEVICE void operator()(std::size_t i, const Wire& value) const {
    to(i, static_cast<T>(static_cast<float>(value)));
  }
  template <class Wire, unsigned Width>
      RONDO_HOST_DEVICE void packed(std::size_t i, const protocol::pack<Wire, Width>& values) const
      requires(Width * sizeof(T) <= protocol::pack_bytes) &&
      requires(const protocol::pack<T, Width>& wide) {
    to.packed(i, wide);
  }
  {
    protocol::pack<T, Width> made;
    RONDO_UNROLL
    for (unsigned k = 0; k < Width; ++k) {
      made.value[k] = static_cast<T>(static_cast<float>(values.value[k]));
    }
    to.packed(i, made);
  }
};

/// Codecs that send values as they are.
template <class Codec>
inline constexpr bool is_plain =
    std::is_same_v<Codec, nothing_given> || std::is_same_v<Codec, codec::exact>;

}  // namespace rondo::inline v0_1::device::detail
