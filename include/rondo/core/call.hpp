// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/source_location.hpp>
#include <rondo/core/type_name.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rondo::inline v0_1 {

/// What a call's `partner` is: the root of a collective, or the other end of a message.
enum class partner_kind : unsigned char { root, peer };

namespace detail {

/// train.cpp:40
[[nodiscard]] inline std::string in_words(source_location where) {
  const std::string_view path = where.file;
  return std::string{path.substr(path.find_last_of('/') + 1)} + ':' + std::to_string(where.line);
}

/// A type's name as programs write it: rondo::half, for rondo::v0_1::half.
[[nodiscard]] inline std::string without_version(std::string_view type) {
  constexpr std::string_view version = "::v0_1";
  std::string text{type};
  for (std::size_t at = text.find(version); at != text.npos; at = text.find(version, at)) {
    text.erase(at, version.size());
  }
  return text;
}

}  // namespace detail

/// What a call site fixes at compile time.
struct signature {
  std::string_view collective;
  std::string_view type;
  std::string_view operation;  ///< empty where nothing is folded
  std::string_view algorithm;
  std::string_view codec;  ///< empty for exact
  partner_kind with = partner_kind::root;
  std::uint64_t hash = 0;

  constexpr signature(std::string_view collective_, std::string_view type_,
                      std::string_view operation_ = {}, std::string_view algorithm_ = {},
                      std::string_view codec_ = {})
      : collective{collective_},
        type{type_},
        operation{operation_},
        algorithm{algorithm_},
        codec{codec_},
        hash{hash_of(codec,
                     hash_of(algorithm, hash_of(operation, hash_of(type, hash_of(collective)))))} {}
  constexpr signature(std::string_view verb, std::string_view type_, partner_kind with_)
      : signature{verb, type_} {
    with = with_;
  }
};

/// The count of a call whose ranks have lists of counts that differ by their nature.
inline constexpr std::size_t counts_of_each_rank = ~std::size_t{0};

/// One rank's view of one call: what must agree between ranks, and where it was made.
struct call {
  const signature* what = nullptr;
  std::size_t count = 0;      ///< elements, by the collective's own convention
  std::int64_t partner = -1;  ///< root or peer
  source_location where{};
  /// What else must agree, as a number: of a collective its lists of counts and the `parameters()`
  /// of its policies, of a message its tag.
  std::uint64_t parameters = 0;

  /// Equal on ranks that agree; differs, but for one case in 2^32, where they do not.
  [[nodiscard]] std::uint32_t fingerprint() const noexcept {
    std::uint64_t mixed = what->hash;
    mixed = (mixed ^ count) * 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ (mixed >> 29) ^ static_cast<std::uint64_t>(partner)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 31) ^ parameters) * 0x94d049bb133111ebu;
    return static_cast<std::uint32_t>(mixed >> 32);
  }

  /// all_reduce(1024 x float, sum, ring) at train.cpp:40
  [[nodiscard]] std::string describe() const {
    std::string text{what->collective};
    text += '(';
    if (!what->type.empty()) {
      text += count == counts_of_each_rank ? "counts of" : std::to_string(count) + " x";
      text += ' ' + detail::without_version(what->type);
    }
    std::string codec;  // known by its own name, wherever it is from
    without_namespaces(what->codec, [&](std::string_view piece) { codec += piece; });
    for (const std::string_view word :
         {what->operation, what->algorithm, std::string_view{codec}}) {
      if (!word.empty()) {
        text += text.back() == '(' ? "" : ", ";
        text += word;
      }
    }
    if (partner >= 0) {
      const bool message = what->with == partner_kind::peer;
      text += text.back() == '(' ? "" : ", ";
      text += (message ? "peer " : "root ") + std::to_string(partner);
      if (message && parameters != 0) {
        text += ", tag " + std::to_string(parameters);
      }
    }
    return text + ") at " + detail::in_words(where);
  }
};

}  // namespace rondo::inline v0_1
