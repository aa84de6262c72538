// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/all_reduce.hpp>
#include <rondo/core/buffer.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/data/detail/contribution.hpp>
#include <rondo/schedule/algorithms.hpp>
#include <rondo/version.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rondo::inline v0_1::data {

/// The average of all clients' parameters, weighted by their samples; in place, on every client:
///
///     w = sum_k n_k w_k / sum_k n_k
///
///     rondo::data::federated_average(comm, parameters, samples);
///
/// A rank is a client, and terms are added in double in the order of ranks: by
/// `comm.split(0, client_id)` in that of the clients' own numbers. A client with 0 samples adds
/// nothing, whatever its parameters are, and gets the average too. Values are float or double; of
/// doubles sum_k n_k |w_k| must stay below double's largest, 1.8e308, for the sum comes before the
/// division: beyond it the average is infinite or NaN.
///
/// Cost: all_gather of 24 B, all_reduce of 8 B a parameter. Errors, on every rank alike and before
/// a parameter moves: no samples at all, samples that do not fit 64 bits, a value that is not
/// finite from a client with samples; those of the collectives. Source: McMahan et al.,
/// Communication-Efficient Learning of Deep Networks from Decentralized Data (2017),
/// arXiv:1602.05629, algorithm 1.
template <class Comm, writable_buffer Values>
void federated_average(Comm& comm, Values&& parameters, std::uint64_t samples,
                       source_location where = source_location::current()) {
  using T = element_of<Values>;
  static_assert(std::same_as<T, float> || std::same_as<T, double>,
                "rondo: federated_average: parameters are float or double; convert others first");
  const auto own = writable(parameters);
  const std::uint64_t total = detail::total_weight("federated_average", where, comm,
                                                   {samples, detail::first_unusable<T>(own), 0});
  std::vector<double> terms(own.size());
  if (samples > 0) {
    for (std::size_t i = 0; i < own.size(); ++i) {
      terms[i] = static_cast<double>(samples) * static_cast<double>(own[i]);
    }
  }
  rondo::all_reduce(comm, terms, two_shot{}, where);  // in the order of ranks
  for (std::size_t i = 0; i < own.size(); ++i) {
    own[i] = static_cast<T>(terms[i] / static_cast<double>(total));
  }
}

}  // namespace rondo::inline v0_1::data
