// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Wire formats: what values look like while they travel. See docs/codecs.md.
#include <rondo/codec/asymmetric.hpp>
#include <rondo/codec/block.hpp>
#include <rondo/codec/cast.hpp>
#include <rondo/codec/concept.hpp>
#include <rondo/codec/float8.hpp>
#include <rondo/codec/integer.hpp>
#include <rondo/codec/microscaling.hpp>
#include <rondo/codec/nvfp4.hpp>
#include <rondo/codec/sign.hpp>
