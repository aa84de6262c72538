// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/type_name.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/transport/detail/diagnosis.hpp>
#include <rondo/version.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

/// What a rank announces about itself, in memory that other processes read: characters and numbers,
/// no pointers.
namespace rondo::inline v0_1::mpi::detail {

/// Text of at most `Capacity` characters; of longer text the end is lost, and dots tell so.
template <std::size_t Capacity>
struct short_text {
  std::uint8_t length = 0;
  char letters[Capacity] = {};
  static_assert(Capacity < 256);

  void write(std::string_view text) noexcept {
    length = 0;
    append(text);
  }
  void append(std::string_view text) noexcept {
    const std::size_t room = Capacity - length;
    const std::size_t some = text.size() < room ? text.size() : room;
    std::memcpy(letters + length, text.data(), some);
    length = static_cast<std::uint8_t>(length + some);
    if (some < text.size()) {
      std::memcpy(letters + Capacity - 3, "...", 3);
    }
  }
  [[nodiscard]] std::string_view view() const noexcept {
    return {letters, length < Capacity ? length : Capacity};
  }
};

/// A call as its rank announces it; believed only if its word is the same before and after reading.
struct record {
  std::atomic<std::uint64_t> word{0};
  std::uint64_t count = 0;
  std::int64_t partner = 0;
  std::uint64_t parameters = 0;
  std::uint32_t line = 0;
  partner_kind with = partner_kind::root;
  short_text<15> collective;
  short_text<37> type;
  short_text<31> operation;
  short_text<18> algorithm;
  short_text<36> codec;
  short_text<31> file;

  /// Which call site a record last told of, in its writer's own addresses: text that has not
  /// changed is not copied again.
  struct site {
    const signature* what = nullptr;
    const char* file = nullptr;
    std::uint32_t line = 0;
  };

  void write(std::uint64_t new_word, const call& made, site& last) noexcept {
    word.store(0, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    count = made.count;
    partner = made.partner;
    parameters = made.parameters;
    if (last.what != made.what || last.file != made.where.file || last.line != made.where.line) {
      last = {made.what, made.where.file, made.where.line};
      const std::string_view path = made.where.file;
      line = made.where.line;
      collective.write(made.what->collective);
      type.write(made.what->type);
      operation.write(made.what->operation);
      algorithm.write(made.what->algorithm);
      codec.length = 0;
      without_namespaces(made.what->codec, [&](std::string_view piece) { codec.append(piece); });
      with = made.what->with;
      file.write(path.substr(path.find_last_of('/') + 1));
    }
    word.store(new_word, std::memory_order_release);
  }

  /// The call in words, if its word is still `expected`.
  [[nodiscard]] std::string describe(std::uint64_t expected) const {
    signature what{collective.view(), type.view(), operation.view(), algorithm.view(),
                   codec.view()};
    what.with = with;
    const std::string path{file.view()};
    const std::string text =
        call{&what, count, partner, {path.c_str(), line}, parameters}.describe();
    std::atomic_thread_fence(std::memory_order_acquire);
    return word.load(std::memory_order_relaxed) == expected ? text : "another call";
  }
};

/// Whom a rank has waited for since when, once it has waited for long. `stamp` is odd while it
/// waits.
struct alignas(64) waiting {
  std::atomic<std::uint64_t> stamp{0};
  std::atomic<std::uint64_t> looks{0};  ///< how often it has looked in vain
  std::atomic<int> peer{-1};            ///< -1: not for a rank that has yet to make a call
  /// Of the collective call that needs the peer; 0: a message.
  std::atomic<std::uint32_t> number{0};
};

/// Everything that one rank tells the others. Where there is no shared memory it travels as a
/// message that no rank has to wait for, which in MPI means about 4 KiB.
struct board {
  record calls[rondo::detail::records_kept];
  record message;  ///< the send or receive that is running
  waiting wait;
  alignas(64) std::atomic<std::uint32_t> last_number{0};
  std::atomic<bool> returned{false};
  std::atomic<bool> wants_to_shrink{false};
  std::atomic<bool> receiving{false};  ///< MPI may have memory to receive into
};
static_assert(sizeof(board) <= 3840);

/// Why a communicator is dead; the first rank that knows writes it. State 0: alive, 1: being
/// written, 2: written.
struct alignas(64) verdict {
  std::atomic<std::uint32_t> state{0};
  std::int32_t code = 0;
  std::int32_t rank = -1;
  std::uint32_t length = 0;
  char text[1500] = {};

  [[nodiscard]] bool stands() const noexcept { return state.load(std::memory_order_acquire) == 2; }
  void write(error_code why, int culprit, std::string_view message) noexcept {
    std::uint32_t before = 0;
    if (!state.compare_exchange_strong(before, 1, std::memory_order_acq_rel)) {
      return;
    }
    code = static_cast<std::int32_t>(why);
    rank = culprit;
    length =
        static_cast<std::uint32_t>(message.size() < sizeof text ? message.size() : sizeof text);
    std::memcpy(text, message.data(), length);
    state.store(2, std::memory_order_release);
  }
};

}  // namespace rondo::inline v0_1::mpi::detail
