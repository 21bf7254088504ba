#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# `make bench`: what a build costs, and the micro-benchmarks. Figures are printed; only limits that hold on any machine fail.
set -u
: "${TORON_SRCDIR:?}" "${TORON_BUILDDIR:?}" "${TORONC:?}"
failed=0
echo "== from edit to gateway"
timeout 600 python3 "$TORON_SRCDIR/tests/bench/compile.py" "$TORONC" 100 || failed=1
echo "== proxying, beside the peers of this machine"
timeout 3600 python3 "$TORON_SRCDIR/tests/bench/bench.py" "$TORONC" --json bench.json --svg bench.svg || failed=1
for program in "$TORON_BUILDDIR"/tests/bench/bench_*; do
	case $program in
	*.o) continue ;;
	esac
	[ -x "$program" ] || continue
	echo "== ${program##*/}"
	timeout 300 "$program" || failed=1
done
exit $failed
