// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/bit_cast.hpp>
#include <rondo/core/host_device.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/core/vectorize.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>

/// Sums that do not depend on order: every partial sum is exact, and rounding happens once, at the
/// end. So any schedule, any cut into chunks, any order and any number of ranks give the same bits.
RONDO_INDEPENDENT_LOOPS_BEGIN

namespace rondo::inline v0_1 {

namespace detail {

using limb = std::uint64_t;

/// value += addend + carry; the carry out goes to `carry`.
RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE constexpr void add_with_carry(limb& value, limb addend,
                                                                    limb& carry) noexcept {
  const limb sum = value + addend;
  const limb total = sum + carry;
  carry = static_cast<limb>(sum < addend) | static_cast<limb>(total < sum);
  value = total;
}

/// Position of the highest bit that is set. `value` is not zero.
[[nodiscard]] RONDO_HOST_DEVICE constexpr int highest_bit(limb value) noexcept {
  int position = 0;
  for (int half = 32; half > 0; half /= 2) {
    if ((value >> half) != 0) {
      value >>= half;
      position += half;
    }
  }
  return position;
}

}  // namespace detail

/// The exact sum of any number of values of type T, float or double.
///
///     rondo::reproducible<float> total;
///     for (const float value : mine) total += value;       // fold local values ...
///     rondo::all_reduce(comm, std::span{&total, 1});       // ... and those of all ranks: op::sum
///     const float sum = static_cast<float>(total);         // rounded once, ties to even
///
/// It is one integer in two's complement whose unit is T's smallest subnormal, wide enough for 2^42
/// additions of the largest value (double: 2^76); so addition is associative and commutative, and
/// cancellation and overflow on the way are harmless. (Kulisch and Miranker, "The arithmetic of the
/// digital computer", SIAM Review 28(1), 1986.)
///
/// The sum is NaN if a NaN or infinities of both signs were added (always the same NaN), and
/// infinite if one sign was, or if it rounds past the largest value. A sum of zero is +0.
///
/// Size: 48 bytes for float, 280 for double. Cost: three integer additions per value added.
template <class T>
class reproducible {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>,
                "rondo: reproducible<T> takes float or double; 16-bit values fold in "
                "reproducible<float>, and sums of integers are reproducible as they are");

 public:
  constexpr reproducible() = default;
  RONDO_HOST_DEVICE explicit constexpr reproducible(T value) noexcept { *this += value; }

  RONDO_HOST_DEVICE constexpr reproducible& operator+=(T value) noexcept {
    const auto bits = rondo::bit_cast<word>(value);
    const detail::limb sign = bits >> (width - 1);
    const auto exponent = static_cast<int>((bits >> fraction_bits) & top_exponent);
    detail::limb mantissa = bits & ((word{1} << fraction_bits) - 1);
    if (exponent == top_exponent) {
      special_ |= mantissa != 0 ? not_a_number : sign != 0 ? minus_infinity : plus_infinity;
      return *this;
    }
    mantissa |= exponent != 0 ? detail::limb{1} << fraction_bits : 0;
    const int shift = exponent != 0 ? exponent - 1 : 0;
    const int low = shift / 64;
    const int offset = shift % 64;

    // The negative of a number is its complement plus one. Above the mantissa that adds nothing
    // once the carry is equal to the sign.
    const detail::limb flip = detail::limb{0} - sign;
    detail::limb carry = sign;
    detail::add_with_carry(limbs_[low], (mantissa << offset) ^ flip, carry);
    detail::add_with_carry(limbs_[low + 1], ((mantissa >> 1) >> (63 - offset)) ^ flip, carry);
    for (int i = low + 2; i < limbs && carry != sign; ++i) {
      detail::add_with_carry(limbs_[i], flip, carry);
    }
    return *this;
  }

  RONDO_HOST_DEVICE constexpr reproducible& operator+=(const reproducible& other) noexcept {
    detail::limb carry = 0;
    for (int i = 0; i < limbs; ++i) {
      detail::add_with_carry(limbs_[i], other.limbs_[i], carry);
    }
    special_ |= other.special_;
    return *this;
  }

  [[nodiscard]] RONDO_HOST_DEVICE friend constexpr reproducible operator+(
      reproducible a, const reproducible& b) noexcept {
    return a += b;
  }

  /// The sum, rounded to nearest, ties to even.
  [[nodiscard]] RONDO_HOST_DEVICE explicit constexpr operator T() const noexcept {
    return rounded(false);
  }

  /// The sum rounded to odd: cut off, and its last bit set if that took anything. Rounded once
  /// more, to a format shorter by two bits or more, it is what the sum itself rounds to there
  /// (Boldo and Melquiond 2008, "Emulation of FMA and correctly rounded sums", theorem 3).
  [[nodiscard]] RONDO_HOST_DEVICE constexpr T rounded_to_odd() const noexcept {
    return rounded(true);
  }

  friend constexpr bool operator==(const reproducible&, const reproducible&) = default;

