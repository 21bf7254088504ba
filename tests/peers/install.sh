#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# install.sh FOLDER [pip:NAME | npm:NAME | go:NAME ...]: puts peers that come from a package index into FOLDER, for TORON_PEERS; without names, all that the
# scripts of this folder use. pip, npm and go get them from wherever they are configured to.
set -eu
folder=$1
shift
[ $# -gt 0 ] || set -- pip:pre-commit pip:jsonschema npm:yaml-language-server npm:@microsoft/jest-sarif npm:@grpc/grpc-js npm:@grpc/proto-loader \
	npm:grpc-web npm:xhr2 npm:@improbable-eng/grpc-web npm:@improbable-eng/grpc-web-node-http-transport go:h2spec go:grpc-interop
mkdir -p "$folder"
for peer in "$@"; do
	case $peer in
	pip:*)
		[ -d "$folder/venv" ] || python3 -m venv "$folder/venv"
		"$folder/venv/bin/pip" install -q "${peer#pip:}" ;;
	npm:*)
		npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder" "${peer#npm:}" ;;
	go:h2spec)
		[ -x "$folder/bin/h2spec" ] || GOBIN=$(cd "$folder" && pwd)/bin go install github.com/summerwind/h2spec/cmd/h2spec@latest ;;
	go:grpc-interop)
		for side in client server; do
			[ -x "$folder/bin/grpc-interop-$side" ] || {
				GOBIN=$(cd "$folder" && pwd)/bin go install "google.golang.org/grpc/interop/$side@v1.64.0"
				mv "$folder/bin/$side" "$folder/bin/grpc-interop-$side"
			}
		done ;;
	*)
		echo "install.sh: what is '$peer'?" >&2
		exit 2 ;;
	esac
done
