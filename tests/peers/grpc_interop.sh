#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# grpc_interop.sh TORONC: gRPC's published interoperability cases, with Go's client and server on either side of a gateway, in clear text and over TLS.
# The last line is "N passed, N failed".
set -u
toronc=${1:-${TORONC:-toronc}}
if ! command -v grpc-interop-client > /dev/null || ! command -v grpc-interop-server > /dev/null; then
	echo "skipped: Go's interoperability client and server are not installed"
	echo "0 passed, 0 failed"
	exit 0
fi
work=$(mktemp -d) || exit 2
gateway='' server=''
trap '[ -z "$gateway" ] || kill "$gateway"; [ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
passed=0 failed=0
port()
{
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/site.key" -subj /CN=localhost \
	-addext subjectAltName=DNS:localhost -days 30 -out "$work/site.pem" 2> "$work/errors" || { cat "$work/errors"; exit 2; }
back=$(port) plain=$(port) secure=$(port)
cat > "$work/gateway.yaml" <<-END
	certificates:
	  site: {cert: $work/site.pem, key: $work/site.key}
	listeners:
	  - {protocol: http, address: 127.0.0.1, port: $plain}
	  - {protocol: https, address: 127.0.0.1, port: $secure, tls: {certificates: [site]}}
	backends:
	  interop: {url: "http://127.0.0.1:$back", protocol: h2}
	routes:
	  - {match: {grpc: {}}, backend: interop}
END
"$toronc" "$work/gateway.yaml" -o "$work/gateway" || exit 2
grpc-interop-server -port "$back" > "$work/server.log" 2>&1 &
server=$!
"$work/gateway" > "$work/gateway.log" 2>&1 &
gateway=$!

# call PORT CASE OPTION...
call()
{
	to=$1 name=$2
	shift 2
	timeout 60 grpc-interop-client -server_host localhost -server_port "$to" -test_case "$name" "$@" > "$work/client.log" 2>&1
}

for _ in 1 2 3 4 5 6 7 8 9 10; do
	call "$plain" empty_unary && break
	sleep 1
done
for name in empty_unary large_unary client_streaming server_streaming ping_pong empty_stream cancel_after_begin \
	cancel_after_first_response timeout_on_sleeping_server status_code_and_message special_status_message custom_metadata \
	unimplemented_method unimplemented_service; do
	for options in "$plain" "$secure -use_tls -use_test_ca -ca_file $work/site.pem"; do
		# shellcheck disable=SC2086
		set -- $options
		to=$1
		shift
		if call "$to" $name "$@"; then
			passed=$((passed + 1))
		else
			failed=$((failed + 1))
			echo "$name $*:"
			tail -n 5 "$work/client.log" "$work/gateway.log"
		fi
	done
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
