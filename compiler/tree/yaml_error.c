/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tree/yaml_reader.h"

#include "base/check.h"
#include "base/str.h"

/* libyaml's words, and ours. What is not in the table is shown as libyaml says it. */
static const struct {
	const char *theirs, *ours;
} problems[] = {
	{ "mapping values are not allowed in this context",
		"a ':' is not expected here; is a value with ': ' in it without quotes, or the "
		"indentation wrong?" },
	{ "did not find expected key", "expected a key here; is this line indented as the keys "
				       "above it, and are values with special characters quoted?" },
	{ "could not find expected ':'", "expected a ':' after this key" },
	{ "did not find expected '-' indicator",
		"expected a '-' here; is this line indented as the items above it?" },
	{ "did not find expected ',' or ']'", "expected ',' or ']' here" },
	{ "did not find expected ',' or '}'", "expected ',' or '}' here" },
	{ "did not find expected node content", "expected a value here" },
	{ "block sequence entries are not allowed in this context",
		"a list item '- ' cannot stand here; begin it in a new line" },
	{ "mapping keys are not allowed in this context", "a key cannot stand here" },
	{ "found unexpected end of stream", "the file ends inside a string in quotes" },
	{ "found unexpected document indicator",
		"a string in quotes goes over the end of the document" },
	{ "found unknown escape character", "there is no such escape in a string in double quotes; "
					    "in single quotes '\\' is itself" },
	{ "did not find expected hexdecimal number", "an escape lacks its hexadecimal digits" },
	{ "found invalid Unicode character escape code", "this escape is no Unicode character" },
	{ "did not find expected <document start>",
		"the document ended before this; is a key missing its ':'?" },
	{ "found undefined tag handle", "this tag has a handle that is not defined; a value that "
					"begins with '!' needs quotes" },
	{ "did not find expected alphabetic or numeric character",
		"a name is missing behind '*' or '&'; a value that begins with one of them needs quotes" },
	{ "found an indentation indicator equal to 0", "the indentation indicator is 1 to 9" },
	{ "found a tab character where an indentation space is expected",
		"a tab is used for indentation; YAML allows only spaces there" },
	{ "found a tab character that violates indentation",
		"a tab is used for indentation; YAML allows only spaces there" },
	{ "control characters are not allowed", "a control character is not allowed" },
	{ "exceeded maximum allowed nesting", "maps and lists are nested too deeply" },
};

static const char *explain(const char *problem)
{
	for (size_t i = 0; i < ARRAY_LEN(problems); i++) {
		if (str_starts(str_of(problem), str_of(problems[i].theirs)))
			return problems[i].ours;
	}
	return problem;
}

/* A tab is at fault when it stands at the place, or in the indentation in front of it. */
static bool is_tab_indented(struct str text, size_t at)
{
	size_t begin = at;

	if (at < text.len && text.ptr[at] == '\t')
		return true;
	while (begin > 0 && (text.ptr[begin - 1] == ' ' || text.ptr[begin - 1] == '\t'))
		begin--;
	if (begin > 0 && text.ptr[begin - 1] != '\n')
		return false;
	return str_find_char(str_slice(text, begin, at - begin), '\t') < at - begin;
}

static const char *explain_character(struct str text, size_t at)
{
	if (is_tab_indented(text, at))
		return "a tab is used for indentation; YAML allows only spaces there";
	if (at < text.len && text.ptr[at] == '@')
		return "a value cannot begin with '@'; put it in quotes";
	if (at < text.len && text.ptr[at] == '`')
		return "a value cannot begin with '`'; put it in quotes";
	if (at < text.len && text.ptr[at] == '%')
		return "a value cannot begin with '%'; put it in quotes";
	return "a value cannot begin with this character; put it in quotes";
}

/* "${" in a flow map begins another map, which is never what was meant. */
static bool is_unquoted_variable(struct str text, size_t at)
{
	size_t from = at < 3 ? 0 : at - 3;

	return str_find(str_slice(text, from, 6), STR("${")) >= 0;
}

static const char *name_context(const char *context)
{
	if (context == NULL)
		return NULL;
	if (strstr(context, "flow mapping") != NULL || strstr(context, "block mapping") != NULL)
		return "in the map that begins here";
	if (strstr(context, "flow sequence") != NULL || strstr(context, "block sequence") != NULL ||
		strstr(context, "block collection") != NULL)
		return "in the list that begins here";
	if (strstr(context, "quoted scalar") != NULL)
		return "in the string that begins here";
	return NULL;
}

/* Behind an open bracket, a " #" takes the rest of its line, and often the bracket that closes. */
static void note_comment(struct yaml_reader *r, size_t begin, size_t end)
{
	struct str text = r->build.text, line = str_slice(text, begin, end - begin);
	ptrdiff_t mark;

	line.len = str_find_char(line, '\n');
	mark = str_find(line, STR(" #"));
	line = mark < 0 ? line : str_slice(line, (size_t)mark, line.len);
	if (mark < 0 || (str_find_char(line, '}') == line.len && str_find_char(line, ']') == line.len))
		return;
	diag_note(r->build.diags, build_span(&r->build, begin + (size_t)mark + 1, begin + (size_t)mark + 2),
		"a comment begins here; a value with ' #' in it needs quotes");
}

