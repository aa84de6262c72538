# SPDX-FileCopyrightText: 2026 the rondo authors
# SPDX-License-Identifier: BSL-1.0
import re
from pathlib import Path

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout

required_conan_version = ">=2.0"


class Rondo(ConanFile):
    name = "rondo"
    description = "Collectives and parallelism that compose, for C++20 and CUDA"
    license = "BSL-1.0"
    topics = ("collectives", "parallelism", "mpi", "cuda", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    exports_sources = "CMakeLists.txt", "LICENSE", "cmake/*", "include/*"
    no_copy_source = True

    def set_version(self):
        header = Path(self.recipe_folder, "include/rondo/version.hpp").read_text()
        self.version = ".".join(re.findall(r"RONDO_VERSION_\w+ (\d+)", header))

    def layout(self):
        cmake_layout(self)

    def validate(self):
        check_min_cppstd(self, 20)

    def package_id(self):
        self.info.clear()

    def generate(self):
        toolchain = CMakeToolchain(self)
        for part in "TESTS", "EXAMPLES", "BENCH":
            toolchain.cache_variables[f"RONDO_BUILD_{part}"] = False
        toolchain.generate()

    def build(self):
        CMake(self).configure()

    def package(self):
        CMake(self).install()

    def package_info(self):
        # The package's own config knows its components, and what each of them needs.
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.builddirs = ["share/cmake/rondo"]
        self.cpp_info.set_property("cmake_find_mode", "none")
