#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# chromium.sh TORONC: a browser loads a page and its script from https gateways of both presets. The last line is "N passed, N failed".
set -u
toronc=${1:-${TORONC:-toronc}}
peer=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
	echo "skipped: chromium is not installed"
	echo "0 passed, 0 failed"
	exit 0
}
work=$(mktemp -d) || exit 2
gateway=
trap '[ -z "$gateway" ] || kill "$gateway"; rm -rf "$work"' EXIT
passed=0 failed=0

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/site.key" -subj /CN=localhost \
	-addext subjectAltName=DNS:localhost -days 30 -out "$work/site.pem" 2> "$work/errors" || { cat "$work/errors"; exit 2; }
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

for preset in intermediate modern; do
	cat > "$work/gateway.yaml" <<-END
		certificates:
		  site: {cert: $work/site.pem, key: $work/site.key}
		listeners:
		  - {protocol: https, address: 127.0.0.1, port: $port, tls: {certificates: [site], preset: $preset}}
		routes:
		  - match: {path: {exact: /}}
		    respond: {headers: {content-type: text/html}, body: "<p id=p>no script</p><script src=/script.js></script>"}
		  - match: {path: {exact: /script.js}}
		    respond: {headers: {content-type: text/javascript}, body: "document.getElementById('p').textContent = 'loaded by \${tls.version}'"}
	END
	"$toronc" "$work/gateway.yaml" -o "$work/gateway" || exit 2
	"$work/gateway" > "$work/gateway.log" 2>&1 &
	gateway=$!
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		curl -ks -o "$work/answer" "https://127.0.0.1:$port/" && break
		sleep 1
	done
	timeout 120 "$peer" --headless --no-sandbox --disable-gpu --ignore-certificate-errors --disable-background-networking \
		--user-data-dir="$work/profile-$preset" --virtual-time-budget=20000 --dump-dom "https://localhost:$port/" \
		> "$work/dom" 2> "$work/browser.log"
	if grep -q "loaded by TLSv1.3" "$work/dom"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$preset: the page is"
		cat "$work/dom"
		tail -n 20 "$work/browser.log" "$work/gateway.log"
	fi
	kill "$gateway"
	wait "$gateway"
	gateway=
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
