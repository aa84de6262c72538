#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 the rondo authors
# SPDX-License-Identifier: BSL-1.0
#
# doxygen.sh DOXYGEN OUTPUT VERSION: builds the reference in OUTPUT; any warning is an error.
set -euo pipefail
mkdir -p "$2"
"$1" - <<EOF
@INCLUDE = docs/Doxyfile
OUTPUT_DIRECTORY = "$2"
PROJECT_NUMBER = $3
EOF
