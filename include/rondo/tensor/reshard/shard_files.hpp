// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/tensor/reshard/detail/block_walk.hpp>
#include <rondo/tensor/reshard/detail/file.hpp>
#include <rondo/tensor/reshard/detail/parts_of_tensors.hpp>
#include <rondo/tensor/reshard/detail/shard_format.hpp>
#include <rondo/tensor/reshard/detail/shard_reader.hpp>
#include <rondo/tensor/reshard/reshard_plan.hpp>
#include <rondo/tensor/reshard/sharding.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace rondo::inline v0_1 {

/// The files of one save: `prefix.0`, `prefix.1`, ..., one for each rank of the largest mesh.
struct shard_files {
  std::string prefix;
  std::uint64_t step = 0;  ///< tells saves under one prefix apart, so that they are not mixed

  [[nodiscard]] std::string path(int rank) const { return prefix + '.' + std::to_string(rank); }
};

namespace detail {

[[nodiscard]] inline std::vector<tensor_sharding> first_replicas(
    std::span<const tensor_sharding> tensors) {
  std::vector<tensor_sharding> stored;
  for (const tensor_sharding& one : tensors) {
    stored.push_back(one.first_replica());
  }
  return stored;
}

}  // namespace detail

/// Writes what `rank` holds to its file. Of replicas the first is written, so a tensor is stored
/// once, however many ranks hold it, except indices that its cut gives to several ranks. Every rank
/// of the meshes calls it, by itself; the save is whole when all have returned. A file is there
/// whole or not at all. Errors: buffers that do not fit, two tensors of one name, more than 2^20
/// ranks or 2^26 in the sum over all tensors, a file that cannot be written.
template <class Parts>
void save_shards(const shard_files& files, int rank, std::span<const tensor_sharding> tensors,
                 const Parts& held) {
  const auto parts = detail::readable_parts("save_shards", held, tensors, rank);
  const auto catalogue = detail::catalogue_writer::write(tensors);
  detail::new_file file{files.path(rank)};
  const auto number = [&](auto value) { file.write(std::as_bytes(std::span{&value, 1})); };
  file.write(std::as_bytes(std::span{detail::shard_magic}));
  number(detail::shard_version);
  number(static_cast<std::uint32_t>(rank));
  number(std::uint64_t{files.step});
  number(std::uint64_t{catalogue.size()});
  number(detail::checksum(catalogue));
  file.write(catalogue);
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    const auto bytes = parts[t].first(detail::held_bytes(tensors[t].first_replica(), rank));
    file.write(bytes);
    for (std::size_t at = 0; at < bytes.size(); at += detail::shard_chunk_bytes) {
      number(detail::checksum(
          bytes.subspan(at, (std::min)(detail::shard_chunk_bytes, bytes.size() - at))));
    }
  }
  file.close();
}

/// The tensors of a save and how they were sharded.
/// Errors: corrupt_data with the file and what is wrong with it.
[[nodiscard]] inline std::vector<tensor_sharding> read_shardings(const shard_files& files) {
  return detail::shard_reader{files.path(0), 0, files.step}.tensors();
}

/// Reads what `rank` wants, whatever mesh wrote it: some of the save's tensors, by name, in any
/// sharding. Only files that hold some of it are opened, and only the 64 KiB chunks that it lies in
/// are read, each checked. `into[t]` is the part of `tensors[t]` that the rank holds.
/// Errors: corrupt_data with the file and what is wrong with it; a tensor that the save does not
/// have, or has in another shape; buffers that do not fit; a file that is not there.
template <class Parts>
void load_shards(const shard_files& files, int rank, std::span<const tensor_sharding> tensors,
                 Parts&& into) {
  const auto parts = detail::writable_parts("load_shards", into, tensors, rank);
  const detail::shard_reader catalogue{files.path(0), 0, files.step};
  const auto saved = detail::first_replicas(catalogue.tensors());
  std::vector<std::size_t> numbers;  // of the wanted tensors in the save
  std::vector<tensor_sharding> wanted_from;
  for (const tensor_sharding& one : tensors) {
    const auto found = std::find_if(saved.begin(), saved.end(), [&](const tensor_sharding& each) {
      return each.name() == one.name();
    });
    if (found == saved.end()) {
      refuse("load_shards: no tensor \"" + one.name() + "\" in " + files.path(0), rank);
    }
    numbers.push_back(static_cast<std::size_t>(found - saved.begin()));
    wanted_from.push_back(*found);
  }
  const reshard_plan plan{wanted_from, tensors};
  std::vector<std::unique_ptr<detail::shard_reader>> open(static_cast<std::size_t>(plan.ranks()));
  detail::local_index index;
  detail::block_place stored;
  detail::block_place wanted;
  detail::block_walk walk;
  for (const reshard_move& move : plan.moves()) {
    if (move.to != rank) {
      continue;
    }
    auto& file = open[static_cast<std::size_t>(move.from)];
    if (file == nullptr) {
      file = std::make_unique<detail::shard_reader>(files.path(move.from), move.from, files.step);
      if (!file->same_save(catalogue)) {
        detail::corrupt_shard_file(files.path(move.from),
                                   "it is of another save than " + files.path(0));
      }
      file->locate(saved, move.from);
    }
    index.assign(plan.before()[move.tensor], move.from);
    index.find(plan, move, stored);
    index.assign(plan.after()[move.tensor], rank);
    index.find(plan, move, wanted);
    const std::size_t width = tensors[move.tensor].element_bytes();
    walk(plan, move, stored, wanted, [&](std::size_t from, std::size_t to, std::size_t count) {
      file->read(numbers[move.tensor], from * width,
                 parts[move.tensor].subspan(to * width, count * width));
    });
  }
}

}  // namespace rondo::inline v0_1
