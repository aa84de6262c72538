// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/tensor/reshard/detail/file.hpp>
#include <rondo/tensor/reshard/sharding.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

/// The bytes of a shard file, all numbers little-endian:
///
///     0   "rondoSHD"
///     8   u32 version (1), u32 rank
///     16  u64 step
///     24  u64 bytes of the catalogue, u64 its checksum
///     40  the catalogue: every tensor's sharding, the same in all files of one save
///         then for every tensor of which this rank writes some: its elements as they lie in
///         memory, then a u64 checksum for each 64 KiB of them
///
/// A text is a u32 length and its bytes. The catalogue is a u32 count of tensors; each is its name,
/// u64 element bytes, u32 axes (name, u32 size), u32 dimensions (name, u64 extent, u32 axes that
/// cut it (name), u32 places (u32 runs (u64 first, u64 count))), u32 pins (axis name, u32
/// coordinate).
namespace rondo::inline v0_1::detail {

static_assert(std::endian::native == std::endian::little,
              "rondo: shard files are little-endian; this machine is not");

inline constexpr char shard_magic[8] = {'r', 'o', 'n', 'd', 'o', 'S', 'H', 'D'};
inline constexpr std::uint32_t shard_version = 1;
inline constexpr std::size_t shard_head_bytes = 40;
inline constexpr std::size_t shard_chunk_bytes = std::size_t{1} << 16;

/// Eight bytes at a time; every step is one to one, so a change within eight bytes is always seen.
[[nodiscard]] inline std::uint64_t checksum(std::span<const std::byte> bytes) {
  std::uint64_t sum = 0x9e3779b97f4a7c15u ^ bytes.size();
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, bytes.size() - at < 8 ? bytes.size() - at : 8);
    sum = (sum ^ word) * 0xd6e8feb86659fd93u;
    sum ^= sum >> 32;
  }
  return sum;
}

[[nodiscard]] constexpr std::size_t chunks_of(std::size_t bytes) {
  return bytes / shard_chunk_bytes + (bytes % shard_chunk_bytes != 0 ? 1 : 0);
}

/// Bytes of a tensor in a file: its elements and their checksums.
[[nodiscard]] constexpr std::size_t stored_bytes(std::size_t bytes) {
  return bytes + chunks_of(bytes) * sizeof(std::uint64_t);
}

// So that a few bytes of a catalogue do not make its reader fill all memory.
inline constexpr std::size_t most_catalogue_ranks = std::size_t{1} << 20;   ///< of one tensor
inline constexpr std::size_t most_catalogue_places = std::size_t{1} << 26;  ///< of all, added up

/// A name that two tensors have, or null.
[[nodiscard]] inline const std::string* shared_name(std::span<const tensor_sharding> tensors) {
  std::vector<const std::string*> names;
  for (const tensor_sharding& one : tensors) {
    names.push_back(&one.name());
  }
  std::sort(names.begin(), names.end(), [](auto* a, auto* b) { return *a < *b; });
  const auto found =
      std::adjacent_find(names.begin(), names.end(), [](auto* a, auto* b) { return *a == *b; });
  return found == names.end() ? nullptr : *found;
}

/// Errors: what no reader would take: two tensors of one name, more ranks than the bounds above.
class catalogue_writer {
 public:
  [[nodiscard]] static std::vector<std::byte> write(std::span<const tensor_sharding> tensors) {
    check(tensors);
    catalogue_writer out;
    out.count(tensors.size());
    for (const tensor_sharding& one : tensors) {
      out.text(one.name());
      out.number(std::uint64_t{one.element_bytes()});
      out.count(one.mesh().axes().size());
      for (const axis& along : one.mesh().axes()) {
        out.text(along.name);
        out.count(static_cast<std::size_t>(along.size));
      }
      out.count(one.dimensions().size());
      for (const placed_dimension& each : one.dimensions()) {
        out.dimension(each);
      }
      out.count(one.pins().size());
      for (const pinned_axis& pin : one.pins()) {
        out.text(pin.axis);
        out.count(static_cast<std::size_t>(pin.at));
      }
    }
    return std::move(out.bytes_);
  }

 private:
  static void check(std::span<const tensor_sharding> tensors) {
    if (const std::string* const name = shared_name(tensors)) {
      refuse("save_shards: two tensors are named \"" + *name + "\"; they are loaded by name");
    }
    std::size_t places = 0;
    for (const tensor_sharding& one : tensors) {
      const auto ranks = static_cast<std::size_t>(one.ranks());
      places += ranks;
      if (ranks > most_catalogue_ranks || places > most_catalogue_places) {
        refuse("save_shards: with " + one.describe() + ", the meshes of the tensors have " +
               std::to_string(places) + " ranks together; at most " +
               std::to_string(most_catalogue_ranks) + " for one tensor and " +
               std::to_string(most_catalogue_places) +
               " for all; save some of the tensors under another prefix");
      }
    }
  }
  void dimension(const placed_dimension& each) {
    text(each.name);
    number(std::uint64_t{each.division.extent()});
    count(each.over.size());
    for (const std::string& along : each.over) {
      text(along);
    }
    count(static_cast<std::size_t>(each.division.ranks()));
    for (int place = 0; place < each.division.ranks(); ++place) {
      const auto runs = each.division.runs(place);
      count(runs.size());
      for (const part run : runs) {
        number(std::uint64_t{run.first});
        number(std::uint64_t{run.count});
      }
    }
  }
  template <class Number>
  void number(Number value) {
    const auto* raw = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), raw, raw + sizeof value);
  }
  void count(std::size_t value) { number(static_cast<std::uint32_t>(value)); }
  void text(const std::string& words) {
    count(words.size());
    const auto* raw = reinterpret_cast<const std::byte*>(words.data());
    bytes_.insert(bytes_.end(), raw, raw + words.size());
  }

  std::vector<std::byte> bytes_;
};