 private:
  using word = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  static constexpr int width = sizeof(T) * 8;
  static constexpr int fraction_bits = std::numeric_limits<T>::digits - 1;
  static constexpr int top_exponent = (1 << (width - 1 - fraction_bits)) - 1;
  static constexpr int value_bits = top_exponent - 2 + fraction_bits + 1;
  static constexpr int limbs = (value_bits + 1 + 42 + 63) / 64;  // a sign, and room for 2^42

  static constexpr word infinity_bits = word{top_exponent} << fraction_bits;
  static constexpr word quiet_nan_bits = infinity_bits | (word{1} << (fraction_bits - 1));

  static constexpr detail::limb not_a_number = 1;
  static constexpr detail::limb plus_infinity = 2;
  static constexpr detail::limb minus_infinity = 4;

  [[nodiscard]] RONDO_HOST_DEVICE constexpr reproducible negated() const noexcept {
    reproducible made;
    detail::limb carry = 1;
    for (int i = 0; i < limbs; ++i) {
      detail::add_with_carry(made.limbs_[i], ~limbs_[i], carry);
    }
    return made;
  }

  /// Bits first .. first + count - 1, count < 64.
  [[nodiscard]] RONDO_HOST_DEVICE constexpr detail::limb bits_from(int first,
                                                                   int count) const noexcept {
    const int low = first / 64;
    const int offset = first % 64;
    detail::limb bits = limbs_[low] >> offset;
    if (offset != 0 && low + 1 < limbs) {
      bits |= limbs_[low + 1] << (64 - offset);
    }
    return bits & ((detail::limb{1} << count) - 1);
  }

  [[nodiscard]] RONDO_HOST_DEVICE constexpr bool any_bit_below(int end) const noexcept {
    for (int i = 0; i < end / 64; ++i) {
      if (limbs_[i] != 0) {
        return true;
      }
    }
    return (limbs_[end / 64] & ((detail::limb{1} << (end % 64)) - 1)) != 0;
  }

  [[nodiscard]] RONDO_HOST_DEVICE constexpr T rounded(bool to_odd) const noexcept {
    constexpr word minus = word{1} << (width - 1);
    if (special_ != 0) {
      return rondo::bit_cast<T>(special_ == plus_infinity    ? infinity_bits
                                : special_ == minus_infinity ? infinity_bits | minus
                                                             : quiet_nan_bits);
    }
    const bool negative = (limbs_[limbs - 1] >> 63) != 0;
    const reproducible magnitude = negative ? negated() : *this;
    return rondo::bit_cast<T>(magnitude.rounded_bits(to_odd) | (negative ? minus : word{0}));
  }

  /// The nearest T's bits, or the odd one's; the sum is not negative.
  [[nodiscard]] RONDO_HOST_DEVICE constexpr word rounded_bits(bool to_odd) const noexcept {
    int top = limbs - 1;
    while (top > 0 && limbs_[top] == 0) {
      --top;
    }
    if (limbs_[top] == 0) {
      return 0;
    }
    const int cut = top * 64 + detail::highest_bit(limbs_[top]) - fraction_bits;
    if (cut <= 0) {
      return static_cast<word>(limbs_[0]);  // exact: subnormals and the first binade
    }
    if (cut + 1 >= top_exponent) {
      return infinity_bits;
    }
    // The mantissa's own top bit adds one to the exponent; a carry from rounding may add another,
    // and infinity follows the largest value.
    const auto mantissa = static_cast<word>(bits_from(cut, fraction_bits + 1));
    const word half = static_cast<word>(bits_from(cut - 1, 1));
    const auto below = static_cast<word>(any_bit_below(cut - 1));
    const word up = to_odd ? (half | below) & ~mantissa : half & (below | (mantissa & 1u));
    return (static_cast<word>(cut) << fraction_bits) + mantissa + up;
  }

  detail::limb limbs_[std::size_t{limbs}] = {};
  detail::limb special_ = 0;
};

namespace op {

/// The exact sum, rounded once: the same bits for any algorithm, order and number of ranks.
struct reproducible_sum {
  static constexpr std::string_view name = "reproducible_sum";
  static constexpr bool commutes = true;
  template <class T>
  RONDO_HOST_DEVICE constexpr T operator()(const T& a, const T& b) const {
    static_assert(!std::is_floating_point_v<T>);
    return static_cast<T>(a + b);
  }
};

}  // namespace op

namespace detail {
template <class T>
concept sums_reproducibly = std::is_floating_point_v<typename accumulator<T>::type>;
}  // namespace detail

/// Partial sums of floats are kept, and travel, as `reproducible`.
template <detail::sums_reproducibly T>
struct reduction<op::reproducible_sum, T> {
  using wide = typename accumulator<T>::type;
  using partial = reproducible<wide>;
  static constexpr bool is_short = sizeof(T) < sizeof(wide);

  op::reproducible_sum operation{};
  int ranks = 1;

