/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "prove/normal.h"

#include "base/check.h"
#include "base/str.h"
#include "base/uri.h"

/* Bytes of a segment besides "." and ";", and escapes that stay: those of what is not unreserved,
 * in upper case (runtime/base/uri.c). */
#define BYTES "A-Za-z0-9_~!$&'()*+,=:@\\-"
#define ESCAPES                                                                                    \
	"%%(?:0[1-9A-F]|1[0-9A-F]|2[0-9A-C]|3[A-F]|40|5[BDE]|60|7[BCDF]|[89A-F][0-9A-F])"

static struct re *parse(struct arena *a, struct str text)
{
	struct re_error error;
	struct re *re = re_parse(a, text, &error);

	CHECK(re != NULL);
	return re;
}

struct re *normal_paths(struct arena *a, unsigned policy)
{
	const char *more = (policy & URI_ALLOW_ENCODED_SLASH) != 0 ? "|%2F" : "";
	const char *yet_more = (policy & URI_ALLOW_BACKSLASH) != 0 ? "|%5C" : "";
	struct str escapes = arena_printf(a, "(?:" ESCAPES "%s%s)", more, yet_more);
	/* Neither "." nor "..", alone or with parameters. */
	struct str any = arena_printf(a, "(?:[" BYTES ";.]|" STR_FMT ")", STR_ARG(escapes));
	struct str segment = arena_printf(a,
		"(?:(?:[" BYTES ";]|" STR_FMT ")" STR_FMT "*|\\.(?:[" BYTES "]|" STR_FMT
		")" STR_FMT "*|\\.\\.(?:[" BYTES ".]|" STR_FMT ")" STR_FMT "*)",
		STR_ARG(escapes), STR_ARG(any), STR_ARG(escapes), STR_ARG(any), STR_ARG(escapes),
		STR_ARG(any));

	if ((policy & URI_KEEP_SLASHES) != 0)
		return parse(a, arena_printf(a, "(?:/" STR_FMT "?)+", STR_ARG(segment)));
	return parse(a, arena_printf(a, "/|(?:/" STR_FMT ")+/?", STR_ARG(segment)));
}

struct re *normal_hosts(struct arena *a)
{
	return parse(a, STR("[a-z0-9_~\\-]+(?:\\.[a-z0-9_~\\-]+)*|[0-9a-f:.]*:[0-9a-f:.]*"));
}
