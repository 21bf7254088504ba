#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# run.sh [NAME...]: runs the peer tests of this folder (README.md), all or those named, and sums them up. Environment: TORONC, TORON_PEERS,
# TORON_BUILDDIR (default: the working directory). The last line is "N passed, N failed".
set -u
LC_ALL=C.UTF-8
PYTHONDONTWRITEBYTECODE=1
TORON_BUILDDIR=$(cd "${TORON_BUILDDIR:-.}" && pwd) || exit 2
TORON_PEERS=${TORON_PEERS:-$TORON_BUILDDIR/peers}
TORONC=${TORONC:-$TORON_BUILDDIR/toronc}
PATH=$TORON_PEERS/venv/bin:$TORON_PEERS/node_modules/.bin:$TORON_PEERS/bin:$PATH
export LC_ALL PYTHONDONTWRITEBYTECODE TORON_BUILDDIR TORON_PEERS TORONC PATH
here=$(cd "$(dirname "$0")" && pwd)
logs=$TORON_BUILDDIR/tests/logs
mkdir -p "$logs" || exit 2
passed=0 failed=0

# one FILE
one()
{
	name=${1##*/}
	log=$logs/peer_$name.log
	case $name in
	*.py) program=python3 ;;
	*) program=sh ;;
	esac
	timeout -k 10 600 $program "$1" "$TORONC" > "$log" 2>&1 < /dev/null
	code=$?
	line=$(tail -n 1 "$log" | grep -E '^[0-9]+ passed, [0-9]+ failed$')
	if [ -z "$line" ] || { [ $code -ne 0 ] && [ "${line#* passed, 0 failed}" != "$line" ]; }; then
		line="0 passed, 1 failed"
	fi
	echo "$name: $line$([ $code -eq 0 ] || echo ", exit $code")"
	if [ $code -ne 0 ]; then
		tail -n 60 "$log"
	else
		grep '^skipped:' "$log" | head -n 5
	fi
	passed=$((passed + ${line%% *}))
	line=${line#*, }
	failed=$((failed + ${line%% *}))
}

for file in "$here"/*.py "$here"/*.sh; do
	name=${file##*/}
	case $name in
	run.sh | install.sh) continue ;;
	esac
	[ $# -eq 0 ] || case " $* " in
	*" ${name%.*} "*) ;;
	*) continue ;;
	esac
	one "$file"
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
