#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# testssl.sh TORONC: what testssl.sh has to say about both presets, with an ECDSA and an RSA certificate. Nothing above LOW but about the
# certificates themselves, which are made here and which nobody trusts. Takes some minutes. The last line is "N passed, N failed".
set -u
toronc=${1:-${TORONC:-toronc}}
peer=$(command -v testssl || command -v testssl.sh) || {
	echo "skipped: testssl.sh is not installed"
	echo "0 passed, 0 failed"
	exit 0
}
work=$(mktemp -d) || exit 2
gateway=
trap '[ -z "$gateway" ] || kill "$gateway"; rm -rf "$work"' EXIT
passed=0 failed=0

# certificate NAME OPTION...: for localhost, signed by an authority of this run.
certificate()
{
	name=$1
	shift
	openssl req -new -newkey "$@" -nodes -keyout "$work/$name.key" -subj /CN=localhost -out "$work/request" 2> "$work/errors" &&
		openssl x509 -req -in "$work/request" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 30 \
			-extfile "$work/extensions" -out "$work/$name.pem" 2>> "$work/errors" || { cat "$work/errors"; exit 2; }
}

echo "subjectAltName=DNS:localhost" > "$work/extensions"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/ca.key" -subj "/CN=Test CA" -days 30 \
	-out "$work/ca.pem" 2> "$work/errors" || { cat "$work/errors"; exit 2; }
certificate ecdsa ec -pkeyopt ec_paramgen_curve:P-256
certificate rsa rsa:2048
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

for preset in intermediate modern; do
	cat > "$work/gateway.yaml" <<-END
		certificates:
		  ecdsa: {cert: $work/ecdsa.pem, key: $work/ecdsa.key}
		  rsa: {cert: $work/rsa.pem, key: $work/rsa.key}
		listeners:
		  - {protocol: https, address: 127.0.0.1, port: $port, tls: {certificates: [ecdsa, rsa], preset: $preset}, hsts: {max_age: 365d}}
		routes:
		  - respond: {headers: {content-security-policy: "default-src 'none'", x-frame-options: DENY, x-content-type-options: nosniff}, body: hello}
	END
	"$toronc" "$work/gateway.yaml" -o "$work/gateway" || exit 2
	"$work/gateway" > "$work/gateway.log" 2>&1 &
	gateway=$!
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		curl -ks -o "$work/answer" "https://127.0.0.1:$port/" && break
		sleep 1
	done
	rm -f "$work/$preset.json"
	"$peer" --quiet --color 0 --warnings off --nodns none --ip 127.0.0.1 --severity MEDIUM --jsonfile "$work/$preset.json" \
		"https://localhost:$port/" > "$work/$preset.text" 2>&1 < /dev/null
	python3 - "$preset" "$work/$preset.json" <<-'END'
		import json, sys
		preset, path = sys.argv[1:]
		found = json.load(open(path))
		found = found if isinstance(found, list) else found["scanResult"]
		# What is said of these certificates, and what follows from that nobody trusts them. WARN is what testssl.sh itself cannot do.
		own = ("cert_", "DNS_CAArecord", "overall_grade", "grade_cap", "final_score")
		bad = [f for f in found if f["severity"] in ("MEDIUM", "HIGH", "CRITICAL", "FATAL") and not f["id"].startswith(own)]
		for f in found:
		    print("%s: %s %s: %s" % (preset, f["severity"], f["id"], f["finding"]))
		# It always has something to say of these certificates, once it has got as far as that.
		done = [f for f in found if f["id"].startswith("cert_chain_of_trust")]
		sys.exit(1 if bad or len(done) != 2 else 0)
	END
	if [ $? -eq 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		tail -n 40 "$work/$preset.text"
	fi
	kill "$gateway"
	wait "$gateway"
	gateway=
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
