// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/version.hpp>

#include <exception>
#include <mutex>
#include <string>

namespace rondo::inline v0_1::threads::detail {

#if defined(__cpp_exceptions)
/// The first failure of a run, and whose it was. One that only tells of another rank's failure
/// stands back.
class first_failure {
 public:
  /// Runs `body()` for rank `by`. What it throws is kept, and told to `failed(why)`.
  template <class Body, class Failed>
  void watch(int by, const Body& body, const Failed& failed) {
    try {
      body();
    } catch (const revoked& thrown) {
      const std::string why = thrown.what();  // what is kept may be another rank's to destroy
      keep(by, true);
      failed(why.c_str());
    } catch (const std::exception& thrown) {
      const std::string why = thrown.what();
      keep(by, false);
      failed(why.c_str());
    } catch (...) {
      keep(by, false);
      failed("an object that is no std::exception");
    }
  }

  void rethrow() const {
    if (!what_) {
      return;
    }
    try {
      std::rethrow_exception(what_);
    } catch (const mismatch& thrown) {
      if (thrown.rank() >= 0) {
        throw;
      }
      std::throw_with_nested(mismatch{named(thrown), rank_});
    } catch (const timeout& thrown) {
      if (thrown.rank() >= 0) {
        throw;
      }
      std::throw_with_nested(timeout{named(thrown), rank_});
    } catch (const revoked&) {
      throw;
    } catch (const rank_failure&) {
      throw;
    } catch (const error& thrown) {
      std::throw_with_nested(error{thrown.code(), named(thrown), rank_});
    } catch (const std::exception& thrown) {
      std::throw_with_nested(rank_failure{rank_, thrown.what()});
    } catch (...) {
      std::throw_with_nested(rank_failure{rank_, "an object that is no std::exception"});
    }
  }

 private:
  void keep(int by, bool tells_of_another) {
    const std::scoped_lock hold{lock_};
    if (!what_ || (echo_ && !tells_of_another)) {
      what_ = std::current_exception();
      rank_ = by;
      echo_ = tells_of_another;
    }
  }

  /// The words of an error that names no rank of the run, with the rank whose it was.
  [[nodiscard]] std::string named(const error& thrown) const {
    return "rank " + std::to_string(rank_) + ": " + rondo::detail::without_prefix(thrown.what());
  }

  std::mutex lock_;
  std::exception_ptr what_;
  int rank_ = -1;
  bool echo_ = false;
};
#else
/// Without exceptions the first failure ends the program.
struct first_failure {
  template <class Body, class Failed>
  void watch(int, const Body& body, const Failed&) {
    body();
  }
  void rethrow() const {}
};
#endif

}  // namespace rondo::inline v0_1::threads::detail
