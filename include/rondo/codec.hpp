// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Wire formats: what values look like while they travel. docs/codecs.md compares them.
#include <rondo/codec/asymmetric.hpp>
#include <rondo/codec/block.hpp>
#include <rondo/codec/cast.hpp>
#include <rondo/codec/concept.hpp>
#include <rondo/codec/error_feedback.hpp>
#include <rondo/codec/float8.hpp>
#include <rondo/codec/integer.hpp>
#include <rondo/codec/lossless.hpp>
#include <rondo/codec/low_rank.hpp>
#include <rondo/codec/microscaling.hpp>
#include <rondo/codec/mixed_by_size.hpp>
#include <rondo/codec/nvfp4.hpp>
#include <rondo/codec/requantised.hpp>
#include <rondo/codec/rotated.hpp>
#include <rondo/codec/shared_scale.hpp>
#include <rondo/codec/sign.hpp>
#include <rondo/codec/stochastic.hpp>
#include <rondo/codec/top_k.hpp>
