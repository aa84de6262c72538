// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: these ranks are GPUs; layers and convert take them with a stream
// needs: nccl
#include <rondo/nccl.hpp>
#include <rondo/tensor/convert.hpp>
#include <rondo/tensor/cuda/layer_ranks.hpp>

#ifdef RONDO_CONTROL
using comm_type = rondo::layer_ranks<rondo::nccl::communicator>;
#else
using comm_type = rondo::nccl::communicator;
#endif

void attempt(comm_type& comm) { static_cast<void>(rondo::along<"tensor">(comm)); }
