// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

RONDO_HOST_DEVICE_BEGIN

/// How a group of many threads goes through elements: in packs, neighbouring threads at
/// neighbouring packs, and several loads of a thread under way before its first store. Packs are of
/// 16 bytes from array to array. A callable that gives or takes single elements sees those of a
/// word of 4 bytes: of its loads and stores each instruction of a warp then touches lines one after
/// the other, and not every fourth word of four times as many.
namespace rondo::inline v0_1::protocol {

inline constexpr std::size_t pack_bytes = 16;

/// Elements that are loaded and stored together: one, or 4, 8 or 16 bytes.
template <class T, unsigned Width>
struct alignas(Width > 1 ? Width * sizeof(T) : alignof(T)) pack {
  static_assert(Width == 1 || (Width * sizeof(T) >= 4 && pack_bytes % (Width * sizeof(T)) == 0),
                "rondo: a pack that is stored whole has no bytes that belong to nobody");
  T value[Width];
};

/// Elements of a whole pack: 1 for types that do not fit one evenly.
template <class T>
inline constexpr unsigned pack_width = std::is_trivially_default_constructible_v<T> &&
                                               sizeof(T) <= pack_bytes&& pack_bytes % sizeof(T) == 0
                                           ? static_cast<unsigned>(pack_bytes / sizeof(T))
                                           : 1u;

template <unsigned Width>
using width_is = std::integral_constant<unsigned, Width>;

[[nodiscard]] RONDO_HOST_DEVICE inline bool takes_packs(const void* pointer,
                                                        std::size_t bytes = pack_bytes) {
  return reinterpret_cast<std::uintptr_t>(pointer) % bytes == 0;
}

template <unsigned Width, class T>
[[nodiscard]] RONDO_HOST_DEVICE pack<std::remove_const_t<T>, Width> load_pack(T* from) {
  return *reinterpret_cast<const pack<std::remove_const_t<T>, Width>*>(from);
}
#if defined(__CUDACC__)
/// At most 16 bytes at a time, to where they are aligned: of values that a kernel has just put
/// together, nvcc stores an array value by value.
template <class Values>
__device__ void store_words(void* to, const Values& values) {
  constexpr unsigned count = sizeof(Values) / sizeof(unsigned);
  unsigned word[count];
  std::memcpy(word, &values, sizeof(word));
  auto* const at = static_cast<unsigned*>(to);
  if constexpr (count == 1) {
    asm volatile("st.u32 [%0], %1;" ::"l"(at), "r"(word[0]) : "memory");
  } else if constexpr (count == 2) {
    asm volatile("st.v2.u32 [%0], {%1, %2};" ::"l"(at), "r"(word[0]), "r"(word[1]) : "memory");
  } else {
    static_assert(count % 4 == 0);
#pragma unroll
    for (unsigned w = 0; w < count; w += 4) {
      asm volatile("st.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(at + w), "r"(word[w]),
                   "r"(word[w + 1]), "r"(word[w + 2]), "r"(word[w + 3])
                   : "memory");
    }
  }
}
#endif

template <class T, unsigned Width>
RONDO_HOST_DEVICE void store_pack(T* to, const pack<T, Width>& values) {
#if defined(__CUDA_ARCH__)
  if constexpr (Width > 1 && sizeof(T) < 4) {
    store_words(to, values);
    return;
  }
#endif
  *reinterpret_cast<pack<T, Width>*>(to) = values;
}

/// A pack element by element: elements i .. i + Width - 1 of a callable `(index) -> element`.
template <class T, unsigned Width, class From>
[[nodiscard]] RONDO_HOST_DEVICE pack<T, Width> gather_pack(const From& from, std::size_t i) {
  pack<T, Width> made;
  RONDO_UNROLL
  for (unsigned k = 0; k < Width; ++k) {
    made.value[k] = static_cast<T>(from(i + k));
  }
  return made;
}
/// Gives them, one by one, to a callable `(index, element)`.
template <class T, unsigned Width, class To>
RONDO_HOST_DEVICE void scatter_pack(const To& to, std::size_t i, const pack<T, Width>& values) {
  RONDO_UNROLL
  for (unsigned k = 0; k < Width; ++k) {
    to(i + k, values.value[k]);
  }
}

/// An array as a callable `(index) -> element` that also gives packs.
template <class T>
struct values_at {
  const T* data;

