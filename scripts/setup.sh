# SPDX-License-Identifier: MIT OR Apache-2.0
# What quickstart.sh and check.sh share: installing what is missing, and building out of tree. Sourced, after `cd` to the checkout.
# shellcheck shell=sh

BUILD_PACKAGES="gcc libc6-dev make autoconf automake pkgconf re2c lemon lld libyaml-dev libev-dev libc-ares-dev libjansson-dev
	libgnutls28-dev nettle-dev libgmp-dev libtasn1-6-dev libidn2-dev libunistring-dev libp11-kit-dev libnghttp2-dev zlib1g-dev"

say() { printf '\n== %s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# as_root COMMAND...
as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo > /dev/null 2>&1; then
		sudo "$@"
	else
		die "this needs root, and there is no sudo: $*"
	fi
}

# need PACKAGE...: installs those that are not there.
need()
{
	missing=
	if ! command -v dpkg-query > /dev/null 2>&1; then
		echo "Not a Debian system: please see to it yourself that these are installed, or what they are called here:"
		echo "$@" | fold -s -w 100
		return 0
	fi
	for package in "$@"; do
		case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null) in
		installed) ;;
		*) missing="$missing $package" ;;
		esac
	done
	[ -n "$missing" ] || return 0
	say "installing:$missing"
	log=$(mktemp) || exit 1
	# The package lists are fetched only if it does not go without.
	# shellcheck disable=SC2086
	if ! apt_get install $missing > "$log" 2>&1 &&
		! { apt_get update > "$log" 2>&1 && apt_get install $missing >> "$log" 2>&1; }; then
		tail -n 20 "$log" >&2
		die "apt-get could not install:$missing (all of its output: $log)"
	fi
	rm -f "$log"
}

# The services that come with some packages (nginx, haproxy) are not started: Debian's policy-rc.d says no while this runs.
apt_get()
{
	word=$1
	shift
	# shellcheck disable=SC2016
	as_root env DEBIAN_FRONTEND=noninteractive sh -c '
		policy=/usr/sbin/policy-rc.d
		if [ ! -e "$policy" ]; then
			trap "rm -f $policy" EXIT
			trap "exit 130" INT
			trap "exit 143" TERM HUP
			printf "#!/bin/sh\nexit 101\n" > "$policy" && chmod 755 "$policy"
		fi
		apt-get -q -y -o DPkg::Lock::Timeout=120 "$@"' sh "$word" ${1:+--no-install-recommends} "$@"
}

# Sets SOURCE to a folder where configure can be made and run, and BUILD to where builds go. That is this checkout, unless it cannot
# be written or its path has characters that make cannot stand.
find_folders()
{
	SOURCE=$(pwd -P)
	BUILD=$SOURCE/build
	case $SOURCE in
	*[!A-Za-z0-9_./+,@%:=-]*) ;;
	*) if mkdir -p "$BUILD" 2> /dev/null && [ -w "$SOURCE" ] && [ -w "$BUILD" ]; then
		return 0
	fi ;;
	esac
	# The same folder the next time, and nobody else's.
	SCRATCH=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/toron-build
	if ! mkdir -p "$SCRATCH" 2> /dev/null || [ ! -w "$SCRATCH" ]; then
		SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/toron.XXXXXX") || exit 1
	fi
	rm -rf "$SCRATCH/source"
	mkdir -p "$SCRATCH/source" "$SCRATCH/build" || exit 1
	tar cf - --exclude=./.git --exclude=./build . | (cd "$SCRATCH/source" && tar xf -) || exit 1
	SOURCE=$SCRATCH/source
	BUILD=$SCRATCH/build
	echo "$(pwd) cannot be written, or has a name that make cannot stand; building in $BUILD"
}

# logged LOG COMMAND...: quiet unless it fails.
logged()
{
	log=$1
	shift
	if ! "$@" > "$log" 2>&1; then
		tail -n 40 "$log" >&2
		return 1
	fi
}

# build_in FOLDER [CONFIGURE OPTION...]: configures where that is new or has changed, and makes.
build_in()
{
	folder=$1
	shift
	mkdir -p "$folder" || return 1
	# An unpacked release has its configure; a checkout makes it, and again when an input is newer.
	if [ ! -f "$SOURCE/configure" ] || [ -n "$(find "$SOURCE/configure.ac" "$SOURCE/Makefile.am" "$SOURCE/VERSION" \
		"$SOURCE"/*/Makefile.inc -newer "$SOURCE/configure" 2> /dev/null)" ]; then
		logged "$folder/bootstrap.log" "$SOURCE/bootstrap" || return 1
	fi
	stamp="$SOURCE $*"
	if [ ! -f "$folder/Makefile" ] || [ "$(cat "$folder/configured" 2> /dev/null)" != "$stamp" ] ||
		[ -n "$(find "$SOURCE/configure" -newer "$folder/configured")" ]; then
		(cd "$folder" && logged configure.log "$SOURCE/configure" "$@") || return 1
		grep -A 1 WARNING "$folder/configure.log"
		echo "$stamp" > "$folder/configured"
	fi
	logged "$folder/make.log" make -C "$folder" -j "$(nproc 2> /dev/null || echo 2)" all
}
