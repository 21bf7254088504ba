#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# install.sh FOLDER [pip:NAME | npm:NAME ...]: puts peers that come from a package index into FOLDER, for TORON_PEERS; without names, all that the
# scripts of this folder use. pip and npm get them from wherever they are configured to.
set -eu
folder=$1
shift
[ $# -gt 0 ] || set -- pip:pre-commit pip:jsonschema npm:yaml-language-server npm:@microsoft/jest-sarif
mkdir -p "$folder"
for peer in "$@"; do
	case $peer in
	pip:*)
		[ -d "$folder/venv" ] || python3 -m venv "$folder/venv"
		"$folder/venv/bin/pip" install -q "${peer#pip:}" ;;
	npm:*)
		npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder" "${peer#npm:}" ;;
	*)
		echo "install.sh: what is '$peer'?" >&2
		exit 2 ;;
	esac
done
