// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/tensor/reshard/shard_files.hpp>

#include "shardings.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using rondo::mesh_shape;
using rondo::shard_files;
using rondo::tensor_sharding;
using namespace sample;

/// A folder that goes with the test.
struct folder {
  folder() {
    std::string name = (std::filesystem::temp_directory_path() / "rondo-shards-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("no folder for the test");
    }
    path = name;
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
  [[nodiscard]] shard_files files(std::uint64_t step = 1) const {
    return {(path / "model").string(), step};
  }
};

void save(const shard_files& files, const std::vector<tensor_sharding>& tensors) {
  int ranks = 0;
  for (const auto& one : tensors) {
    ranks = (std::max)(ranks, one.ranks());
  }
  for (int rank = 0; rank < ranks; ++rank) {
    std::vector<numbers> held;
    for (const auto& one : tensors) {
      held.push_back(held_elements(one, rank));
    }
    rondo::save_shards(files, rank, tensors, held);
  }
}

bool loads(const shard_files& files, const tensor_sharding& wanted) {
  bool right = true;
  for (int rank = 0; rank < wanted.ranks(); ++rank) {
    const auto expected = held_elements(wanted, rank);
    std::vector<numbers> into{numbers(expected.size(), ~0u)};
    rondo::load_shards(files, rank, std::vector{wanted}, into);
    right = right && into[0] == expected;
  }
  return right;
}

std::string bytes_of(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}
void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream{path, std::ios::binary} << bytes;
}

}  // namespace

TEST_CASE("shard files: what one mesh saved, any other loads, bit for bit") {
  const folder at;
  const auto all = every_sharding();
  for (const auto& before : all) {
    save(at.files(), {before});
    CHECK(rondo::read_shardings(at.files()) == std::vector{before});
    for (const auto& after : all) {
      if (!loads(at.files(), after)) {
        FAIL(before.describe() << " -> " << after.describe());
      }
    }
  }
}

TEST_CASE("shard files: some tensors of many, in any order; replicas are stored once") {
  const folder at;
  const mesh_shape mesh{{"data", 4}, {"tensor", 2}};
  std::vector<tensor_sharding> tensors;
  for (const char* name : {"a", "b", "c"}) {
    tensors.emplace_back(name, 4, mesh,
                         std::vector<rondo::placed_dimension>{{"rows", cut::even(8, 2), {"tensor"}},
                                                              {"columns", cut::whole(6, 1), {}}});
  }
  save(at.files(7), tensors);
  CHECK(loads(at.files(7), tensors[2]));
  CHECK(loads(at.files(7), tensors[0]));
  std::uintmax_t stored = 0;
  const auto empty = std::filesystem::file_size(at.files().path(7));
  for (int rank = 0; rank < 8; ++rank) {
    stored += std::filesystem::file_size(at.files().path(rank)) - empty;
  }
  CHECK(stored == 3 * (8 * 6 * 4 + 2 * 8));  // elements, and a checksum for each rank's half
  const tensor_sharding other{"d", 4, mesh, tensors[0].dimensions()};
  CHECK(contains(refusal([&] { loads(at.files(7), other); }), "no tensor \"d\""));
  CHECK(contains(refusal([&] { loads(at.files(8), tensors[0]); }),
                 "it is of step 7, expected step 8"));
}

TEST_CASE("shard files: larger than a chunk") {
  const folder at;
  const std::size_t rows = 300;
  const std::size_t columns = 1000;
  const auto placed = [&](int ranks, std::size_t dimension) {
    std::vector<rondo::placed_dimension> dimensions{{"r", cut::whole(rows, 1), {}},
                                                    {"c", cut::whole(columns, 1), {}}};
    auto& split = dimensions[dimension];
    split.division = cut::even(split.division.extent(), ranks);
    split.over.push_back("tensor");
    return tensor_sharding{"w", 4, mesh_shape{{"tensor", ranks}}, dimensions};
  };
  const auto value = [&](std::size_t i, std::size_t j) {
    return static_cast<std::uint32_t>(i * columns + j);
  };
  const auto before = placed(2, 0);
  for (int rank = 0; rank < 2; ++rank) {
    std::vector<numbers> held(1);
    for (std::size_t i = 0; i < rows / 2; ++i) {
      for (std::size_t j = 0; j < columns; ++j) {
        held[0].push_back(value(static_cast<std::size_t>(rank) * rows / 2 + i, j));
      }
    }
    rondo::save_shards(at.files(), rank, std::vector{before}, held);
  }
  const auto after = placed(3, 1);
  for (int rank = 0; rank < 3; ++rank) {
    std::vector<numbers> into{numbers(after.elements(rank))};
    rondo::load_shards(at.files(), rank, std::vector{after}, into);
    const cut& division = after.dimensions()[1].division;
    bool right = true;
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < division.width(rank); ++j) {
        right =
            right && into[0][i * division.width(rank) + j] == value(i, division.global(rank, j));
      }
    }
    CHECK(right);
  }
}