  RONDO_HOST_DEVICE T operator()(std::size_t i) const { return data[i]; }
  template <unsigned Width>
  RONDO_HOST_DEVICE pack<T, Width> packed(std::size_t i) const
      requires(Width * sizeof(T) <= pack_bytes) {
    if (Width == 1 || takes_packs(data + i, Width * sizeof(T))) {
      return load_pack<Width>(data + i);
    }
    return gather_pack<T, Width>(*this, i);
  }
};

/// An array as a callable `(index, element)` that also takes packs.
template <class T>
struct values_to {
  T* data;

  RONDO_HOST_DEVICE void operator()(std::size_t i, const T& value) const { data[i] = value; }
  template <unsigned Width>
  RONDO_HOST_DEVICE void packed(std::size_t i, const pack<T, Width>& values) const {
    if (Width == 1 || takes_packs(data + i, Width * sizeof(T))) {
      store_pack(data + i, values);
    } else {
      scatter_pack(*this, i, values);
    }
  }
};

/// Elements i .. i + Width - 1 of anything that can be called as `(index) -> element`.
template <class T, unsigned Width, class From>
[[nodiscard]] RONDO_HOST_DEVICE pack<T, Width> pack_from(const From& from, std::size_t i) {
  if constexpr (requires { from.template packed<Width>(i); }) {
    return from.template packed<Width>(i);
  } else if constexpr (Width == 1) {
    return {{static_cast<T>(from(i))}};
  } else {
    return gather_pack<T, Width>(from, i);
  }
}

/// Gives them to anything that can be called as `(index, element)`.
template <class T, unsigned Width, class To>
RONDO_HOST_DEVICE void pack_to(const To& to, std::size_t i, const pack<T, Width>& values) {
  if constexpr (requires { to.packed(i, values); }) {
    to.packed(i, values);
  } else {
    scatter_pack(to, i, values);
  }
}

/// Elements that a callable `(index) -> element` is asked for at a time: the widest pack that it
/// gives, else those of a word.
template <class T, class From, unsigned Width = pack_width<T>>
[[nodiscard]] consteval unsigned width_from() {
  if constexpr (Width == 1 || Width * sizeof(T) <= 4) {
    return Width;
  } else if constexpr (requires(const From& from, std::size_t i) {
                         from.template packed<Width>(i);
                       }) {
    return Width;
  } else {
    return width_from<T, From, Width / 2>();
  }
}
/// Elements that a callable `(index, element)` is given at a time.
template <class T, class To, unsigned Width = pack_width<T>>
[[nodiscard]] consteval unsigned width_to() {
  if constexpr (Width == 1 || Width * sizeof(T) <= 4) {
    return Width;
  } else if constexpr (requires(const To& to, std::size_t i, const pack<T, Width>& values) {
                         to.packed(i, values);
                       }) {
    return Width;
  } else {
    return width_to<T, To, Width / 2>();
  }
}

/// Packs of this width in so many times 16 bytes.
template <class T, unsigned Width>
[[nodiscard]] consteval unsigned packs_in(unsigned times) {
  return times * (pack_width<T> / Width);
}

/// Threads that go through a run of memory side by side: a warp. On a host, where this is only ever
/// tested, groups are of a few threads.
#if defined(__CUDA_ARCH__)
inline constexpr unsigned lanes_of_run = 32;
#else
inline constexpr unsigned lanes_of_run = 2;
#endif

/// `take(i, make(width_is<W>{}, i))` for packs that cover [first, last); single elements where no
/// whole pack is left. A warp takes a run of memory whole: `Together` packs of each thread are made
/// before the first is taken, at distances that the compiler knows.
template <class T, unsigned Width, unsigned Together, cooperative Group, class Make, class Take>
RONDO_HOST_DEVICE void each_pack(Group& group, std::size_t first, std::size_t last,
                                 const Make& make, const Take& take) {
  const std::size_t me = group.thread_rank();
  const std::size_t threads = group.size();
  if constexpr (Together > 1 && std::is_trivially_default_constructible_v<T>) {
    constexpr unsigned side_by_side = lanes_of_run * Width;
    constexpr std::size_t run = std::size_t{Together} * side_by_side;
    if (threads % lanes_of_run == 0) {
      const std::size_t whole = first + (last - first) / run * run;
      const std::size_t lane = me % lanes_of_run * Width;
      for (std::size_t i = first + me / lanes_of_run * run + lane; i < whole;
           i += threads / lanes_of_run * run) {
        decltype(make(width_is<Width>{}, i)) made[Together];
        RONDO_UNROLL
        for (unsigned t = 0; t < Together; ++t) {
          made[t] = make(width_is<Width>{}, i + t * side_by_side);
        }
        RONDO_UNROLL
        for (unsigned t = 0; t < Together; ++t) {
          take(i + t * side_by_side, made[t]);
        }
      }
      first = whole;
    }
  }
  for (std::size_t i = first + me * Width; i + Width <= last; i += threads * Width) {
    take(i, make(width_is<Width>{}, i));
  }
  if constexpr (Width > 1) {
    for (std::size_t i = last - (last - first) % Width + me; i < last; i += threads) {
      take(i, make(width_is<1>{}, i));
    }
  }
}

/// to[i] = from(first + i) for i < count. `to` is aligned to packs.
template <class T, cooperative Group, class From>
RONDO_HOST_DEVICE void store_each(Group& group, T* to, const From& from, std::size_t first,
                                  std::size_t count) {
  constexpr unsigned width = width_from<T, From>();
  each_pack<T, width, packs_in<T, width>(4)>(
      group, 0, count,
      [&](auto some, std::size_t i) {
        return pack_from<T, decltype(some)::value>(from, first + i);
      },
      [&](std::size_t i, const auto& values) { store_pack(to + i, values); });
}

/// use(first + i, from[i]) for i < count. `from` is aligned to packs.
template <class T, cooperative Group, class Use>
RONDO_HOST_DEVICE void load_each(Group& group, const T* from, const Use& use, std::size_t first,
                                 std::size_t count) {
  constexpr unsigned width = width_to<T, Use>();
  each_pack<T, width, packs_in<T, width>(4)>(
      group, 0, count,
      [&](auto some, std::size_t i) { return load_pack<decltype(some)::value>(from + i); },
      [&](std::size_t i, const auto& values) { pack_to(use, first + i, values); });
}

/// The first pointers that `of(0)`, `of(1)`, ... give, in registers.
template <class Pointer>
struct held_pointers {
  static constexpr int most = 8;
  Pointer at[most];

