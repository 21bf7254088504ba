/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The action files: names that can be files of the root. Whether they are there is for the driver to see. */
#include "base/str.h"
#include "check/context.h"

static bool is_dots(struct str s)
{
	return str_eq(s, STR(".")) || str_eq(s, STR(".."));
}

/* What the gateway does not serve as long as `hidden` is false. */
static bool is_hidden(const struct m_files *f, struct str segment, bool is_first)
{
	return !f->hidden.value && segment.len > 0 && segment.ptr[0] == '.' &&
	       !(is_first && str_eq(segment, STR(".well-known")));
}

static const char *problem_of(const struct m_files *f, struct str segment, bool is_first)
{
	if (segment.len == 0)
		return "it has an empty segment";
	if (is_dots(segment))
		return "it has a '.' or '..'";
	for (size_t i = 0; i < segment.len; i++)
		if ((unsigned char)segment.ptr[i] < 0x20 || segment.ptr[i] == 0x7f)
			return "it has a control character";
	return is_hidden(f, segment, is_first) ? "names that begin with a dot are not served unless hidden is true"
					       : NULL;
}

static void check_file(
	struct checker *c, const struct m_route *r, const char *member, const struct m_str *path)
{
	struct str rest = path->value, segment;
	const char *problem = path->value.len == 0 ? "it names the root itself" : NULL;

	for (bool is_first = true; problem == NULL && str_split(&rest, '/', &segment); is_first = false)
		problem = problem_of(r->action.files, segment, is_first);
	if (problem != NULL)
		check_report(c, r->node, member, path->at, DIAG_FILES_NAME,
			"'" STR_FMT "' can be no file of the root: %s", STR_ARG(path->value), problem);
}

void check_files(struct checker *c, const struct m_route *r)
{
	const struct m_files *f = r->action.files;

	for (size_t i = 0; i < f->indexes.n; i++)
		check_file(c, r, "files.index", &f->indexes.at[i]);
	if (f->fallback.value.ptr != NULL)
		check_file(c, r, "files.fallback", &f->fallback);
}
