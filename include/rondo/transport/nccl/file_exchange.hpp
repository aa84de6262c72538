// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/type_name.hpp>
#include <rondo/transport/detail/chrono.hpp>
#include <rondo/transport/detail/thread.hpp>
#include <rondo/version.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

namespace rondo::inline v0_1::nccl {

/// Hands a few bytes of rank 0 to all ranks by files in a folder that all of them see.
///
/// What an earlier run has left there does no harm, whatever it was: every rank but 0 asks with a
/// number drawn for this exchange, and believes only an answer that repeats it. Files appear whole,
/// by renaming. Rank 0 returns when all ranks have the bytes, and removes the files.
///
///     <folder>/rondo-<run>.ask.<rank>    the number of a rank, and the number of the answer it has
///     <folder>/rondo-<run>.answer        the number of rank 0, the numbers of all ranks, the bytes
class file_exchange {
 public:
  /// `run` tells runs apart that share the folder at the same time.
  /// Errors: error_code::invalid_argument for a rank that is not 0 .. size - 1, and a folder that
  /// is none.
  file_exchange(const std::string& folder, const std::string& run, int rank, int size,
                std::chrono::steady_clock::duration deadline = std::chrono::seconds{60})
      : base_{folder + "/rondo-" + tame(run)},
        folder_{folder},
        rank_{rank},
        size_{size},
        deadline_{deadline} {
    if (size < 1 || rank < 0 || rank >= size) {
      refuse("nccl: file exchange: rank " + std::to_string(rank) + " of " + std::to_string(size) +
                 " ranks; expected a rank of 0 .. size - 1",
             rank);
    }
    struct stat found {};
    if (::stat(folder.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) {
      refuse("nccl: file exchange: '" + folder + "' is not a folder on rank " +
                 std::to_string(rank) + "; pass one that all ranks see",
             rank);
    }
  }

  /// Returns rank 0's `bytes` on every rank. Collective.
  /// Errors: `timeout`, with the ranks that did not come; error_code::transport if a file cannot be
  /// written.
  template <class Bytes>
  [[nodiscard]] Bytes share(const Bytes& bytes) const {
    static_assert(std::is_trivially_copyable_v<Bytes>);
    if (size_ == 1) {
      return bytes;
    }
    Bytes got = bytes;
    if (rank_ == 0) {
      give(&bytes, sizeof bytes);
    } else {
      take(&got, sizeof got);
    }
    return got;
  }

 private:
  using clock = std::chrono::steady_clock;

  struct asked {
    std::uint64_t number = 0;
    std::uint64_t answer = 0;  ///< the answer that this rank has
  };

  void give(const void* bytes, std::size_t length) const {
    const std::uint64_t own = drawn();
    std::vector<std::uint64_t> told;
    const auto others = static_cast<std::size_t>(size_ - 1);
    std::vector<std::uint64_t> numbers(others, 0);
    std::vector<bool> done(others, false);
    const bool ended = poll([&] {
      for (std::size_t i = 0; i < others; ++i) {
        asked one;
        if (!done[i] && read(ask_of(static_cast<int>(i) + 1), &one, sizeof one)) {
          numbers[i] = one.number;
          done[i] = one.answer == own;
        }
      }
      const bool all_asked = std::find(numbers.begin(), numbers.end(), 0u) == numbers.end();
      if (all_asked && numbers != told) {
        std::vector<std::uint64_t> answer{own};
        answer.insert(answer.end(), numbers.begin(), numbers.end());
        write(base_ + ".answer", answer.data(), answer.size() * sizeof own, bytes, length);
        told = numbers;
      }
      return std::find(done.begin(), done.end(), false) == done.end();
    });
    for (int rank = 1; rank < size_; ++rank) {
      ::unlink(ask_of(rank).c_str());
    }
    ::unlink((base_ + ".answer").c_str());
    if (!ended) {
      std::string missing;
      int first = -1;
      for (std::size_t i = 0; i < others; ++i) {
        if (!done[i]) {
          missing += (missing.empty() ? "" : ", ") + std::to_string(i + 1);
          first = first < 0 ? static_cast<int>(i) + 1 : first;
        }
      }
      raise(timeout{"nccl: file exchange: ranks " + missing + " of " + std::to_string(size_) +
                        " have not come to '" + folder_ + "' within " + waited() +
                        "; were they started, and do they see this folder?",
                    first});
    }
  }

  void take(void* bytes, std::size_t length) const {
    asked mine{drawn(), 0};
    write(ask_of(rank_), &mine, sizeof mine, nullptr, 0);
    const auto others = static_cast<std::size_t>(size_ - 1);
    const std::size_t head = (others + 1) * sizeof(std::uint64_t);
    std::vector<unsigned char> answer(head + length);
    const bool came = poll([&] {
      if (!read(base_ + ".answer", answer.data(), answer.size())) {
        return false;
      }
      std::uint64_t repeated = 0;
      std::memcpy(&mine.answer, answer.data(), sizeof mine.answer);
      std::memcpy(&repeated, answer.data() + static_cast<std::size_t>(rank_) * sizeof repeated,
                  sizeof repeated);
      return repeated == mine.number;
    });
    if (!came) {
      ::unlink(ask_of(rank_).c_str());
      raise(timeout{"nccl: file exchange: rank 0 has not answered rank " + std::to_string(rank_) +
                        " in '" + folder_ + "' within " + waited() +
                        "; were all ranks started, and do they see this folder?",
                    0});
    }
    std::memcpy(bytes, answer.data() + head, length);
    write(ask_of(rank_), &mine, sizeof mine, nullptr, 0);
  }

  [[nodiscard]] std::string ask_of(int rank) const {
    return base_ + ".ask." + std::to_string(rank);
  }
  [[nodiscard]] std::string waited() const {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_).count();
    return std::to_string(ms) + " ms";
  }

