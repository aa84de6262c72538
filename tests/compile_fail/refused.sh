#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 the rondo authors
# SPDX-License-Identifier: BSL-1.0
#
# refused.sh SOURCE COMPILER FLAG..: passes when SOURCE is refused with output that matches each of
# its "// expect-error: <regex>" lines.
set -euo pipefail
source=$1

mapfile -t expected < <(sed -n 's|^// expect-error: *||p' "$source")
if ((${#expected[@]} == 0)); then
  echo "$source states no '// expect-error: <regex>'"
  exit 1
fi

if output=$("${@:2}" "$source" 2>&1); then
  echo "compiles, but must be refused"
  exit 1
fi
for regex in "${expected[@]}"; do
  if ! grep -Eq -- "$regex" <<<"$output"; then
    echo "refused, but nothing matches /$regex/:"
    echo "$output"
    exit 1
  fi
  echo "refused as expected: $(grep -Em1 -- "$regex" <<<"$output")"
done
