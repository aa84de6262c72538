#!/bin/sh
# SPDX-FileCopyrightText: 2026 the rondo authors
# SPDX-License-Identifier: BSL-1.0
# refuses.sh <rondo-pipeline>: bad input is answered with one line and exit status 2.
command=$1
refused() {
  text=$("$command" "$@" 2>&1 >/dev/null)
  status=$?
  lines=$(printf '%s\n' "$text" | wc -l)
  if [ "$status" -ne 2 ] || [ "$lines" -ne 1 ] || [ -z "$text" ]; then
    echo "rondo-pipeline $*: status $status, $lines lines: $text"
    exit 1
  fi
}
refused --stages 0
refused --stages x
refused --micro-batches -3
refused --no-such-option
refused --schedule no_such_schedule
refused --schedule zero_bubble_h2 --stages 8 --micro-batches 12
refused --schedule gpipe --svg /no/such/folder/picture.svg
refused --svg picture.svg
"$command" --help >/dev/null && "$command" --schedule v_half --csv - | grep -q '^0F0,'
