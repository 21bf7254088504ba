#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Every global symbol begins with a noun of its module: the name of its folder, of a file in that folder (the whole stem or its first
# word, one or many), of a struct or enum that the folder's headers define, or what tests/lint/symbols.txt grants. Looks at the
# objects of the build.
set -u
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd) || exit 2
top=$(cd "${TORON_SRCDIR:-$here/../..}" && pwd) || exit 2
cd "${TORON_BUILDDIR:-.}" || exit 2

objects=$(find . \( -path './compiler/*' -o -path './runtime/*' -o -path './gen/*' \) -name '*.o' | sed 's|^\./||' |
	grep -v -e '_stub\.o$' | sort)
if [ -z "$objects" ]; then
	echo "symbols: no objects in $(pwd); build first"
	echo "0 passed, 1 failed"
	exit 1
fi
# shellcheck disable=SC2086
${NM:-nm} -A -g --defined-only $objects | awk -v data="$here/symbols.txt" -v stems="$(cd "$top" && find compiler runtime -name '*.[chy]' -o -name '*.re')" \
	-v structs="$(cd "$top" && find compiler runtime -name '*.h' -exec grep -HoE '^(struct|enum) [a-z0-9_]+ \{' {} +)" '
	BEGIN {
		n = split(stems, path, "\n")
		for (i = 1; i <= n; i++) {
			m = split(path[i], step, "/")
			folder = path[i]
			sub(/\/[^\/]*$/, "", folder)
			sub(/\..*/, "", step[m])
			split(step[m], first, "_")
			nouns[folder] = nouns[folder] " " step[m] " " first[1]
		}
		n = split(structs, path, "\n")
		for (i = 1; i <= n; i++) {
			m = split(path[i], word, /[: ]+/)
			folder = word[1]
			sub(/\/[^\/]*$/, "", folder)
			nouns[folder] = nouns[folder] " " word[m - 1]
		}
		while ((getline line < data) > 0) {
			sub(/#.*/, "", line)
			n = split(line, word, " ")
			for (i = 2; i <= n; i++)
				granted[word[1]] = granted[word[1]] " " word[i]
		}
	}
	function begins(symbol, noun) { return index(symbol, noun "_") == 1 || symbol == noun }
	# holds(LIST, SYMBOL): SYMBOL begins with a word of LIST, or is that word.
	function holds(list, symbol,    n, i, word) {
		n = split(list, word, " ")
		for (i = 1; i <= n; i++)
			if (begins(symbol, word[i]) || begins(symbol, word[i] "s") ||
				(word[i] ~ /s$/ && begins(symbol, substr(word[i], 1, length(word[i]) - 1))))
				return 1
		return 0
	}
	{
		split($1, part, ":")
		source = part[1]
		symbol = $NF
		# Instrumentation and the compiler have names of their own.
		if (symbol ~ /^_/ || symbol == "main" || symbol ~ /\./)
			next
		sub(/^gen\//, "", source)
		sub(/\.o$/, ".c", source)
		n = split(source, step, "/")
		list = ""
		folder = ""
		for (i = 1; i < n; i++) {
			folder = folder (i > 1 ? "/" : "") step[i]
			if (i > 1)
				list = list " " step[i]
			list = list granted[folder]
		}
		list = list nouns[folder] granted[source]
		if (holds(list, symbol))
			passed++
		else {
			failed++
			print source ": " symbol " does not begin with a noun of " folder
		}
	}
	END {
		printf "%d passed, %d failed\n", passed, failed
		exit failed > 0 || passed == 0
	}'
