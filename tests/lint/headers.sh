#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Each header compiles alone, with the include folders that its component has; the ABI headers with nothing but themselves.
set -u
LC_ALL=C
export LC_ALL
cd "${TORON_SRCDIR:-$(dirname "$0")/../..}" || exit 2
passed=0 failed=0
flags="-std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Werror -fsyntax-only -x c"
gen=${TORON_BUILDDIR:-.}/gen

for header in $(find compiler runtime -name '*.h' | sort); do
	case $header in
	runtime/include/*) folders="-Iruntime/include" name=${header#runtime/include/} ;;
	runtime/*) folders="-Iruntime -Iruntime/include -I$gen/runtime" name=${header#runtime/} ;;
	*) folders="-Icompiler -Iruntime -Iruntime/include -I$gen/compiler" name=${header#compiler/} ;;
	esac
	# Twice: the second time #pragma once must make it nothing.
	# shellcheck disable=SC2086
	if message=$(printf '#include "%s"\n#include "%s"\n' "$name" "$name" | ${CC:-cc} $flags $folders - 2>&1); then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$header: does not compile alone: $(echo "$message" | grep -m 1 error)"
	fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
