#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 the rondo authors
# SPDX-License-Identifier: BSL-1.0
#
# lines.sh BUDGET INCLUDE_DIR COMPILER FLAG..: prints how many lines each public header adds to an
# empty file after preprocessing, and for those beside the rooms how long they take to compile.
# A line is one that the compiler has to read: not blank (where a comment or a directive stood) and
# no line marker. Fails when a header is over its budget; only under GCC 12, as the count depends on
# the standard library.
set -euo pipefail
budget=$1 include=$2
compiler=("${@:3}" -I"$include" -x c++)

lines() { "${compiler[@]}" -E - 2>/dev/null | awk '/^[^#]/ && NF { ++count } END { print count + 0 }'; }
seconds() {
  local TIMEFORMAT=%U
  { time "${compiler[@]}" -fsyntax-only - 2>&3; } 3>&2 2>&1
}
allowed() {
  local pattern number
  while read -r pattern number; do
    # shellcheck disable=SC2053  # the right-hand side is meant as a pattern
    if [[ $pattern != '#' && $1 == $pattern ]]; then
      echo "$number"
      return
    fi
  done <"$budget"
}

major=$("$3" -dumpversion)
gate=$([[ ${major%%.*} == 12 ]] && echo 1 || echo 0)
empty=$(lines </dev/null)
over=0
printf '%8s %8s %8s  %s\n' lines budget seconds header
while read -r header; do
  if ! count=$(lines <<<"#include <$header>"); then
    continue  # needs a library that is not on the default path
  fi
  added=$((count - empty))
  budgeted=$(allowed "$header")
  took='' note=''
  if [[ $header != */*/* ]]; then
    took=$(seconds <<<"#include <$header>")
  fi
  if ((added > budgeted)); then
    note='  OVER BUDGET'
    over=$((over + gate))
  fi
  printf '%8d %8d %8s  %s%s\n' "$added" "$budgeted" "$took" "$header" "$note"
done < <(cd "$include" && find . -name '*.hpp' | sed 's|^\./||' | sort)
exit $((over > 0))
