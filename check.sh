#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs every test: installs what they need (Debian 12 or 13, as root or with sudo), builds, runs the unit tests, the lint, the golden cases,
# the public data suites and the end-to-end tests, then the unit and end-to-end tests with sanitizers. The last line is the
# sum, "N passed, N failed".
set -u
LC_ALL=C
export LC_ALL
cd "$(dirname "$0")" || exit 1
. ./scripts/setup.sh

TEST_PACKAGES="check python3 python3-grpc-tools python3-grpcio python3-h2 python3-httpx python3-prometheus-client python3-protobuf python3-websockets
	curl openssl gnutls-bin haproxy nghttp2-client nghttp2-server nginx strace wrk libpcre2-dev"

# shellcheck disable=SC2086
need $BUILD_PACKAGES $TEST_PACKAGES
data=$(cd .. && pwd)/shared/data
find_folders
TORON_SRCDIR=$SOURCE
TORON_DATA=${TORON_DATA:-$data}
# Where everything was installed, a stage that cannot run is a failure.
TORON_COMPLETE=yes
export TORON_SRCDIR TORON_DATA TORON_COMPLETE
results=$(mktemp) || exit 1
trap 'rm -f "$results"' EXIT

# tests NAME STAGE...: runs stages on the build in $BUILD/NAME. Their sum is the last line, and is kept for the end.
tests()
{
	folder=$BUILD/$1
	shift
	TORON_BUILDDIR=$folder timeout -k 20 2400 sh "$SOURCE/tests/run.sh" "$@" > "$folder/tests.out" 2>&1 < /dev/null
	code=$?
	line=$(tail -n 1 "$folder/tests.out")
	case $line in
	*" passed, "*" failed")
		sed '$d' "$folder/tests.out" ;;
	*)
		cat "$folder/tests.out"
		echo "the tests ended without a result, exit $code"
		line="0 passed, 1 failed" ;;
	esac
	echo "$line" >> "$results"
}

# stage NAME "TEST STAGES" [CONFIGURE OPTION...]
stage()
{
	name=$1 stages=$2
	shift 2
	say "build/$name: ${*:-plain}"
	# shellcheck disable=SC2016
	if ! timeout -k 20 600 sh -c '. ./scripts/setup.sh; folder=$1; shift; SOURCE=$TORON_SRCDIR; build_in "$folder" "$@"' \
		stage "$BUILD/$name" "$@" < /dev/null; then
		echo "$name: does not build"
		echo "0 passed, 1 failed" >> "$results"
		return
	fi
	case $stages in
	*unit*)
		# Without it, the other stages still run, and the stage "unit" fails.
		rm -f "$BUILD/$name/tests/unit/unit" "$BUILD/$name/tests/stage/stage"
		timeout -k 20 300 make -C "$BUILD/$name" -j "$(nproc 2> /dev/null || echo 2)" tests/unit/unit tests/stage/stage \
			> "$BUILD/$name/make-unit.log" 2>&1 || tail -n 40 "$BUILD/$name/make-unit.log" ;;
	esac
	# shellcheck disable=SC2086
	tests "$name" $stages
}

# h2spec is built where there is Go, and left out elsewhere.
TORON_PEERS=${TORON_PEERS:-$BUILD/peers}
export TORON_PEERS
timeout -k 10 300 sh tests/peers/install.sh "$TORON_PEERS" go:h2spec > "$BUILD/peers.log" 2>&1 < /dev/null

stage check "unit lint golden suites e2e h2spec fuzz" --enable-dev-warnings
TORON_TIMES=3
export TORON_TIMES
# Of the matrix's pairs that speak TLS, those that do on both sides stand for the others, which the stage above has all.
# The scenarios of HTTP/1.1 over TLS likewise: those about how bytes come and go.
TORON_E2E_SKIP="test_both_proxy_ test_both_retry_ test_both_h1_conformance_ test_h1s_h1_ test_h1s_h2c_ test_h1s_h2_ test_h2_h1_ test_h2_h1s_ test_h2_h2c_ test_h1_h1s_ test_h1_h2_ test_h2c_h1s_ test_h2c_h2_"
export TORON_E2E_SKIP
stage asan "unit golden e2e" --enable-asan --enable-ubsan --enable-dev-warnings
# The TLS library is not instrumented, so that what TLS is tested with here is about our own threads: the one that loads files anew, and
# the workers that go on with the old ones. What WebSockets do stays within one worker.
TORON_E2E_KEEP="test_renewal_under_load test_shared_ticket_keys test_the_trusted_change"
export TORON_E2E_KEEP
TORON_E2E_SKIP="tls https test_h1s_h1s_ test_h2_h2_ test_matrix_websocket $TORON_E2E_SKIP"
stage tsan "e2e" --enable-tsan --enable-dev-warnings

echo
awk '{ passed += $1; failed += $3 } END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 || passed == 0 }' "$results"
