// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Every collective.
#include <rondo/collective/all_gather.hpp>
#include <rondo/collective/all_reduce.hpp>
#include <rondo/collective/all_to_all.hpp>
#include <rondo/collective/barrier.hpp>
#include <rondo/collective/broadcast.hpp>
#include <rondo/collective/explain.hpp>
#include <rondo/collective/gather.hpp>
#include <rondo/collective/offer.hpp>
#include <rondo/collective/reduce.hpp>
#include <rondo/collective/reduce_scatter.hpp>
#include <rondo/collective/scatter.hpp>
#include <rondo/collective/send_receive.hpp>
