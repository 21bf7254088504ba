#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# certificates.sh [FOLDER]: an authority of one's own and what it signs, for the example, in FOLDER/certs (default: beside this script).
set -eu
cd "${1:-$(dirname "$0")}"
mkdir -p certs
cd certs

# issue NAME SUBJECT EXTENSION: a P-256 key, and a certificate for 90 days.
issue()
{
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -subj "$2" -out "$1.request"
	printf '%s\n' "basicConstraints=CA:FALSE" "$3" > "$1.extensions"
	openssl x509 -req -in "$1.request" -CA ca.pem -CAkey ca.key -CAcreateserial -days 90 -extfile "$1.extensions" -out "$1.pem"
	rm "$1.request" "$1.extensions"
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -subj "/CN=Example CA" -days 365 \
	-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign -out ca.pem
issue site "/CN=localhost" "subjectAltName=DNS:localhost,IP:127.0.0.1"
issue edge "/O=Example/CN=edge" "extendedKeyUsage=clientAuth"
