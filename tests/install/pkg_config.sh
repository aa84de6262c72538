#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 the rondo authors
# SPDX-License-Identifier: BSL-1.0
#
# pkg_config.sh PREFIX VERSION SOURCE_DIR BINARY_DIR COMPILER..: builds the consumer by hand.
set -euo pipefail
prefix=$1 version=$2 source=$3 binary=$4
compiler=("${@:5}")
export PKG_CONFIG_PATH=$prefix/share/pkgconfig

found=$("$PKG_CONFIG" --modversion rondo)
if [[ $found != "$version" ]]; then
  echo "rondo.pc says version $found, expected $version"
  exit 1
fi
mkdir -p "$binary"
read -ra flags < <("$PKG_CONFIG" --cflags rondo)
read -ra libraries < <("$PKG_CONFIG" --libs rondo)
for unit in main other; do
  "${compiler[@]}" -std=c++20 "${flags[@]}" -c "$source/$unit.cpp" -o "$binary/$unit.o"
done
"${compiler[@]}" "$binary"/{main,other}.o -o "$binary/consumer" "${libraries[@]}"
"$binary/consumer"
