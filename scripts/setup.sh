# shellcheck shell=bash
# SPDX-FileCopyrightText: 2026 the rondo authors
# SPDX-License-Identifier: BSL-1.0
#
# Sourced by the scripts beside it: finds out what is missing on a Debian or Ubuntu machine, and
# installs it. The caller states what it uses with need and want, then calls install_missing.

install=yes     # --no-install sets it to no
missing_need=() # packages without which the script cannot go on
missing_want=() # packages without which it does less

say() { printf '\n== %s\n' "$*"; }
fail() {
  printf '\n== %s\n' "$*" >&2
  exit 1
}

has() { command -v "$1" >/dev/null; }
has_file() {
  local file
  for file in "$@"; do
    if compgen -G "$file" >/dev/null; then return 0; fi
  done
  return 1
}

# need PACKAGES WHY CHECK..: unless CHECK succeeds, PACKAGES (one or more) must be installed.
need() {
  if ! "${@:3}"; then
    echo "missing: $1 ($2)"
    local packages
    read -ra packages <<<"$1"
    missing_need+=("${packages[@]}")
  fi
}

# want PACKAGES WHY CHECK..: likewise, but the script can do without.
want() {
  if ! "${@:3}"; then
    echo "missing, can do without: $1 ($2)"
    local packages
    read -ra packages <<<"$1"
    missing_want+=("${packages[@]}")
  fi
}

as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi
}

apt_install() {
  echo "apt-get install $*"
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "$@" </dev/null
}

install_missing() {
  local all=("${missing_need[@]}" "${missing_want[@]}") reason=
  if ((${#all[@]} == 0)); then
    echo "nothing is missing"
    return
  fi
  if [[ $install == no ]]; then
    reason='--no-install was given'
  elif ! has apt-get; then
    reason='there is no apt-get here'
  elif [[ $(id -u) != 0 ]] && ! has sudo; then
    reason='this is not root, and there is no sudo'
  fi
  if [[ $reason ]]; then
    if ((${#missing_need[@]})); then
      fail "cannot go on without: ${missing_need[*]} (not installed, as $reason)"
    fi
    echo "going on without: ${missing_want[*]} (not installed, as $reason)"
    return
  fi
  say "Installing with the system's package manager: ${all[*]}"
  as_root apt-get update -qq || echo "apt-get update failed; trying with the lists at hand"
  if apt_install "${all[@]}"; then return; fi
  if ((${#missing_need[@]})); then
    apt_install "${missing_need[@]}" || fail "could not install: ${missing_need[*]}"
  fi
  local package
  for package in "${missing_want[@]}"; do
    apt_install "$package" || echo "could not install $package; going on without"
  done
}

# What every build here uses.
need_build_tools() {
  need g++ 'compiles C++20' has g++
  need cmake 'configures the build' has cmake
  need ninja-build 'runs the build' has ninja
}

# To be called after install_missing: what is installed may still be too old.
check_build_tools() {
  local version
  version=$(cmake --version | sed -n '1s/[^0-9]*//p')
  if ! printf '3.25\n%s\n' "$version" | sort -CV; then
    fail "CMake 3.25 or newer is needed, and this is $version: use Debian 12, Ubuntu 24.04 or newer, or install CMake yourself"
  fi
  if ! "${CXX:-g++}" -std=c++20 -fsyntax-only -x c++ - <<<'#include <span>
#include <concepts>
namespace a::inline b { template <class T> concept c = std::integral<T>; }'; then
    fail "${CXX:-g++} does not compile C++20; GCC 12 or Clang 14, or newer, does"
  fi
  if ! has nvcc && [[ -x /usr/local/cuda/bin/nvcc ]]; then
    PATH=$PATH:/usr/local/cuda/bin
  fi
}
