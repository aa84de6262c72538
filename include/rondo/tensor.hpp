// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Tensor splitting: named meshes, placements as types, layers around the user's own kernels.

#include <rondo/tensor/attention/attention.hpp>
#include <rondo/tensor/attention/exchanged_attention.hpp>
#include <rondo/tensor/attention/gathered_attention.hpp>
#include <rondo/tensor/attention/head_attention.hpp>
#include <rondo/tensor/attention/heads.hpp>
#include <rondo/tensor/attention/ring_attention.hpp>
#include <rondo/tensor/attention/sequence_cut.hpp>
#include <rondo/tensor/conversion.hpp>
#include <rondo/tensor/convert.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/exact/exact.hpp>
#include <rondo/tensor/exact/tree_exchange.hpp>
#include <rondo/tensor/exact/tree_sum.hpp>
#include <rondo/tensor/experts/auxiliary_loss.hpp>
#include <rondo/tensor/experts/expert_parallel.hpp>
#include <rondo/tensor/experts/routing.hpp>
#include <rondo/tensor/layer_memory.hpp>
#include <rondo/tensor/layers/activation.hpp>
#include <rondo/tensor/layers/column_parallel.hpp>
#include <rondo/tensor/layers/dropout.hpp>
#include <rondo/tensor/layers/layer_plan.hpp>
#include <rondo/tensor/layers/linear.hpp>
#include <rondo/tensor/layers/mlp.hpp>
#include <rondo/tensor/layers/row_parallel.hpp>
#include <rondo/tensor/layers/vocabulary_cross_entropy.hpp>
#include <rondo/tensor/layers/vocabulary_embedding.hpp>
#include <rondo/tensor/layout/blueprint.hpp>
#include <rondo/tensor/layout/layout.hpp>
#include <rondo/tensor/layout/layout_plan.hpp>
#include <rondo/tensor/layout/layout_search.hpp>
#include <rondo/tensor/layout/mesh_network.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/tensor/mesh.hpp>
#include <rondo/tensor/placement.hpp>
#include <rondo/tensor/reshard/reshard.hpp>
#include <rondo/tensor/reshard/reshard_plan.hpp>
#include <rondo/tensor/reshard/shard_files.hpp>
#include <rondo/tensor/reshard/sharding.hpp>
#include <rondo/tensor/team.hpp>
#include <rondo/tensor/wire.hpp>
