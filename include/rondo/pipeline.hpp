// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Pipeline parallelism: micro-batch schedules as data, simulated, proved, searched, drawn and run.

#include <rondo/pipeline/action.hpp>
#include <rondo/pipeline/building_block.hpp>
#include <rondo/pipeline/check.hpp>
#include <rondo/pipeline/costs.hpp>
#include <rondo/pipeline/csv.hpp>
#include <rondo/pipeline/dual_pipe.hpp>
#include <rondo/pipeline/fill_drain.hpp>
#include <rondo/pipeline/formula.hpp>
#include <rondo/pipeline/layers.hpp>
#include <rondo/pipeline/lower.hpp>
#include <rondo/pipeline/lower_bound.hpp>
#include <rondo/pipeline/message.hpp>
#include <rondo/pipeline/one_f_one_b.hpp>
#include <rondo/pipeline/passes.hpp>
#include <rondo/pipeline/placement.hpp>
#include <rondo/pipeline/plan.hpp>
#include <rondo/pipeline/prove.hpp>
#include <rondo/pipeline/recompute.hpp>
#include <rondo/pipeline/run.hpp>
#include <rondo/pipeline/search.hpp>
#include <rondo/pipeline/shape.hpp>
#include <rondo/pipeline/simulate.hpp>
#include <rondo/pipeline/stage.hpp>
#include <rondo/pipeline/svg.hpp>
#include <rondo/pipeline/trace.hpp>
#include <rondo/pipeline/zero_bubble.hpp>
