/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/mime.h"

#include "base/str.h"

#define ENDING_MOST 16 /* longer ones are in no table */

static const struct {
	struct str ending, type;
} types[] = {
#define MIME(ending, type) { STR_INIT(ending), STR_INIT(type) },
#include "base/mime.def"
#undef MIME
};

struct str mime_ending(struct str path)
{
	for (size_t i = path.len; i > 0 && path.ptr[i - 1] != '/'; i--)
		if (path.ptr[i - 1] == '.')
			return i > 1 && path.ptr[i - 2] != '/' ? str_slice(path, i, path.len) : STR_NONE;
	return STR_NONE;
}

struct str mime_of(struct str path)
{
	struct str ending = mime_ending(path), lower;
	size_t from = 0, to = sizeof(types) / sizeof(types[0]);
	char text[ENDING_MOST];

	if (ending.ptr == NULL || ending.len > ENDING_MOST)
		return STR(MIME_UNKNOWN);
	for (size_t i = 0; i < ending.len; i++)
		text[i] = (char)ascii_lower((unsigned char)ending.ptr[i]);
	lower = (struct str){ text, ending.len };
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = str_cmp(types[middle].ending, lower);

		if (order == 0)
			return types[middle].type;
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return STR(MIME_UNKNOWN);
}
