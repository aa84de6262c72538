// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/tensor/layers/column_parallel.hpp>
#include <rondo/tensor/layers/row_parallel.hpp>
#include <rondo/transport/threads/run.hpp>

#include <vector>

/// What the refused call sites of the tensor room have in common: one rank, four numbers.
using comm_type = rondo::threads::communicator;
using tensor_ranks = rondo::team<comm_type, "tensor">;

struct kernels {
  template <class In, class Other, class Out>
  void product(In, Other, Out) const {}
  template <class In, class Other, class Out>
  void input_gradient(In, Other, Out) const {}
  template <class In, class Other, class Out>
  void weight_gradient(In, Other, Out) const {}
};

inline float numbers[4];
inline const rondo::matrix<float> view{numbers, 2, 2};
inline const rondo::cut whole = rondo::cut::whole(2, 1);
inline const rondo::replicated<float> all{view};
inline const rondo::sharded<float, 0> by_rows{view, whole};
inline const rondo::sharded<float, 1> by_columns{view, whole};
inline const rondo::partial<float> terms{view};
