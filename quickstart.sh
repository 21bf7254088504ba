#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# From a checkout to a running gateway: installs what is missing (Debian 12 or 13, as root or with sudo), builds toron in ./build, compiles
# examples/quickstart/gateway.yaml, starts the gateway and sends requests through it. It then serves until Ctrl-C;
# with --once it stops after the requests.
set -u
LC_ALL=C
export LC_ALL

once=no
case ${1:-} in
'') ;;
--once) once=yes ;;
*)
	echo "usage: sh quickstart.sh [--once]"
	[ "$1" = --help ]
	exit ;;
esac

cd "$(dirname "$0")" || exit 1
. ./scripts/setup.sh

# shellcheck disable=SC2086
need $BUILD_PACKAGES curl
find_folders
say "building toron in $BUILD (a minute or two the first time)"
build_in "$BUILD" || die "the build failed; its logs are in $BUILD"
toronc=$BUILD/toronc
"$toronc" --version || exit 1

# free_port PORT: the first one from PORT on that nobody answers at. 7 is curl's "connection refused".
free_port()
{
	port=$1
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		curl -s -o "$BUILD/quickstart.probe" --max-time 2 "http://127.0.0.1:$port/" > /dev/null 2>&1
		if [ $? -eq 7 ]; then
			echo "$port"
			return 0
		fi
		port=$((port + 1))
	done
	return 1
}
PORT=$(free_port 8080) || die "ports 8080 to 8099 are all taken"
DEMO_PORT=$(free_port 9000) || die "ports 9000 to 9019 are all taken"
rm -f "$BUILD/quickstart.probe"
defines=
[ "$PORT" = 8080 ] || defines="-D PORT=$PORT"
[ "$DEMO_PORT" = 9000 ] || defines="$defines -D DEMO_PORT=$DEMO_PORT"

say "compiling a gateway"
echo "\$ toronc examples/quickstart/gateway.yaml${defines:+ $defines} -o gateway"
# shellcheck disable=SC2086
(cd "$SOURCE" && "$toronc" examples/quickstart/gateway.yaml $defines -o "$BUILD/gateway") || die "toronc failed"
ls -l "$BUILD/gateway"

say "starting it on http://127.0.0.1:$PORT (log: $BUILD/gateway.log)"
"$BUILD/gateway" > "$BUILD/gateway.log" 2>&1 &
gateway=$!
stop()
{
	kill -TERM $gateway 2> /dev/null
	wait $gateway
}
trap 'stop; exit 130' INT
trap 'stop; exit 143' TERM HUP
tries=0
until curl -s -o /dev/null --max-time 2 "http://127.0.0.1:$PORT/hello"; do
	tries=$((tries + 1))
	if [ $tries -gt 50 ] || ! kill -0 $gateway 2> /dev/null; then
		cat "$BUILD/gateway.log" >&2
		stop
		die "the gateway did not start"
	fi
	sleep 0.1
done

wrong=0
# show STATUS TEXT CURL-ARGUMENT...: sends a request, shows the answer, and sees to it that it is the one that was meant.
show()
{
	want=$1 text=$2
	shift 2
	printf '\n$ curl -i'
	for word in "$@"; do
		case $word in
		*[!A-Za-z0-9_./:=-]*) printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
	printf '\n'
	answer=$(curl -sS -i --max-time 10 "$@" 2>&1)
	printf '%s\n' "$answer"
	case $answer in
	"HTTP/1.1 $want"*"$text"*) ;;
	*)
		echo "^^^ this should have been a $want with '$text'" >&2
		wrong=$((wrong + 1)) ;;
	esac
}

url=http://127.0.0.1:$PORT
say "requests"
show 200 "hello from toron" "$url/hello"
show 200 "/api/users/7" "$url/api/users/7?full=yes"
show 200 "x-gateway" -X POST -d '{"name":"ada"}' -H "content-type: application/json" "$url/api/users"
show 308 "/api/old/page" "$url/old/page"
show 405 "" -X DELETE "$url/api/users/7"
show 404 "" "$url/nowhere"

printf '\n$ for i in 1 2 3 4 5; do curl -s -o /dev/null -w %s %s; done   # three at once, then 429\n' "'%{http_code} '" "$url/limited"
codes=$(for _ in 1 2 3 4 5; do curl -s -o /dev/null -w '%{http_code} ' --max-time 10 "$url/limited"; done)
echo "$codes"
case $codes in
"200 200 200 "*429*) ;;
*)
	echo "^^^ this should have been three times 200, then 429" >&2
	wrong=$((wrong + 1)) ;;
esac

say "the gateway's log"
tail -n 4 "$BUILD/gateway.log"

if [ $wrong -ne 0 ]; then
	stop
	die "$wrong answers were not as expected"
fi
if [ $once = yes ]; then
	stop || die "the gateway did not stop cleanly"
	say "done"
	exit 0
fi
say "serving on $url until Ctrl-C; the config is examples/quickstart/gateway.yaml, the compiler $toronc"
wait $gateway