  /// A file name of what may be any text; text that had to be changed stays apart from other text.
  [[nodiscard]] static std::string tame(const std::string& run) {
    std::string name;
    for (const char letter : run) {
      const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                         (letter >= '0' && letter <= '9') || letter == '-' || letter == '.';
      name += plain ? letter : '_';
    }
    return name == run ? name : name + '-' + std::to_string(hash_of(run));
  }

  /// Never 0.
  [[nodiscard]] static std::uint64_t drawn() {
    std::random_device device;
    const auto now = static_cast<std::uint64_t>(clock::now().time_since_epoch().count());
    const std::uint64_t high = device();
    return ((high << 32 | device()) ^ now ^ static_cast<std::uint64_t>(::getpid()) << 40) | 1u;
  }

  /// Looks until `done()` holds or the time is up; says which.
  template <class Done>
  [[nodiscard]] bool poll(const Done& done) const {
    const auto since = clock::now();
    for (auto pause = std::chrono::microseconds{200};;
         pause = (std::min)(pause * 2, std::chrono::microseconds{20'000})) {
      if (done()) {
        return true;
      }
      if (clock::now() - since >= deadline_) {
        return false;
      }
      rondo::detail::sleep_for(pause);
    }
  }

  void write(const std::string& path, const void* head, std::size_t head_bytes, const void* rest,
             std::size_t rest_bytes) const {
    const std::string unready = path + ".new." + std::to_string(rank_);
    const int file = ::open(unready.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = file >= 0 && put(file, head, head_bytes) && put(file, rest, rest_bytes) &&
                ::fsync(file) == 0;
    if (file >= 0) {
      good = ::close(file) == 0 && good;
    }
    if (!good || ::rename(unready.c_str(), path.c_str()) != 0) {
      const std::string why = std::strerror(errno);
      ::unlink(unready.c_str());
      raise(error{error_code::transport,
                  "nccl: file exchange: rank " + std::to_string(rank_) + " cannot write '" + path +
                      "': " + why,
                  rank_});
    }
  }
  [[nodiscard]] static bool put(int file, const void* bytes, std::size_t length) {
    return length == 0 || ::write(file, bytes, length) == static_cast<ssize_t>(length);
  }

  /// True if the file is there and has just this length.
  [[nodiscard]] static bool read(const std::string& path, void* bytes, std::size_t length) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) {
      return false;
    }
    struct stat found {};
    const bool whole = ::fstat(file, &found) == 0 && found.st_size == static_cast<off_t>(length) &&
                       ::read(file, bytes, length) == static_cast<ssize_t>(length);
    ::close(file);
    return whole;
  }

  std::string base_;
  std::string folder_;
  int rank_;
  int size_;
  clock::duration deadline_;
};

}  // namespace rondo::inline v0_1::nccl
