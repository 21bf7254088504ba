#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Every option and command of toronc stands in the manual page and in the completion of each shell.
set -u
LC_ALL=C
export LC_ALL
cd "${TORON_SRCDIR:-$(dirname "$0")/../..}" || exit 2
passed=0 failed=0

# holds FILE WORD
holds()
{
	if sed 's/\\-/-/g' "$1" | grep -qE -e "(^|[^a-z-])$2([^a-z-]|\$)"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$1: lacks $2"
	fi
}

for option in $(sed -n 's/^\t\[OPTION_[A-Z_]*\] = { "\([a-z-]*\)".*/\1/p' compiler/cli/args.c); do
	for file in docs/toronc.1 completions/toronc completions/_toronc; do
		holds "$file" "--$option"
	done
	holds completions/toronc.fish "-l $option"
done
for command in $(sed -n 's/^\t\[COMMAND_[A-Z_]*\] = { "\([a-z-]*\)".*/\1/p' compiler/cli/args.c); do
	for file in docs/toronc.1 completions/toronc completions/_toronc completions/toronc.fish; do
		holds "$file" "$command"
	done
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
