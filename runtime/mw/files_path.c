/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "mw/files_path.h"

#include "base/str.h"

#define NAME_MOST    4095 /* PATH_MAX less its NUL */
#define SEGMENT_MOST 255  /* NAME_MAX */

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)ascii_lower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes a segment to `to`; its length, or -1 for bytes that no name of ours has. */
static ptrdiff_t decode(struct str segment, char *to)
{
	size_t len = 0;

	for (size_t i = 0; i < segment.len; i++) {
		int c = (unsigned char)segment.ptr[i];

		if (c == '%') {
			int high = i + 1 < segment.len ? hex(segment.ptr[i + 1]) : -1;
			int low = i + 2 < segment.len ? hex(segment.ptr[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -1;
			c = high << 4 | low;
			i += 2;
		}
		if (c < 0x20 || c == 0x7f || c == '/')
			return -1;
		to[len++] = (char)c;
	}
	return (ptrdiff_t)len;
}

static bool is_hidden_segment(struct str s, bool is_first)
{
	return s.len > 0 && s.ptr[0] == '.' && !(is_first && str_eq(s, STR(".well-known")));
}

static bool is_good_segment(struct str s, bool is_first, bool hidden)
{
	if (s.len == 0 || s.len > SEGMENT_MOST || str_eq(s, STR(".")) || str_eq(s, STR("..")))
		return false;
	return hidden || !is_hidden_segment(s, is_first);
}

/* The path behind its first segments: "" or "/...". */
static struct str strip_segments(struct str path, unsigned strip)
{
	for (; strip > 0 && path.len > 0; strip--) {
		path = str_slice(path, 1, path.len);
		path = str_slice(path, str_find_char(path, '/'), path.len);
	}
	return path;
}

bool files_path_map(struct arena *a, struct str path, unsigned strip, bool hidden, struct files_path *out)
{
	struct str rest = strip_segments(path, strip), segment;
	char *text = arena_bytes(a, rest.len + 1);
	size_t len = 0;

	if (text == NULL || (rest.len > 0 && rest.ptr[0] != '/'))
		return false;
	out->is_folder = rest.len > 0 && rest.ptr[rest.len - 1] == '/';
	rest = str_slice(rest, 1, rest.len);
	if (out->is_folder && rest.len > 0)
		rest.len--;
	while (rest.len > 0 && str_split(&rest, '/', &segment)) {
		ptrdiff_t n;

		if (len > 0)
			text[len++] = '/';
		n = decode(segment, text + len);
		if (n < 0 || !is_good_segment((struct str){ text + len, (size_t)n }, len == 0, hidden))
			return false;
		len += (size_t)n;
		/* str_split ends at an empty rest that stands behind a "/", which is an empty segment. */
		if (rest.ptr != NULL && rest.len == 0)
			return false;
	}
	text[len] = '\0';
	out->name = (struct str){ text, len };
	return len <= NAME_MOST;
}
