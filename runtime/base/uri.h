/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* URI parts (RFC 3986) and the one path normaliser, used for config literals and for requests alike.
 *
 * Normalisation of a path: percent-escapes of unreserved characters are decoded, other escapes get upper-case
 * hex digits, "." and ".." segments are removed (also when written %2e), and runs of "/" are merged unless told
 * not to. Encoded "/" (%2F), "\" (raw and %5C) and NUL (%00) are refused unless allowed, because backends disagree about
 * them; so are dot segments with parameters ("..;x"), dot segments beside an allowed %2F or %5C, and escapes that spell
 * overlong UTF-8. The four characters "[]|^", which browsers send raw against RFC 3986, are escaped. Nothing is decoded
 * twice, and normalising a normal path changes nothing. What was matched is what the backend is sent. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "toron/str.h"

enum uri_error {
	URI_OK = 0,
	URI_BAD_CHARACTER,   /* not allowed in a path or query by RFC 3986, a control or non-ASCII byte */
	URI_BAD_ESCAPE,      /* "%" without two hex digits, or overlong UTF-8 */
	URI_ENCODED_SLASH,   /* %2F, and it is refused */
	URI_BACKSLASH,       /* "\" or %5C, and it is refused */
	URI_ENCODED_NUL,     /* %00 */
	URI_ABOVE_ROOT,      /* ".." beyond the root */
	URI_NOT_ABSOLUTE,    /* a path that does not begin with "/" */
	URI_NO_MEMORY,
	URI_BAD_HOST,
	URI_BAD_PORT,
	URI_BAD_SCHEME,
	URI_DOT_PARAMETERS,  /* "." or ".." with ";" behind it */
};

const char *uri_error_text(enum uri_error e);

enum uri_policy {
	URI_KEEP_SLASHES = 1 << 0,         /* do not merge "//" */
	URI_ALLOW_ENCODED_SLASH = 1 << 1,  /* keep %2F as it is (never decoded) */
	URI_ALLOW_BACKSLASH = 1 << 2,      /* keep, as %5C */
};

/* The request target's path and query. A target that is already normal costs one scan and no memory:
 * path_out then points into `target`. query_out has ptr NULL without a "?", and is checked but not changed (raw
 * "[]{}|^`\" pass in it, as browsers send them). A raw "#" is a bad character. */
enum uri_error uri_normalise(struct arena *a, struct str target, unsigned policy, struct str *path_out,
	struct str *query_out);

struct uri_authority {
	struct str host;   /* as written, without the brackets of an IPv6 literal */
	uint16_t port;     /* 0: none given */
	bool is_ipv6;
};

/* host[:port], no userinfo (RFC 9110 section 4.2.4). The host is a reg-name, IPv4 or [IPv6]; trailing dot allowed.
 * Of reg-name only unreserved characters pass, at most 255 of them, without empty labels; a host whose last label is a
 * number must be a dotted quad. Nothing is allocated. */
enum uri_error uri_authority_parse(struct str s, struct uri_authority *out);
/* The host as it is compared: lower case, without a trailing dot, an IPv6 address in its one canonical form (RFC 5952). A host that
 * is normal already costs one scan and no memory. URI_NO_MEMORY is the only error. */
enum uri_error uri_host_normalise(struct arena *a, const struct uri_authority *at, struct str *host_out);

struct uri {
	struct str scheme;            /* lower case */
	struct str authority;         /* as written; ptr NULL if there is none */
	struct uri_authority at;
	struct str path, query;       /* as written; query ptr NULL if there is none */
};

/* An absolute URI with an authority ("http://h:1/p?q"), or with an absolute path and none ("unix:/run/x.sock"). A fragment
 * is refused, and so is an empty host, but for "file" and "unix". */
enum uri_error uri_parse(struct arena *a, struct str s, struct uri *out);
