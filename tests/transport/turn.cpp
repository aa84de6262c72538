// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/rondo.hpp>
#include <rondo/transport/turn.hpp>

// Each concept of a turn takes a model that has just what it asks for, and none that lacks a part.
namespace {

using namespace rondo;

struct exchanges {
  int rank() const;
  int size() const;
  std::uint64_t word() const;
  template <class Out, class In, class Arrived>
  void exchange(const Out&, const In&, const Arrived&);
};
struct lends : exchanges {
  template <class Out>
  void lend(const Out&, unsigned);
  template <class In, class Arrived>
  void take(const In&, const Arrived&, unsigned);
  void settle();
  void fail(rondo::error_code, int, std::string);
};
struct short_word : exchanges {
  std::uint32_t word() const;
};
struct lends_one_stream : lends {
  template <class Out>
  void lend(const Out&);
};
struct claims_memory : lends {
  static constexpr bool shares_memory = true;  // but has no pads
};

static_assert(exchanging<exchanges> && !lending<exchanges> && !messaging<exchanges>);
static_assert(lending<lends> && !shares_memory<lends> && !abandonable<lends>);
static_assert(!exchanging<short_word>);
static_assert(exchanging<lends_one_stream> && !lending<lends_one_stream>);
static_assert(lending<claims_memory> && !shares_memory<claims_memory>);

}  // namespace
