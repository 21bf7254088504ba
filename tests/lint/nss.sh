#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# A static glibc program must not reach name service, conversion or other modules: it would load those of another release and crash.
# Links the whole runtime the way a static gateway is linked and reads the linker's cross references: nothing of the name service
# switch is in it, what a library asks for is answered by libnssstub.a, and whoever refers to a forbidden function stands
# in tests/lint/nss.txt with a reason.
set -u
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd) || exit 2
top=$(cd "${TORON_SRCDIR:-$here/../..}" && pwd) || exit 2
cd "${TORON_BUILDDIR:-.}" || exit 2

conf() { sed -n "s/^$1=//p" toolchain.conf; }

if [ ! -f toolchain.conf ] || [ ! -f libtoron.a ]; then
	echo "nss: no toolchain.conf and libtoron.a in $(pwd); build first"
	echo "0 passed, 1 failed"
	exit 1
fi
if [ "$(conf static)" != yes ]; then
	echo "skipped: this build makes no static gateways"
	echo "1 passed, 0 failed"
	exit 0
fi
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
echo 'int main(void) { return 0; }' > "$work/main.c"
# The default linker: its cross reference is the one that this reads. A runtime that refers to what generated code
# defines is fine here, hence --unresolved-symbols.
# shellcheck disable=SC2046
if ! $(conf cc) $(conf cflags) -static "$work/main.c" -o "$work/probe" -Wl,--cref -Wl,-Map="$work/map" \
	-Wl,--unresolved-symbols=ignore-all -L. -Wl,--whole-archive -ltoron -Wl,--no-whole-archive $(conf libs_static) \
	> "$work/log" 2>&1; then
	cat "$work/log"
	echo "0 passed, 1 failed"
	exit 1
fi

# SYMBOL MEMBER... : the definer first, then who refers to it.
awk '/^Cross Reference Table/ { on = 1; next }
	!on || NF == 0 { next }
	/^[^ \t]/ { symbol = $1; print symbol, $2; next }
	{ print symbol, $1 }' "$work/map" | sed 's| [^ ]*/| |' > "$work/cref"

"${NM:-nm}" "$work/probe" | awk '$2 ~ /[TtWiV]/ { print $3 }' | sort -u > "$work/have"

passed=0 failed=0
finding()
{
	echo "$1"
	failed=$((failed + 1))
}

# 1. The name service switch itself is not in the binary, so no door to it can be.
for symbol in $(grep -E '^__nss_(module_load|database_get|lookup|action_parse|files_functions|dns_functions)' "$work/have"); do
	finding "$symbol is linked in: something reaches the name service switch"
done
passed=$((passed + 1))

# 2. Each forbidden function that is in it is there for a known referrer.
forbidden='^_*(dlopen|dlsym|__libc_dlopen_mode|getaddrinfo|getnameinfo|gethostby[a-z]*(2|_r|2_r)?|getpw[a-z]+(_r)?|getgr[a-z]+(_r)?|initgroups|getserv[a-z]+(_r)?|getproto[a-z]+(_r)?|iconv_open|setlocale|newlocale)$'
for symbol in $(grep -E "$forbidden" "$work/have"); do
	bare=$(echo "$symbol" | sed 's/^_*//')
	awk -v symbol="$symbol" '$1 == symbol { print $2 }' "$work/cref" | sed 1d | sed 's/(.*//' | sort -u > "$work/who"
	while read -r member; do
		if grep -q "^$bare $member -- " "$here/nss.txt" || [ "$member" = libnssstub.a ]; then
			passed=$((passed + 1))
		else
			finding "$symbol is referred to by $member; see tests/lint/nss.txt"
		fi
	done < "$work/who"
	definer=$(awk -v symbol="$symbol" '$1 == symbol { print $2; exit }' "$work/cref")
	case $symbol:$definer in
	getpw*:libnssstub.a* | getserv*:libnssstub.a* | iconv_open:libnssstub.a*) passed=$((passed + 1)) ;;
	getpw*:* | getgr*:* | getserv*:* | getaddrinfo:* | gethost*:* | initgroups:* | iconv_open:*)
		finding "$symbol comes from ${definer:-libc}, not from a stand-in" ;;
	esac
done

# 3. The C library warns by itself of static users of these functions.
if grep -q 'in statically linked applications requires at runtime' "$work/log"; then
	grep 'in statically linked applications' "$work/log"
	finding "the linker warns of name service functions"
fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