TEST_CASE("shard files: a damaged file is told by name, wherever the damage is") {
  const folder at;
  const mesh_shape mesh{{"tensor", 2}};
  const tensor_sharding w{
      "w", 4, mesh, {{"rows", cut::even(8, 2), {"tensor"}}, {"columns", cut::whole(6, 1), {}}}};
  const tensor_sharding whole{"w",
                              4,
                              mesh_shape{{"one", 1}},
                              {{"rows", cut::whole(8, 1), {}}, {"columns", cut::whole(6, 1), {}}}};
  save(at.files(), {w});
  const std::string path = at.files().path(0);
  const std::string sound = bytes_of(path);
  const auto told = [&](const std::string& bytes) {
    write_bytes(path, bytes);
    try {
      loads(at.files(), whole);
    } catch (const rondo::error& failure) {
      return failure.code() == rondo::error_code::corrupt_data && contains(failure.what(), path);
    }
    return false;
  };
  for (std::size_t i = 0; i < sound.size(); ++i) {
    for (const char bit : {'\x01', '\x80'}) {
      std::string damaged = sound;
      damaged[i] = static_cast<char>(damaged[i] ^ bit);
      if (!told(damaged)) {
        FAIL("bit flip at byte " << i);
      }
    }
    if (!told(sound.substr(0, i))) {
      FAIL("cut off at byte " << i);
    }
  }
  CHECK(told(sound + "x"));
  CHECK(told(bytes_of(at.files().path(1))));  // another rank's file
  write_bytes(path, sound);
  CHECK(loads(at.files(), whole));
  std::filesystem::remove(at.files().path(1));
  CHECK(contains(refusal([&] { loads(at.files(), whole); }), "model.1; is it there?"));
}

TEST_CASE("shard files: what could not be read back is not written") {
  const folder at;
  const auto told = [&](const std::vector<tensor_sharding>& tensors, int rank = 0) {
    return refusal([&] {
      rondo::save_shards(at.files(), rank, tensors,
                         std::vector<std::vector<float>>(tensors.size(), std::vector<float>(1)));
    });
  };
  const auto scalar = [](std::string name, int ranks) {
    return tensor_sharding{std::move(name), 4, mesh_shape{{"r", ranks}}, {}};
  };
  CHECK(contains(told({scalar("v", 1), scalar("w", 1), scalar("v", 2)}),
                 "save_shards: two tensors are named \"v\""));
  CHECK(contains(told({scalar("v", 1)}, -1), "save_shards: got rank -1; expected 0 or more"));
  CHECK(contains(told({scalar("w", (1 << 20) + 1)}), "1048577 ranks together; at most 1048576"));
  std::vector<tensor_sharding> many;
  for (int t = 0; t < 65; ++t) {
    many.push_back(scalar(std::to_string(t), 1 << 20));
  }
  CHECK(contains(told(many), "68157440 ranks together; at most"));
  CHECK_FALSE(std::filesystem::exists(at.files().path(0)));
  CHECK(told({scalar("", 1), scalar("w", 1)}).empty());  // the shortest that there are
  CHECK(rondo::read_shardings(at.files()).size() == 2);
  const tensor_sharding square{
      "w", 4, mesh_shape{{"r", 1}}, {{"x", cut::whole(2, 1), {}}, {"y", cut::whole(2, 1), {}}}};
  const tensor_sharding turned{
      "w", 4, mesh_shape{{"r", 1}}, {{"y", cut::whole(2, 1), {}}, {"x", cut::whole(2, 1), {}}}};
  save(at.files(), {square});
  CHECK(contains(refusal([&] { loads(at.files(), turned); }), "\"x\" before and \"y\" after"));
}

TEST_CASE("shard files: a catalogue with two tensors of one name is corrupt") {
  const mesh_shape mesh{{"r", 1}};
  auto bytes = rondo::detail::catalogue_writer::write(
      std::vector<tensor_sharding>{{"v", 4, mesh, {}}, {"w", 4, mesh, {}}});
  std::replace(bytes.begin(), bytes.end(), std::byte{'v'}, std::byte{'w'});
  CHECK(contains(refusal([&] {
                   (void)rondo::detail::catalogue_reader{bytes, "it"}.read();
                 }),
                 "shard file it: two of its tensors are named \"w\""));
}

TEST_CASE("shard files: no catalogue, however wrong, does more than raise an error") {
  // Behind a right checksum: what a hostile writer could send.
  const mesh_shape mesh{{"data", 2}, {"tensor", 2}};
  const std::vector<tensor_sharding> tensors{
      {"w", 4, mesh, {{"rows", cut::even(8, 2), {"tensor"}}, {"columns", cut::whole(6, 1), {}}}},
      {"scale", 2, mesh, {{"rows", cut::even(8, 2), {"tensor"}}}, {{"data", 1}}}};
  const auto sound = rondo::detail::catalogue_writer::write(tensors);
  CHECK(rondo::detail::catalogue_reader{sound, "sound"}.read() == tensors);
  std::mt19937 random{20261121};
  std::size_t refused = 0;
  const int attempts = 20000;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    auto bytes = sound;
    for (int changes = 1 + static_cast<int>(random() % 4); changes > 0; --changes) {
      const std::size_t where = random() % bytes.size();
      switch (random() % 4) {
        case 0:
          bytes[where] = static_cast<std::byte>(random());
          break;
        case 1:
          bytes[where] = std::byte{0xff};
          break;
        case 2:
          bytes.resize(1 + where);
          break;
        default:
          bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(where), std::byte{1});
      }
    }
    try {
      const auto read = rondo::detail::catalogue_reader{bytes, "fuzzed"}.read();
    } catch (const rondo::error& failure) {
      if (failure.code() != rondo::error_code::corrupt_data) {
        FAIL(failure.what());
      }
      ++refused;
    }
  }
  CHECK(refused > attempts / 2);
}
