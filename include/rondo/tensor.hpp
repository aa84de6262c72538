// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Tensor splitting: named meshes, placements as types, layers around the user's own kernels.

#include <rondo/tensor/activation.hpp>
#include <rondo/tensor/attention.hpp>
#include <rondo/tensor/auxiliary_loss.hpp>
#include <rondo/tensor/blueprint.hpp>
#include <rondo/tensor/column_parallel.hpp>
#include <rondo/tensor/conversion.hpp>
#include <rondo/tensor/convert.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/exact.hpp>
#include <rondo/tensor/exchanged_attention.hpp>
#include <rondo/tensor/expert_parallel.hpp>
#include <rondo/tensor/gathered_attention.hpp>
#include <rondo/tensor/head_attention.hpp>
#include <rondo/tensor/heads.hpp>
#include <rondo/tensor/layer_memory.hpp>
#include <rondo/tensor/layout.hpp>
#include <rondo/tensor/layout_plan.hpp>
#include <rondo/tensor/layout_search.hpp>
#include <rondo/tensor/linear.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/tensor/mesh.hpp>
#include <rondo/tensor/mesh_network.hpp>
#include <rondo/tensor/mlp.hpp>
#include <rondo/tensor/placement.hpp>
#include <rondo/tensor/plan.hpp>
#include <rondo/tensor/reshard.hpp>
#include <rondo/tensor/reshard_plan.hpp>
#include <rondo/tensor/ring_attention.hpp>
#include <rondo/tensor/routing.hpp>
#include <rondo/tensor/row_parallel.hpp>
#include <rondo/tensor/sequence_cut.hpp>
#include <rondo/tensor/shard_files.hpp>
#include <rondo/tensor/sharding.hpp>
#include <rondo/tensor/team.hpp>
#include <rondo/tensor/tree_exchange.hpp>
#include <rondo/tensor/tree_sum.hpp>
#include <rondo/tensor/vocabulary_cross_entropy.hpp>
#include <rondo/tensor/vocabulary_embedding.hpp>
