#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# h2spec.sh TORONC: all cases of h2spec, as they are and with --strict, in clear text and over TLS, against a gateway whose server takes the
# request's body before it answers: where the answer came first, which is allowed, cases that wait for an error would find that in its place.
# The last line is "N passed, N failed".
set -u
toronc=${1:-${TORONC:-toronc}}
PATH=${TORON_PEERS:-${TORON_BUILDDIR:-.}/peers}/bin:$PATH
peer=$(command -v h2spec) || {
	echo "skipped: h2spec is not installed (sh tests/peers/install.sh FOLDER go:h2spec)"
	echo "0 passed, 0 failed"
	exit 0
}
work=$(mktemp -d) || exit 2
gateway= server=
trap '[ -z "$gateway" ] || kill "$gateway"; [ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
passed=0 failed=0

cat > "$work/server.py" <<-'END'
	import http.server, sys

	class Handler(http.server.BaseHTTPRequestHandler):
	    protocol_version = "HTTP/1.1"

	    def answer(self):
	        self.rfile.read(int(self.headers.get("content-length", 0)))
	        if self.headers.get("transfer-encoding") == "chunked":
	            n = -1
	            while n != 0:
	                n = int(self.rfile.readline() or "0", 16)
	                self.rfile.read(n + 2)
	        self.send_response(200)
	        self.send_header("content-length", "5")
	        self.end_headers()
	        if self.command != "HEAD":
	            self.wfile.write(b"hello")

	    do_GET = do_HEAD = do_POST = do_OPTIONS = answer

	    def log_message(self, *_):
	        pass

	with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
	    print(server.server_port, flush=True)
	    server.serve_forever()
END
python3 "$work/server.py" > "$work/server.port" 2> "$work/server.log" &
server=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ ! -s "$work/server.port" ] || break
	sleep 1
done

# shellcheck disable=SC2046
set -- $(python3 -c 'import socket
for s in [socket.socket() for _ in range(2)]: s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
clear=$1 secure=$2
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/key.pem" -subj /CN=localhost -days 30 \
	-addext subjectAltName=DNS:localhost -out "$work/cert.pem" 2> "$work/errors" || { cat "$work/errors"; exit 2; }
cat > "$work/gateway.yaml" <<-END
	certificates: {c: {cert: $work/cert.pem, key: $work/key.pem}}
	listeners:
	  - {protocol: http, address: 127.0.0.1, port: $clear, http_versions: ["2"]}
	  - {protocol: https, address: 127.0.0.1, port: $secure, tls: {certificates: [c]}}
	routes:
	  - backend: {url: "http://127.0.0.1:$(cat "$work/server.port")"}
END
"$toronc" "$work/gateway.yaml" -o "$work/gateway" || exit 2
"$work/gateway" > "$work/gateway.log" 2>&1 &
gateway=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ "$(curl -ks "https://127.0.0.1:$secure/")" != hello ] || break
	sleep 1
done

# cases NAME OPTION...
cases()
{
	name=$1
	shift
	timeout 240 "$peer" -h 127.0.0.1 -o 5 "$@" > "$work/out" 2>&1 < /dev/null
	line=$(grep -E '^[0-9]+ tests, [0-9]+ passed' "$work/out" | tail -n 1)
	echo "$name: ${line:-no result}"
	good=$(echo "$line" | sed -n 's/.* \([0-9]*\) passed.*/\1/p')
	all=$(echo "$line" | sed -n 's/^\([0-9]*\) tests.*/\1/p')
	passed=$((passed + ${good:-0}))
	failed=$((failed + ${all:-1} - ${good:-0}))
	[ -n "$line" ] && [ "$all" = "$good" ] || cat "$work/out"
}

for strict in "" --strict; do
	# shellcheck disable=SC2086
	cases "h2c${strict:+ $strict}" -p "$clear" $strict
	# shellcheck disable=SC2086
	cases "TLS${strict:+ $strict}" -p "$secure" -t -k $strict
done
[ $failed -eq 0 ] || cat "$work/gateway.log"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