/// Reads a catalogue and trusts none of its numbers. Errors: corrupt_data.
class catalogue_reader {
 public:
  catalogue_reader(std::span<const std::byte> bytes, std::string file)
      : left_{bytes}, file_{std::move(file)} {}

  [[nodiscard]] std::vector<tensor_sharding> read() {
#if defined(__cpp_exceptions)
    try {
      return read_all();
    } catch (const error& refused) {  // by a mesh, a cut or a sharding
      if (refused.code() == error_code::corrupt_data) {
        throw;
      }
      bad(std::string{"its catalogue does not hold: "} + refused.what());
    }
#else
    return read_all();
#endif
  }

 private:
  [[nodiscard]] std::vector<tensor_sharding> read_all() {
    std::vector<tensor_sharding> tensors;
    const std::size_t many = count(33);
    for (std::size_t t = 0; t < many; ++t) {
      tensors.push_back(tensor(t));
    }
    if (!left_.empty()) {
      bad("its catalogue goes on behind the last tensor");
    }
    if (const std::string* const name = shared_name(tensors)) {
      bad("two of its tensors are named \"" + *name + "\"");
    }
    return tensors;
  }

  [[noreturn]] void bad(const std::string& why) const { corrupt_shard_file(file_, why); }

  [[nodiscard]] tensor_sharding tensor(std::size_t t) {
    std::string name = text();
    const auto element_bytes = whole();
    std::vector<axis> axes;
    std::size_t ranks = 1;
    for (std::size_t left = count(8); left != 0; --left) {
      std::string along = text();
      const std::size_t size = number<std::uint32_t>();
      if (size == 0 || size > most_catalogue_ranks / ranks) {
        bad("the mesh of tensor " + std::to_string(t) + " has an axis of " + std::to_string(size) +
            " ranks");
      }
      ranks *= size;
      axes.push_back({std::move(along), static_cast<int>(size)});
    }
    places_ += ranks;
    if (places_ > most_catalogue_places) {
      bad("its meshes have more ranks than this reads");
    }
    std::vector<placed_dimension> dimensions;
    for (std::size_t left = count(20); left != 0; --left) {
      dimensions.push_back(dimension(ranks));
    }
    std::vector<pinned_axis> pins;
    for (std::size_t left = count(8); left != 0; --left) {
      std::string along = text();
      const std::size_t at = number<std::uint32_t>();
      pins.push_back({std::move(along), static_cast<int>((std::min)(at, most_catalogue_ranks))});
    }
    return {std::move(name), element_bytes, mesh_shape{std::move(axes)}, std::move(dimensions),
            std::move(pins)};
  }

  [[nodiscard]] placed_dimension dimension(std::size_t ranks) {
    placed_dimension made;
    made.name = text();
    const auto extent = whole();
    for (std::size_t left = count(4); left != 0; --left) {
      made.over.push_back(text());
    }
    const std::size_t places = count(4);
    if (places > ranks) {
      bad("dimension \"" + made.name + "\" is cut for more ranks than its mesh has");
    }
    std::vector<std::vector<part>> runs(places);
    for (auto& held : runs) {
      held.resize(count(16));
      for (part& run : held) {
        run.first = whole();
        run.count = whole();
      }
    }
    made.division = cut{extent, std::move(runs)};
    return made;
  }

  [[nodiscard]] const std::byte* take(std::size_t bytes) {
    if (bytes > left_.size()) {
      bad("its catalogue ends too early");
    }
    const std::byte* const at = left_.data();
    left_ = left_.subspan(bytes);
    return at;
  }
  template <class Number>
  [[nodiscard]] Number number() {
    Number value{};
    std::memcpy(&value, take(sizeof value), sizeof value);
    return value;
  }
  [[nodiscard]] std::size_t whole() { return number<std::uint64_t>(); }
  /// How many entries follow, each of at least `least` bytes.
  [[nodiscard]] std::size_t count(std::size_t least) {
    const std::size_t entries = number<std::uint32_t>();
    if (entries > left_.size() / least) {
      bad("its catalogue ends too early");
    }
    return entries;
  }
  [[nodiscard]] std::string text() {
    const std::size_t length = count(1);
    return {reinterpret_cast<const char*>(take(length)), length};
  }

  std::span<const std::byte> left_;
  std::string file_;
  std::size_t places_ = 0;
};

}  // namespace rondo::inline v0_1::detail