  template <class Of>
  RONDO_HOST_DEVICE held_pointers(const Of& of, int number) {
    RONDO_UNROLL
    for (int k = 0; k < most; ++k) {
      at[k] = k < number ? of(k) : nullptr;
    }
  }
};

namespace detail {

template <class Of>
[[nodiscard]] RONDO_HOST_DEVICE bool all_take_packs(const Of& of, int number) {
  bool all = true;
  for (int k = 0; k < number; ++k) {
    all = all && takes_packs(of(k));
  }
  return all;
}

/// The fold of elements i .. i + Width - 1 of the first `number` sources, `Sources` if that is not
/// 0, as what the reduction lowers partial results to.
template <int Sources, unsigned Width, class T, class Reduction, class Source>
[[nodiscard]] RONDO_HOST_DEVICE auto fold_pack(const held_pointers<const T*>& held,
                                               const Source& source, int number, std::size_t i,
                                               const Reduction& with) {
  constexpr int batch = Sources == 0 ? 4 : Sources;
  pack<T, Width> in[std::size_t{batch}] = {};  // all are loaded, which GCC 12 does not see
  typename Reduction::partial folded[Width];
  const auto load = [&](int begin, const auto& from) {
    RONDO_UNROLL
    for (int b = 0; b < batch; ++b) {
      if (Sources != 0 || begin + b < number) {
        in[b] = load_pack<Width>(from(b) + i);
      }
    }
  };
  const auto fold = [&](int begin, int first) {
    RONDO_UNROLL
    for (int b = 0; b < batch; ++b) {
      if (b >= first && (Sources != 0 || begin + b < number)) {
        RONDO_UNROLL
        for (unsigned k = 0; k < Width; ++k) {
          folded[k] = with.fold(folded[k], Reduction::lift(in[b].value[k]));
        }
      }
    }
  };
  load(0, [&](int b) { return held.at[b]; });
  RONDO_UNROLL
  for (unsigned k = 0; k < Width; ++k) {
    folded[k] = Reduction::lift(in[0].value[k]);
  }
  fold(0, 1);
  if constexpr (Sources == 0) {
    static_assert(held_pointers<const T*>::most == 2 * batch);
    load(batch, [&](int b) { return held.at[batch + b]; });
    fold(batch, 0);
    for (int begin = 2 * batch; begin < number; begin += batch) {
      load(begin, [&](int b) { return source(begin + b); });
      fold(begin, 0);
    }
  }
  pack<std::remove_cvref_t<decltype(with.lower(folded[0]))>, Width> result;
  RONDO_UNROLL
  for (unsigned k = 0; k < Width; ++k) {
    result.value[k] = with.lower(folded[k]);
  }
  return result;
}

template <int Sources, unsigned Width, class T, class Group, class Source, class Reduction,
          class Take>
RONDO_HOST_DEVICE void fold_loop(Group& group, const Source& source, int number, std::size_t first,
                                 std::size_t last, const Reduction& with, const Take& take) {
  constexpr unsigned times = Sources == 0 ? 1u : 8u / static_cast<unsigned>(Sources);
  constexpr unsigned packs = packs_in<T, Width>(times);
  constexpr unsigned together = Sources == 0 && packs > 2 ? 2 : packs;
  const held_pointers<const T*> held{source, number};
  each_pack<T, Width, together>(
      group, first, last,
      [&](auto width, std::size_t i) {
        return fold_pack<Sources, decltype(width)::value, T>(held, source, number, i, with);
      },
      take);
}

}  // namespace detail

/// Types that can be folded in packs; others are folded one by one.
template <class T, class Reduction>
inline constexpr bool folds_packs = std::is_trivially_default_constructible_v<T>&&
    std::is_trivially_default_constructible_v<typename Reduction::partial>;

/// `take(i, values)` for packs of `width` elements of the fold, in order, of the sources' elements
/// in [first, last). Eight times 16 bytes of a thread are under way at a time.
template <class T, unsigned width = pack_width<T>, cooperative Group, class Source, class Reduction,
          class Take>
RONDO_HOST_DEVICE void fold_packs(Group& group, const Source& source, int sources,
                                  std::size_t first, std::size_t last, const Reduction& with,
                                  const Take& take) {
  if (first % width != 0 || !detail::all_take_packs(source, sources)) {
    detail::fold_loop<0, 1, T>(group, source, sources, first, last, with, take);
  } else if (sources == 2) {
    detail::fold_loop<2, width, T>(group, source, sources, first, last, with, take);
  } else if (sources == 4) {
    detail::fold_loop<4, width, T>(group, source, sources, first, last, with, take);
  } else if (sources == 8) {
    detail::fold_loop<8, width, T>(group, source, sources, first, last, with, take);
  } else {
    detail::fold_loop<0, width, T>(group, source, sources, first, last, with, take);
  }
}

/// The same pack to several places, eight pointers of which are held in registers.
template <class T, class Target>
class pack_targets {
 public:
  RONDO_HOST_DEVICE pack_targets(const Target& target, int number)
      : target_{target}, held_{target, number}, number_{number} {
    aligned_ = detail::all_take_packs(target, number);
  }

  template <unsigned Width>
  RONDO_HOST_DEVICE void operator()(std::size_t i, const pack<T, Width>& values) const {
    RONDO_UNROLL
    for (int t = 0; t < held_pointers<T*>::most; ++t) {
      if (t < number_) {
        put(held_.at[t], i, values);
      }
    }
    for (int t = held_pointers<T*>::most; t < number_; ++t) {
      put(target_(t), i, values);
    }
  }

 private:
  template <unsigned Width>
  RONDO_HOST_DEVICE void put(T* to, std::size_t i, const pack<T, Width>& values) const {
    if (aligned_) {
      store_pack(to + i, values);
    } else {
      scatter_pack(values_to<T>{to}, i, values);
    }
  }

  const Target& target_;
  held_pointers<T*> held_;
  int number_;
  bool aligned_;
};

}  // namespace rondo::inline v0_1::protocol

RONDO_HOST_DEVICE_END
