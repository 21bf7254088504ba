#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# run.sh SECONDS [TARGET...]: builds fuzz targets with ASan and UBSan and runs each for that much CPU time with clang's libFuzzer; 0 only
# replays their corpora, for which the C compiler at hand will do. What is found stays in $TORON_BUILDDIR/fuzz; the corpora in the
# sources are not written to. The last line is "N passed, N failed".
set -u
seconds=$1
shift
source=$(cd "$(dirname "$0")/../.." && pwd)
gen=$(cd "${TORON_BUILDDIR:-.}" && pwd)/gen
build=${TORON_BUILDDIR:-.}/fuzz
mkdir -p "$build/crashes" || exit 2
build=$(cd "$build" && pwd)
passed=0 failed=0
flags="-std=gnu17 -D_GNU_SOURCE -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
	-I$source/compiler -I$source/runtime -I$source/runtime/include -I$gen/compiler -I$gen/runtime -include base/banned.h
	-DSCHEMA_DIR=\"$source/schemas\" -DTEMPLATE_DIR=\"$source/templates\""
if [ "$seconds" -eq 0 ]; then
	cc=${CC:-cc} cover= driver=$source/tests/fuzz/replay.c
else
	cc=${CLANG:-clang} cover=-fsanitize=fuzzer-no-link driver=-fsanitize=fuzzer
fi

# Everything of these folders that is C as it stands, into $list; what is up to date stays.
objects()
{
	for file in $(cd "$source" && find "$@" -name '*.c' ! -name '*_stub.c' | sort); do
		object=$build/o-$cc/$file.o
		list="$list $object"
		[ -z "$headers" ] || [ ! -f "$object" ] || [ "$headers" -ot "$object" ] || rm -f "$object"
		[ "$object" -nt "$source/$file" ] && continue
		mkdir -p "${object%/*}"
		# shellcheck disable=SC2086
		$cc $flags $cover -c -o "$object" "$source/$file" || return 1
	done
}

# The parsers that the build has generated, and the schemas it has embedded.
generated()
{
	for file in $(find "$gen" -name '*.c' | grep -v /cli/ | sort); do
		object=$build/o-$cc/gen/${file#"$gen"/}.o
		list="$list $object"
		[ "$object" -nt "$file" ] && continue
		mkdir -p "${object%/*}"
		# shellcheck disable=SC2086
		$cc $flags -w $cover -c -o "$object" "$file" || return 1
	done
}

# The youngest header.
headers=$(find "$source/runtime" "$source/compiler" \( -name '*.h' -o -name '*.def' \) -exec ls -t {} + | sed -n 1p)

# used PID: the CPU time in seconds that a process has used, or nothing once it is gone.
used()
{
	sed 's/.*) //' "/proc/$1/stat" 2> /dev/null | awk -v hz="$(getconf CLK_TCK)" '$1 != "Z" { printf "%d", ($12 + $13) / hz }'
}

# for_cpu COMMAND...: a fuzzer for $seconds of CPU time, however busy the machine is; one that waits instead of working is given up.
for_cpu()
{
	waited=0
	"$@" &
	pid=$!
	while cpu=$(used $pid) && [ -n "$cpu" ] && [ "$cpu" -lt "$seconds" ] && [ $waited -lt $((seconds * 40 + 120)) ]; do
		sleep 1
		waited=$((waited + 1))
	done
	# libFuzzer ends in peace.
	[ -z "$cpu" ] || kill -USR1 $pid
	wait $pid
	code=$?
	echo "Done: $cpu s of CPU time in $waited s"
	[ $code -eq 0 ] && [ -n "$cpu" ] && [ "$cpu" -ge "$seconds" ]
}

# What play.h takes over.
stage=-Wl,--wrap=socket,--wrap=connect,--wrap=getsockopt,--wrap=clock_gettime,--wrap=epoll_wait

# one NAME: 0 when it ran without a finding.
one()
{
	list= more=
	objects runtime/base || return 1
	case $1 in
	check | json | subst | toml | yaml) ;;
	*)
		objects runtime/loop runtime/net runtime/tls runtime/http runtime/codec runtime/route runtime/mw runtime/backend runtime/auth ||
			return 1 ;;
	esac
	case $1 in
	exchange) more=$stage ;;
	h2) more=$stage,--wrap=route_find ;;
	grpc | ws) more=-Wl,--wrap=clock_gettime,--wrap=epoll_wait ;;
	regex | matcher) objects compiler/automata compiler/base || return 1 ;;
	pcre)
		objects compiler/automata compiler/base || return 1
		more=-lpcre2-8 ;;
	uri) objects compiler/automata compiler/base compiler/prove/normal.c || return 1 ;;
	json | subst | toml | yaml)
		objects compiler/base compiler/diag compiler/tree && generated || return 1
		more=-lyaml ;;
	check | pki)
		# shellcheck disable=SC2046
		objects $(cd "$source" && ls -d compiler/*/ | grep -v cli) && generated || return 1
		more=-lyaml
		[ "$1" != pki ] || more="$more -Wl,--wrap=gnutls_certificate_get_peers" ;;
	esac
	# shellcheck disable=SC2086
	$cc $flags $driver $more -o "$build/$1" "$source/tests/fuzz/fuzz_$1.c" $list -l:libev.a -lcares -ljansson -lgnutls -lnghttp2 -lnettle \
		-lhogweed -lgmp -lm || return 1
	if [ "$seconds" -eq 0 ]; then
		find "$source/tests/fuzz/corpus/$1" -type f -exec timeout 300 "$build/$1" {} +
		return
	fi
	mkdir -p "$build/new-$1"
	for_cpu "$build/$1" -artifact_prefix="$build/crashes/$1-" -timeout=60 -rss_limit_mb=2048 "$build/new-$1" \
		"$source/tests/fuzz/corpus/$1"
}

# shellcheck disable=SC2046
[ $# -gt 0 ] || set -- $(cd "$source/tests/fuzz" && ls fuzz_*.c | sed 's/^fuzz_//; s/\.c$//')
for name in "$@"; do
	case $name in
	check | json | pki | subst | toml | yaml)
		if [ ! -d "$gen" ]; then
			echo "skipped: $name needs the generated parsers of a build ($gen)"
			continue
		fi ;;
	esac
	if [ "$name" = pcre ] && ! echo '#include <pcre2.h>' | ${CC:-cc} -DPCRE2_CODE_UNIT_WIDTH=8 -E - > /dev/null 2>&1; then
		echo "skipped: pcre needs PCRE2 (libpcre2-dev)"
		continue
	fi
	if one "$name" > "$build/$name.log" 2>&1; then
		passed=$((passed + 1))
		echo "ok   $name: $(grep -E '^Done|^Executed' "$build/$name.log" | tail -n 1)"
	else
		failed=$((failed + 1))
		echo "FAIL $name"
		tail -n 60 "$build/$name.log"
	fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