/* ---- colons that are missing, or too many ---- */

/* The line that byte `at` is in, without indentation, dashes, comment and blanks at its end. */
static struct span content_of_line(struct yaml_reader *r, size_t at)
{
	struct str text = r->build.text, line;
	size_t begin = at;
	ptrdiff_t comment;

	while (begin > 0 && text.ptr[begin - 1] != '\n')
		begin--;
	line = str_slice(text, begin, text.len);
	line.len = str_find_char(line, '\n');
	while (line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t' || str_starts(line, STR("- "))))
		line = str_slice(line, 1, line.len);
	comment = str_find(line, STR(" #"));
	line.len = comment >= 0 ? (size_t)comment : line.len > 0 && line.ptr[0] == '#' ? 0 : line.len;
	begin = (size_t)(line.ptr - text.ptr);
	return build_span(&r->build, begin, begin + str_trim(line).len);
}

static struct str text_of(const struct yaml_reader *r, struct span s)
{
	return str_slice(r->build.text, s.begin, s.end - s.begin);
}

/* A colon that ends a key: with a blank or nothing behind it. */
static bool has_key(struct str s)
{
	return str_find(s, STR(": ")) >= 0 || str_ends(s, STR(":"));
}

/* "port:8080", but not "http://localhost". */
static bool has_tight_colon(struct str s)
{
	size_t colon = str_find_char(s, ':');

	return colon + 1 < s.len && !str_starts(str_slice(s, colon, s.len), STR("://"));
}

/* A key without its colon: libyaml says so where the next one begins. False: it is something else. */
static bool report_missing_colon(struct yaml_reader *r)
{
	const yaml_parser_t *p = &r->parser;
	struct span key;

	if (!str_starts(str_of(p->problem), STR("could not find expected ':'")) || p->context == NULL)
		return false;
	key = content_of_line(r, yaml_byte_of(r, p->context_mark.index));
	build_stop(&r->build, DIAG_YAML_SYNTAX, key, "%s",
		has_tight_colon(text_of(r, key)) ? "a ':' ends a key only with a space behind it" : "expected a ':' after this key");
	return true;
}

/* Why the colon at `at` is one too many, as far as the lines above tell. */
static void note_colon(struct yaml_reader *r, size_t at)
{
	struct span above = content_of_line(r, at);

	do {
		size_t begin = above.begin;

		while (begin > 0 && r->build.text.ptr[begin - 1] != '\n')
			begin--;
		if (begin == 0)
			return;
		above = content_of_line(r, begin - 1);
	} while (above.begin == above.end);
	if (has_key(text_of(r, above)))
		diag_note(r->build.diags, above, "a line that is indented further goes on with the value of this one");
	else if (has_tight_colon(text_of(r, above)))
		diag_note(r->build.diags, above, "a ':' ends a key only with a space behind it");
	else
		diag_note(r->build.diags, above, "if this is a key, it needs a ':' behind it");
}

static bool report_surplus_colon(struct yaml_reader *r, size_t at)
{
	struct span line = content_of_line(r, at);
	bool is_second;

	if (!str_starts(str_of(r->parser.problem), STR("mapping values are not allowed")))
		return false;
	is_second = at > line.begin && str_find(str_slice(r->build.text, line.begin, at - line.begin), STR(": ")) >= 0;
	build_stop(&r->build, DIAG_YAML_SYNTAX, build_span(&r->build, at, at + 1), "%s",
		is_second ? "a value with ': ' in it needs quotes, and another key a line of its own" : explain(r->parser.problem));
	if (!is_second)
		note_colon(r, at);
	return true;
}

void yaml_report_error(struct yaml_reader *r)
{
	const yaml_parser_t *p = &r->parser;
	const char *context = name_context(p->context);
	struct str text = r->build.text;
	const char *message;
	size_t at;

	if (p->error == YAML_MEMORY_ERROR || p->problem == NULL)
		check_out_of_memory();
	at = p->error == YAML_READER_ERROR ? p->problem_offset
					   : yaml_byte_of(r, p->problem_mark.index);
	if (at > text.len)
		at = text.len;
	if (report_missing_colon(r) || (!is_tab_indented(text, at) && report_surplus_colon(r, at)))
		return;
	message = explain(p->problem);
	if (is_unquoted_variable(text, at))
		message = "put the ${...} in quotes: inside { } and [ ] its braces would be a map";
	else if (str_starts(str_of(p->problem), STR("found character that cannot start any token")))
		message = explain_character(text, at);
	else if (at + 1 < text.len && text.ptr[at] == ':' && text.ptr[at + 1] == ' ' && str_starts(str_of(p->problem), STR("did not find expected ',' or")))
		message = "a value with ': ' in it needs quotes";
	else if (is_tab_indented(text, at))
		message = "a tab is used for indentation; YAML allows only spaces there";
	build_stop(&r->build, DIAG_YAML_SYNTAX, build_span(&r->build, at, at + 1), "%s", message);
	if (context != NULL && p->error != YAML_READER_ERROR) {
		size_t begin = yaml_byte_of(r, p->context_mark.index);

		diag_note(r->build.diags, build_span(&r->build, begin, begin + 1), "%s", context);
		if (strstr(p->context, "flow") != NULL)
			note_comment(r, begin, at);
	}
}
