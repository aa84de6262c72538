// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/rondo.hpp>

#ifdef EVERY_HEADER  // that needs no GPU
#include <rondo/codec.hpp>
#include <rondo/collective.hpp>
#include <rondo/data.hpp>
#include <rondo/device.hpp>
#include <rondo/elastic.hpp>
#include <rondo/pipeline.hpp>
#include <rondo/schedule.hpp>
#include <rondo/tensor.hpp>
#include <rondo/testing/forwarding.hpp>
#include <rondo/testing/messages_only.hpp>
#include <rondo/testing/recording.hpp>
#include <rondo/testing/reference.hpp>
#include <rondo/testing/throttled.hpp>
#include <rondo/version.hpp>
#endif
#ifdef WITH_MPI
#include <rondo/mpi.hpp>
#endif
