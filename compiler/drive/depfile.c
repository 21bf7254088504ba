/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "drive/depfile.h"

#include "base/str.h"

void depfile_add(struct arena *a, struct words *deps, const char *path)
{
	/* Some hundred at most: the headers of the ABI, the archives of the link. */
	for (size_t i = 0; i < deps->n; i++) {
		if (strcmp(deps->at[i], path) == 0)
			return;
	}
	words_add(a, deps, path);
}

/* Takes one word off *rest, without its escapes: "\ " and "\#" stand for themselves, "$$" for "$", a backslash before a line end for
 * a blank. False at the end. */
static bool next_word(struct str *rest, char *word, size_t *len_out)
{
	size_t i = 0, n = 0;

	for (; i < rest->len; i++) {
		char c = rest->ptr[i], next = i + 1 < rest->len ? rest->ptr[i + 1] : '\n';
		bool is_blank = c == ' ' || c == '\t' || c == '\n' || c == '\r' || (c == '\\' && next == '\n');

		if (is_blank && n > 0)
			break;
		if (is_blank)
			continue;
		if ((c == '\\' && (next == ' ' || next == '#' || next == '\\')) || (c == '$' && next == '$'))
			c = rest->ptr[++i];
		word[n++] = c;
	}
	*rest = str_slice(*rest, i, rest->len);
	*len_out = n;
	return n > 0;
}

void depfile_read(struct arena *a, struct str text, struct words *deps)
{
	char *word = arena_bytes(a, text.len + 1);
	size_t len;

	while (next_word(&text, word, &len)) {
		struct str path = { word, len };

		/* The target, "gateway:". */
		if (word[len - 1] == ':' || word[0] != '/')
			continue;
		depfile_add(a, deps, arena_cstr(a, path));
	}
}
