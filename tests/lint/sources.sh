#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Every file of the tree stands in the list of a Makefile.inc, and every listed file exists. With --update the lists are rewritten.
set -u
LC_ALL=C
export LC_ALL
cd "${TORON_SRCDIR:-$(dirname "$0")/../..}" || exit 2
update=no
[ "${1:-}" != --update ] || update=yes
work=$(mktemp -d) || exit 2
# Verdicts go to a file: each verify is the end of a pipe, and so a process of its own.
: > "$work/verdicts"
trap 'rm -rf "$work"' EXIT

# list FRAGMENT VARIABLE: the files of the list, one a line.
list()
{
	awk -v name="$2" '
		$1 == name && $2 == "=" { on = 1; sub(/^[^=]*=/, "") }
		on { more = /\\$/; sub(/\\$/, ""); for (i = 1; i <= NF; i++) print $i; if (!more) on = 0 }' "$1"
}

# rewrite FRAGMENT VARIABLE FILES
rewrite()
{
	awk -v name="$2" -v files="$3" '
		$1 == name && $2 == "=" {
			printf "%s =", name
			while ((getline line < files) > 0) printf " \\\n\t%s", line
			printf "\n"
			skip = /\\$/
			next
		}
		skip { skip = /\\$/; next }
		{ print }' "$1" > "$work/fragment" && cat "$work/fragment" > "$1"
}

# verify FRAGMENT VARIABLE: the expected list is standard input.
verify()
{
	sort > "$work/want"
	list "$1" "$2" | sort > "$work/have"
	if cmp -s "$work/want" "$work/have"; then
		echo passed >> "$work/verdicts"
	elif [ $update = yes ]; then
		rewrite "$1" "$2" "$work/want"
		echo passed >> "$work/verdicts"
		echo "$1: $2 rewritten"
	else
		echo failed >> "$work/verdicts"
		comm -23 "$work/want" "$work/have" | sed "s|^|$1: $2 lacks |"
		comm -13 "$work/want" "$work/have" | sed "s|^|$1: $2 names what is not there: |"
	fi
}

# files FOLDER NAME...: the files below a folder whose names match one of the patterns.
files()
{
	top=$1
	shift
	for name in "$@"; do
		find "$top" -name __pycache__ -prune -o -type f -name "$name" ! -name Makefile.inc ! -name '*.o' -print
	done
}

to_gen() { sed 's|\.[a-z0-9]*$|.c|; s|^|gen/|'; }

inc=runtime/Makefile.inc
files runtime/base '*.c' | verify $inc BASE_C
files runtime '*.c' | grep -v -e '^runtime/base/' -e '_stub\.c$' | verify $inc RUNTIME_C
files runtime '*.h' '*.def' | grep -v '^runtime/include/' | verify $inc RUNTIME_H
files runtime/include/toron '*.h' '*.def' | verify $inc ABI_H
files runtime '*.re' | verify $inc RUNTIME_RE
files runtime '*.y' | verify $inc RUNTIME_Y
files runtime '*.re' '*.y' | to_gen | verify $inc RUNTIME_GEN

inc=compiler/Makefile.inc
files compiler '*.c' | grep -v '^compiler/cli/main\.c$' | verify $inc COMPILER_C
files compiler '*.h' '*.def' | verify $inc COMPILER_H
files compiler '*.re' | verify $inc COMPILER_RE
files compiler '*.y' | verify $inc COMPILER_Y
files compiler '*.re' '*.y' | to_gen | verify $inc COMPILER_GEN

files schemas '*.json' | verify schemas/Makefile.inc SCHEMAS
files templates '*.in' | verify templates/Makefile.inc TEMPLATES
files examples '*' | verify examples/Makefile.inc EXAMPLES
find docs -maxdepth 1 -type f ! -name Makefile.inc ! -name toronc.1 | verify docs/Makefile.inc DOCS
files docs/adr '*' | verify docs/Makefile.inc ADRS
files docs/config '*' | verify docs/Makefile.inc CONFIG_DOCS
files tests/unit '*.c' | verify tests/Makefile.inc UNIT_C
files tests/unit '*.h' | verify tests/Makefile.inc UNIT_H
files tests/stage '*.c' | verify tests/Makefile.inc STAGE_C
files tests/stage '*.h' | verify tests/Makefile.inc STAGE_H

passed=$(grep -c passed "$work/verdicts")
failed=$(grep -c failed "$work/verdicts")
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
