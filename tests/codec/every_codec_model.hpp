// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "every_codec.hpp"

#include <rondo/codec/cast.hpp>
#include <rondo/codec/detail/tile.hpp>
#include <rondo/codec/lossless.hpp>
#include <rondo/codec/mixed_by_size.hpp>
#include <rondo/core/type_name.hpp>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace every {

/// Types of values that a codec refuses to compile for.
template <class Codec, class T>
inline constexpr bool takes = true;
template <>
inline constexpr bool takes<rondo::codec::exact, double> = false;
template <class Short, class Long, class T>
inline constexpr bool takes<rondo::codec::mixed_by_size<Short, Long>, T> =
    takes<Short, T>&& takes<Long, T>;
template <class T>
inline constexpr bool takes<rondo::codec::lossless_bfloat16, T> = std::is_same_v<T, bfloat16>;

template <rondo::codec::codec Codec>
class model final : public codec {
 public:
  explicit model(Codec of) : codec_{std::move(of)} {}

  std::string name() const override { return std::string{rondo::type_name<Codec>()}; }
  std::size_t block() const override { return Codec::block; }
  std::size_t wire_bytes(std::size_t count) const override { return codec_.wire_bytes(count); }
  bool carries_nan() const override { return rondo::codec::traits<Codec>::carries_nan; }
  float max_error(float absmax, [[maybe_unused]] float absmax_of_all) const override {
    if constexpr (requires { codec_.max_error(absmax, absmax_of_all); }) {
      return codec_.max_error(absmax, absmax_of_all);
    } else if constexpr (requires { codec_.max_error(absmax); }) {
      return codec_.max_error(absmax);
    } else {
      throw std::logic_error{"no bound"};
    }
  }

  void encode(std::span<const float> values, room to) const override { send(values, to); }
  void encode(std::span<const double> values, room to) const override { send(values, to); }
  void encode(std::span<const half> values, room to) const override { send(values, to); }
  void encode(std::span<const bfloat16> values, room to) const override { send(values, to); }

  void decode(bytes from, std::span<float> values) const override { codec_.decode(from, values); }
  void decode(bytes from, std::span<double> values) const override { codec_.decode(from, values); }
  void decode(bytes from, std::span<half> values) const override { codec_.decode(from, values); }
  void decode(bytes from, std::span<bfloat16> values) const override {
    codec_.decode(from, values);
  }
  void decode_add(bytes from, std::span<float> sum) const override { codec_.decode_add(from, sum); }
  void decode_subtract(bytes from, std::span<float> rest) const override {
    codec_.decode_subtract(from, rest);
  }

  bool sums_wires() const override { return has_sum; }
  void encode_sum([[maybe_unused]] std::span<const bytes> wires, [[maybe_unused]] std::size_t count,
                  [[maybe_unused]] room to, [[maybe_unused]] float divisor) const override {
    if constexpr (has_sum) {
      codec_.encode_sum(wires, count, to, {}, divisor);
    } else {
      throw std::logic_error{"no encode_sum"};
    }
  }

  unsigned tiles_that_differ([[maybe_unused]] std::span<const float> block) const override {
    if constexpr (requires { typename Codec::format; }) {
      return differing_tiles(block);
    } else {
      throw std::logic_error{"no blocks"};
    }
  }

 private:
  static constexpr bool has_sum = requires(const Codec& with, room to) {
    with.encode_sum({}, std::size_t{}, to);
  };

  template <class T>
  void send([[maybe_unused]] std::span<const T> values, [[maybe_unused]] room to) const {
    if constexpr (takes<Codec, T>) {
      codec_.encode(values, to);
    } else {
      throw std::logic_error{"not a type that the codec takes"};
    }
  }

  unsigned differing_tiles(std::span<const float> values) const {
    using format = typename Codec::format;
    using layout = typename Codec::wire;
    constexpr std::size_t width = 8;
    constexpr auto bits = static_cast<std::size_t>(Codec::bits);
    std::vector<std::byte> wire(codec_.wire_bytes(Codec::block));
    std::vector<float> expected(Codec::block);
    codec_.encode(values, wire);
    codec_.decode(wire, expected);
    const auto scale = layout::read_scale(wire.data(), 0);
    const auto told = layout::read_header(wire.data(), Codec::block);
    const auto whole =
        reinterpret_cast<const std::uint8_t*>(layout::payload(wire.data(), Codec::block, 0));

    unsigned differing = 0;
    typename Codec::statistic seen{};
    for (std::size_t first = 0; first < Codec::block; first += width) {
      float tile[width];
      std::copy_n(values.data() + first, width, tile);
      seen = Codec::statistic::combine(seen, Codec::statistic::observe(tile));
      std::uint8_t part[width * bits / 8];
      rondo::codec::detail::pack_tile<format>(tile, scale, part, told, first);
      float back[width];
      rondo::codec::detail::unpack_tile<format>(part, scale, back, told);
      differing += std::memcmp(back, expected.data() + first, sizeof(back)) != 0;
      // Six bits stand in two planes of the block.
      differing += bits != 6 && std::memcmp(part, whole + first * bits / 8, sizeof(part)) != 0;
    }
    if constexpr (!requires(const float(&tile)[Codec::block]) { format::observe_block(tile); }) {
      const auto of_lanes = rondo::codec::detail::scale_of<format>(seen, Codec::block, told);
      differing += std::memcmp(&of_lanes, &scale, sizeof(scale)) != 0;
    }
    return differing;
  }

  Codec codec_;
};

template <class... Codecs>
[[nodiscard]] list of(Codecs... codecs) {
  list all;
  (all.push_back(std::make_unique<model<Codecs>>(std::move(codecs))), ...);
  return all;
}

}  // namespace every
