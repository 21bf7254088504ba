/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "drive/input.h"

#include <unistd.h>

#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"
#include "drive/file.h"

#define STDIN_NAME "<stdin>"

uint32_t input_read(struct arena *a, struct diags *d, const char *path, struct span at)
{
	bool is_stdin = strcmp(path, "-") == 0, ok;
	struct str text, why;

	ok = is_stdin ? file_read_fd(a, STDIN_FILENO, TREE_MAX_BYTES, &text, &why) :
			file_read(a, path, TREE_MAX_BYTES, &text, &why);
	if (ok)
		return diag_add_source(d, is_stdin ? STR(STDIN_NAME) : arena_str(a, str_of(path)), text);
	diag_report(d, DIAG_READ_FAILED, at, "cannot read %s%s%s: " STR_FMT, is_stdin ? "" : "'",
		is_stdin ? "standard input" : path, is_stdin ? "" : "'", STR_ARG(why));
	return 0;
}

bool input_format(struct diags *d, const char *path, struct span at, enum tree_format *format_out)
{
	if (tree_format_of(str_of(path), format_out))
		return true;
	diag_report(d, DIAG_UNKNOWN_FORMAT, at, "the format of %s%s%s is not known",
		strcmp(path, "-") == 0 ? "standard input" : "'", strcmp(path, "-") == 0 ? "" : path,
		strcmp(path, "-") == 0 ? "" : "'");
	if (at.source != 0)
		diag_note(d, SPAN_NONE, "an included file's name ends in .yaml, .yml, .json, .jsonc or .toml");
	else
		diag_note(d, SPAN_NONE, "give it with --format-in yaml, json, jsonc or toml");
	return false;
}

/* Splits "NAME=value"; false if there is no such name. */
static bool split_pair(struct str text, struct str *name_out, struct str *value_out)
{
	size_t at = str_find_char(text, '=');

	if (at == text.len || at == 0 || text.ptr[0] < 'A' || text.ptr[0] > 'Z')
		return false;
	for (size_t i = 1; i < at; i++) {
		char c = text.ptr[i];

		if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_')
			return false;
	}
	*name_out = str_slice(text, 0, at);
	*value_out = str_slice(text, at + 1, text.len);
	return str_utf8_valid(text) == text.len;
}

bool input_define_is_valid(const char *text)
{
	struct str name, value;

	return split_pair(str_of(text), &name, &value);
}

struct collector {
	struct arena *arena;
	struct diags *diags;
	struct map names;
	VEC(struct tree_var) vars;
};

/* The first to name a variable wins. */
static void add_var(struct collector *c, struct str name, struct str value, struct str set_by)
{
	static char mark;

	if (map_add(&c->names, name, &mark))
		vec_push(c->arena, &c->vars, (struct tree_var){ .name = name, .value = value, .set_by = set_by });
}

static struct str without_quotes(struct str s)
{
	if (s.len >= 2 && (s.ptr[0] == '"' || s.ptr[0] == '\'') && s.ptr[s.len - 1] == s.ptr[0])
		return str_slice(s, 1, s.len - 2);
	return s;
}

static bool read_line(struct collector *c, uint32_t source, struct str line, unsigned number)
{
	const struct source *s = &c->diags->sources[source];
	uint32_t begin = (uint32_t)(line.ptr - s->text.ptr);
	struct str name, value;

	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	if (str_trim(line).len == 0 || str_trim(line).ptr[0] == '#')
		return true;
	if (!split_pair(str_trim(line), &name, &value)) {
		diag_report(c->diags, DIAG_ENV_FILE, (struct span){ source, begin, begin + (uint32_t)line.len },
			"a line is NAME=value with an upper-case name");
		return false;
	}
	add_var(c, name, without_quotes(value),
		arena_printf(c->arena, "--env-file " STR_FMT ":%u", STR_ARG(s->name), number));
	return true;
}

/* Within a file the last line wins, as in a shell: lines are taken from the end. */
static bool read_env_file(struct collector *c, const char *path)
{
	uint32_t source = input_read(c->arena, c->diags, path, SPAN_NONE), number, column, end;
	struct source s;
	bool ok = true;

	if (source == 0)
		return false;
	s = c->diags->sources[source];
	end = (uint32_t)s.text.len;
	diag_place(c->diags, (struct span){ source, end, end }, &number, &column);
	for (; number > 0; number--) {
		struct str line = diag_line(&s, end);

		ok = read_line(c, source, line, number) && ok;
		end = (uint32_t)(line.ptr - s.text.ptr) - 1;
	}
	return ok;
}

bool input_vars_read(struct arena *a, struct diags *d, const struct input_vars *from, struct tree_vars *vars_out)
{
	struct collector c = { .arena = a, .diags = d };
	struct str name, value;
	bool ok = true;

	map_init(&c.names, a);
	for (size_t i = from->n_defines; i-- > 0;) {
		if (split_pair(str_of(from->defines[i]), &name, &value))
			add_var(&c, name, value, STR("-D"));
	}
	for (size_t i = from->n_env_files; i-- > 0;)
		ok = read_env_file(&c, from->env_files[i]) && ok;
	for (char *const *e = from->environment; e != NULL && *e != NULL; e++) {
		if (split_pair(str_of(*e), &name, &value))
			add_var(&c, name, value, STR("the environment"));
	}
	*vars_out = (struct tree_vars){ .at = c.vars.at, .n = c.vars.n };
	return ok;
}