  RONDO_HOST_DEVICE static constexpr partial lift(const T& value) {
    return partial{static_cast<wide>(value)};
  }
  RONDO_HOST_DEVICE constexpr partial fold(partial a, const partial& b) const { return a += b; }
  RONDO_HOST_DEVICE constexpr T lower(const partial& folded) const {
    if constexpr (is_short) {
      return static_cast<T>(folded.rounded_to_odd());
    } else {
      return static_cast<T>(folded);
    }
  }

#if !defined(__FAST_MATH__)
  /// result[k] = the sum of from(0)[k] .. from(sources - 1)[k], for k < Count.
  ///
  /// Adds in double and keeps the error of each addition, which is a double too (Knuth, TAOCP 2,
  /// 4.2.2, theorem B). No error: the sum is exact, and the bits are those of the integers; an
  /// error anywhere: this element is done once more, by the integers. Sums of doubles keep a second
  /// double for the errors of the first. Assumes rounding to nearest and subnormals not flushed.
  template <std::size_t Count, class From>
  RONDO_ALWAYS_INLINE void fold_block(const From& from, int sources, T* result) const {
    checked_sums<Count> sums;
    sums.template add_some<true>(from, 0, sources);
    for (int s = 4; s < sources; s += 4) {
      sums.template add_some<false>(from, s, sources);
    }
    std::uint64_t lost_anywhere = 0;
    RONDO_INDEPENDENT_ITERATIONS
    for (std::size_t k = 0; k < Count; ++k) {
      double sum = sums.sum[k];
      if constexpr (twice) {
        sum += sums.rest[k];
      }
      result[k] = lower_exact(sum);
      lost_anywhere |= rondo::bit_cast<std::uint64_t>(sums.lost[k]);
    }
    if (lost_anywhere != 0) {
      for (std::size_t k = 0; k < Count; ++k) {
        if (!(sums.lost[k] == 0)) {  // NaN, too
          result[k] = fold_one(from, sources, k);
        }
      }
    }
  }

 private:
  static constexpr bool twice = sizeof(wide) == 8;

  /// What an exact sum rounds to. To a shorter type by way of float, cut off to odd: values of 16
  /// bits have no sum among the floats that are subnormal and need rounding.
  RONDO_ALWAYS_INLINE static T lower_exact(double sum) {
    if constexpr (is_short) {
      constexpr std::uint64_t cut_off = (std::uint64_t{1} << 29) - 1;  // 52 bits of fraction to 23
      const auto bits = rondo::bit_cast<std::uint64_t>(sum);
      const std::uint64_t odd = ((bits & cut_off) + cut_off) & (cut_off + 1);
      return static_cast<T>(static_cast<float>(rondo::bit_cast<double>((bits & ~cut_off) | odd)));
    } else {
      return static_cast<T>(sum);
    }
  }

  /// to += value, rounded; returns what rounding took away.
  RONDO_ALWAYS_INLINE static double add_exactly(double& to, double value) {
    const double sum = to + value;
    const double added = sum - to;
    const double error = (to - (sum - added)) + (value - added);
    to = sum;
    return error;
  }

  /// Running sums, and what they lost. Up to four sources are added in one go, so that a sum is in
  /// a register meanwhile.
  template <std::size_t Count>
  struct checked_sums {
    double sum[Count];
    double rest[twice ? Count : 1];
    double lost[Count];

    template <bool First, class From>
    RONDO_ALWAYS_INLINE void add_some(const From& from, int begin, int end) {
      const T* some[4];
      const int number = end - begin < 4 ? end - begin : 4;
      for (int s = 0; s < number; ++s) {
        some[s] = from(begin + s);
      }
      number == 1   ? add<First, 1>(some)
      : number == 2 ? add<First, 2>(some)
      : number == 3 ? add<First, 3>(some)
                    : add<First, 4>(some);
    }

    template <bool First, int Sources>
    RONDO_ALWAYS_INLINE void add(const T* const* sources) {
      const T* from[std::size_t{Sources}];
      for (int s = 0; s < Sources; ++s) {
        from[s] = sources[s];
      }
      RONDO_INDEPENDENT_ITERATIONS
      for (std::size_t k = 0; k < Count; ++k) {
        double total = First ? 0.0 : sum[k];
        double gone = First ? 0.0 : lost[k];
        double second = 0;
        if constexpr (twice && !First) {
          second = rest[k];
        }
        for (int s = 0; s < Sources; ++s) {
          double error = add_exactly(total, static_cast<double>(static_cast<wide>(from[s][k])));
          if constexpr (twice) {
            error = add_exactly(second, error);
          }
          gone += __builtin_fabs(error);
        }
        sum[k] = total;
        lost[k] = gone;
        if constexpr (twice) {
          rest[k] = second;
        }
      }
    }
  };

  template <class From>
  [[gnu::noinline]] T fold_one(const From& from, int sources, std::size_t k) const {
    partial folded;
    for (int s = 0; s < sources; ++s) {
      folded += static_cast<wide>(from(s)[k]);
    }
    return lower(folded);
  }
#endif
};

}  // namespace rondo::inline v0_1

RONDO_INDEPENDENT_LOOPS_END
