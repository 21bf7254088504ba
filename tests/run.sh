#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# run.sh STAGE...: runs stages of tests against a build, each bounded in time, and sums up what they passed and failed.
#
#   unit     the Check suites                 golden   configs and their expected diagnostics, plan and C
#   lint     layers, symbols, headers, ...    suites   public data suites, where TORON_DATA holds them
#   e2e      examples compiled, started and driven by curl and others
#   h2spec   tests/peers/h2spec.sh, where h2spec is there
#   fuzz     the corpora of the fuzzers, replayed under sanitizers
#
# Environment: TORON_SRCDIR (default: this checkout), TORON_BUILDDIR (default: the working directory), TORON_TIMES (factor on
# the time limits, for instrumented builds). Logs go to $TORON_BUILDDIR/tests/logs; what failed is shown.
set -u
LC_ALL=C.UTF-8
PYTHONDONTWRITEBYTECODE=1
TORON_SRCDIR=$(cd "${TORON_SRCDIR:-$(dirname "$0")/..}" && pwd) || exit 2
TORON_BUILDDIR=$(cd "${TORON_BUILDDIR:-.}" && pwd) || exit 2
TORONC=${TORONC:-$TORON_BUILDDIR/toronc}
TORON_DATA=${TORON_DATA:-$TORON_SRCDIR/../shared/data}
export LC_ALL PYTHONDONTWRITEBYTECODE TORON_SRCDIR TORON_BUILDDIR TORONC TORON_DATA
logs=$TORON_BUILDDIR/tests/logs
mkdir -p "$logs" || exit 2
sum_passed=0 sum_failed=0

# run NAME SECONDS COMMAND...: one program whose last line is "N passed, N failed". Without such a line it counts as one failure.
run()
{
	name=$1 seconds=$(($2 * ${TORON_TIMES:-1}))
	shift 2
	log=$logs/$(echo "$name" | tr '/ ' '__').log
	started=$(date +%s)
	timeout -k 10 "$seconds" "$@" > "$log" 2>&1 < /dev/null
	code=$?
	took=$(($(date +%s) - started))
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
	passed=${line%% passed*}
	failed=$(echo "$line" | sed 's/.* passed, \([0-9]*\) failed.*/\1/')
	why=
	if [ -z "$line" ] && [ $code -eq 0 ] && grep -q 'nothing was tested' "$log"; then
		passed=0 failed=0 why=", $(grep -m 1 'nothing was tested' "$log")"
	elif [ -z "$line" ]; then
		passed=0 failed=1 why=", no result line"
	elif [ $code -ne 0 ] && [ "$failed" -eq 0 ]; then
		failed=1
	fi
	[ $code -ne 124 ] && [ $code -ne 137 ] || why=", stopped after $seconds s"
	[ $code -eq 0 ] || why="$why, exit $code"
	echo "$name: $passed passed, $failed failed in $took s$why"
	if [ "$failed" -ne 0 ] || [ $code -ne 0 ]; then
		echo "---- the end of $log"
		tail -n 60 "$log"
		echo "----"
	else
		grep -iE '^(skipped|note):' "$log" | head -n 20
	fi
	sum_passed=$((sum_passed + passed))
	sum_failed=$((sum_failed + failed))
}

stage()
{
	case $1 in
	unit)
		for program in unit stage; do
			if [ -x "$TORON_BUILDDIR/tests/$program/$program" ]; then
				# Each test is a fork: a big quarantine of freed memory would be copied and searched a thousand times.
				run $program 300 env CK_TIMEOUT_MULTIPLIER="${TORON_TIMES:-1}" \
					ASAN_OPTIONS="quarantine_size_mb=8:${ASAN_OPTIONS:-}" "$TORON_BUILDDIR/tests/$program/$program"
			else
				echo "unit: tests/$program/$program is not there (make it; without Check, configure leaves it out: apt-get install check)"
				[ -z "${TORON_COMPLETE:-}" ] || sum_failed=$((sum_failed + 1))
			fi
		done ;;
	lint)
		for file in "$TORON_SRCDIR"/tests/lint/*.sh; do
			run "lint/${file##*/}" 180 sh "$file"
		done
		for file in "$TORON_SRCDIR"/tests/lint/*.py; do
			run "lint/${file##*/}" 180 python3 "$file"
		done ;;
	golden)
		run golden 300 python3 "$TORON_SRCDIR/tests/golden/run.py" "$TORONC" --codes "$TORON_SRCDIR/compiler/diag/diag.def" ;;
	suites)
		if [ -d "$TORON_DATA" ]; then
			for file in "$TORON_SRCDIR"/tests/suites/*.py; do
				[ -f "$file" ] || continue
				run "suites/${file##*/}" 300 python3 "$file" "$TORONC"
			done
		else
			echo "suites: skipped, the public data suites are not here ($TORON_DATA)"
		fi ;;
	h2spec)
		run h2spec 600 sh "$TORON_SRCDIR/tests/peers/h2spec.sh" "$TORONC" ;;
	fuzz)
		run fuzz/replay 600 sh "$TORON_SRCDIR/tests/fuzz/run.sh" 0 ;;
	e2e)
		dynamic=
		! grep -q '^static=no' "$TORON_BUILDDIR/toolchain.conf" || dynamic=--dynamic
		# shellcheck disable=SC2086
		run e2e 800 python3 "$TORON_SRCDIR/tests/e2e/run.py" "$TORONC" --jobs 3 --slow "${TORON_TIMES:-1}" $dynamic \
			${TORON_E2E_SKIP:+--skip $TORON_E2E_SKIP} ${TORON_E2E_KEEP:+--keep $TORON_E2E_KEEP}
		# Programs of their own, each with TORONC as its argument. They judge what an ordinary build does and says.
		if [ -n "$dynamic" ]; then
			echo "e2e/*_test.py: skipped, gateways of this build are not static"
		else
			for file in "$TORON_SRCDIR"/tests/e2e/*_test.py; do
				[ -f "$file" ] || continue
				run "e2e/${file##*/}" 300 python3 "$file" "$TORONC"
			done
		fi ;;
	*)
		echo "run.sh: no stage '$1'" >&2
		exit 2 ;;
	esac
}

for one in "$@"; do
	stage "$one"
done
echo "$sum_passed passed, $sum_failed failed"
[ $sum_failed -eq 0 ] && [ $sum_passed -gt 0 ]
