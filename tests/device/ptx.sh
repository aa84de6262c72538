#!/bin/sh
# SPDX-FileCopyrightText: 2026 the rondo authors
# SPDX-License-Identifier: BSL-1.0
#
# ptx.sh OUT NVCC FLAGS..: compiles the hot kernels and looks at what the compiler made of them. One
# GPU cannot tell a signal of device scope from one of system scope; only the code can.
out=$1
shift
mkdir -p "$out.kept"
"$@" -DHOT_KERNELS_ONLY -cubin -Xptxas -v --keep --keep-dir "$out.kept" -o "$out.cubin" \
  2>"$out.registers" || {
  cat "$out.registers"
  exit 1
}
mv "$out.kept"/*.ptx "$out.ptx"

failed=0
must_not() { # what, pattern, file
  if grep -E "$2" "$3" | head -n 5 | grep .; then
    echo "FAILED: $1"
    failed=1
  fi
}
must() { # what, pattern, least, file
  found=$(grep -cE "$2" "${4:-$out.ptx}")
  echo "$found x $1"
  if [ "$found" -lt "$3" ]; then
    echo "FAILED: $1: expected at least $3"
    failed=1
  fi
}

kernels=$(grep -c '^[[:space:]]*\(.weak \|.visible \)*\.entry' "$out.ptx")
echo "$kernels kernels"
must "signals: release stores of system scope" 'st\.release\.sys' "$kernels"
must "waits: acquire loads of system scope" 'ld\.acquire\.sys' "$kernels"
must "packets: relaxed loads of system scope" 'ld\.relaxed\.sys' 2
must "packets: relaxed stores of system scope" 'st\.relaxed\.sys' 2
must "packs: 16-byte loads" 'ld(\.global)?\.v[24]\.(b|u|f)(32|64)' 8
must "packs: 16-byte stores" 'st(\.global)?\.v[24]\.(b|u|f)(32|64)' 8
awk '/\.entry/ { decodes = /decode_kernel/ } decodes' "$out.ptx" >"$out.decode"
must "codecs: 16-byte stores of values" 'st(\.global)?\.v4' 3 "$out.decode"

# Threads of a warp are 4 bytes apart where they call a user's code for elements, so what one of them
# does next is 128 bytes on; if each had four neighbours, it would be 4.
awk '/\.entry/ { fused = /fused_all_reduce/ } fused' "$out.ptx" >"$out.fused"
must "prologues: loads of a warp side by side" 'ld\.global\.[fbu]32.*\+128\]' 5 "$out.fused"
must "epilogues: stores of a warp side by side" 'st\.global\.[fbu]32.*\+128\]' 5 "$out.fused"

# A look at lines: those of four ranks are under way before the warp votes.
awk '/\.entry/ { lines = /line_packets/ }
     lines && /ld\.relaxed\.sys\.v2/ { if (++looks == 4) print }
     /vote|bar\.warp/ { looks = 0 }' "$out.ptx" >"$out.lines"
must "line_packets: loads of four ranks' lines between two votes" . 1 "$out.lines"

# Bytes go one by one nowhere but at the end of a short last block of a codec.
awk '/\.entry/ { kernel = $0 }
     /[[:space:]](ld|st)(\.global)?\.[usb]8[[:space:]]/ {
       coded = kernel ~ /int8/; store = /[[:space:]]st/; decodes = kernel ~ /decode_kernel/
       if (!coded || (decodes && store) || ++single[kernel] > 48) print
     }' "$out.ptx" >"$out.bytes"
must_not "a value, a scale or a counter that is moved byte by byte" . "$out.bytes"
must_not "a signal narrower than the system" '(ld|st)\.(acquire|release|relaxed)\.(cta|cluster|gpu)' \
  "$out.ptx"
must_not "a volatile access where a scope is meant" '(ld|st)\.volatile' "$out.ptx"
must_not "a load past the coherent caches" 'ld\.global\.nc' "$out.ptx"
must_not "a spilled register" '[1-9][0-9]* bytes (spill|stack)' "$out.registers"
grep -E 'Used [0-9]+ registers' "$out.registers"
[ "$failed" = 0 ] && echo "the kernels are as they should be"
exit $failed
