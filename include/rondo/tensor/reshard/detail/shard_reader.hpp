// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/tensor/reshard/detail/file.hpp>
#include <rondo/tensor/reshard/detail/parts_of_tensors.hpp>
#include <rondo/tensor/reshard/detail/shard_format.hpp>
#include <rondo/tensor/reshard/sharding.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::detail {

/// One file of a save, opened and checked up to its catalogue.
class shard_reader {
 public:
  shard_reader(std::string path, int rank, std::uint64_t step) : file_{std::move(path)} {
    std::byte head[shard_head_bytes];
    size_ = file_.size();
    file_.read(0, head);
    if (std::memcmp(head, shard_magic, sizeof shard_magic) != 0) {
      file_.bad("it does not begin like one");
    }
    const auto version = number<std::uint32_t>(head + 8);
    if (version != shard_version) {
      file_.bad("it has version " + std::to_string(version) + ", and this reads version " +
                std::to_string(shard_version));
    }
    if (number<std::uint32_t>(head + 12) != static_cast<std::uint32_t>(rank)) {
      file_.bad("it is the file of rank " + std::to_string(number<std::uint32_t>(head + 12)));
    }
    if (number<std::uint64_t>(head + 16) != step) {
      file_.bad("it is of step " + std::to_string(number<std::uint64_t>(head + 16)) +
                ", expected step " + std::to_string(step));
    }
    const auto bytes = number<std::uint64_t>(head + 24);
    const auto sum = number<std::uint64_t>(head + 32);
    if (bytes > size_ - shard_head_bytes) {
      file_.bad("it ends too early");
    }
    catalogue_.resize(static_cast<std::size_t>(bytes));
    file_.read(shard_head_bytes, catalogue_);
    if (checksum(catalogue_) != sum) {
      file_.bad("its catalogue is damaged (checksum)");
    }
  }

  [[nodiscard]] std::vector<tensor_sharding> tensors() const {
    return catalogue_reader{catalogue_, file_.path()}.read();
  }
  [[nodiscard]] bool same_save(const shard_reader& as) const { return catalogue_ == as.catalogue_; }

  /// Finds where each tensor's elements begin, of `stored` tensors as this rank wrote them.
  void locate(std::span<const tensor_sharding> stored, int rank) {
    std::uint64_t at = shard_head_bytes + catalogue_.size();
    for (const tensor_sharding& one : stored) {
      begins_.push_back(at);
      bytes_.push_back(held_bytes(one, rank));
      at += stored_bytes(bytes_.back());
    }
    if (at != size_) {
      file_.bad("got " + std::to_string(size_) + " B, expected " + std::to_string(at));
    }
  }

  /// Copies bytes of one tensor, of which only chunks with a right checksum are used.
  void read(std::size_t tensor, std::size_t from, std::span<std::byte> into) {
    while (!into.empty()) {
      const std::size_t chunk = from / shard_chunk_bytes;
      load(tensor, chunk);
      const std::size_t within = from % shard_chunk_bytes;
      const std::size_t here = (std::min)(into.size(), chunk_.size() - within);
      std::memcpy(into.data(), chunk_.data() + within, here);
      into = into.subspan(here);
      from += here;
    }
  }

 private:
  template <class Number>
  [[nodiscard]] static Number number(const std::byte* at) {
    Number value{};
    std::memcpy(&value, at, sizeof value);
    return value;
  }

  void load(std::size_t tensor, std::size_t chunk) {
    if (loaded_ && tensor == tensor_ && chunk == index_) {
      return;
    }
    loaded_ = false;
    const std::size_t first = chunk * shard_chunk_bytes;
    chunk_.resize((std::min)(shard_chunk_bytes, bytes_[tensor] - first));
    file_.read(begins_[tensor] + first, chunk_);
    std::byte sum[sizeof(std::uint64_t)];
    file_.read(begins_[tensor] + bytes_[tensor] + chunk * sizeof sum, sum);
    if (number<std::uint64_t>(sum) != checksum(chunk_)) {
      file_.bad("elements of tensor " + std::to_string(tensor) + " at byte " +
                std::to_string(first) + " are damaged (checksum)");
    }
    tensor_ = tensor;
    index_ = chunk;
    loaded_ = true;
  }

  old_file file_;
  std::uint64_t size_ = 0;
  std::vector<std::byte> catalogue_;
  std::vector<std::uint64_t> begins_;  ///< by tensor
  std::vector<std::size_t> bytes_;     ///< by tensor
  std::vector<std::byte> chunk_;
  std::size_t tensor_ = 0;
  std::size_t index_ = 0;
  bool loaded_ = false;
};

}  // namespace rondo::inline v0_1::detail
