/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "cli/args.h"

#include <unistd.h>

#include "base/check.h"
#include "base/str.h"
#include "diag/diag.h"

#define BUILD (1u << COMMAND_BUILD)
#define CHECKS (1u << COMMAND_CHECK)
#define DUMP (1u << COMMAND_DUMP)
#define EXPLAIN (1u << COMMAND_EXPLAIN)
#define DIFF (1u << COMMAND_DIFF)
#define VALIDATE (1u << COMMAND_VALIDATE)
#define FMT (1u << COMMAND_FMT)
#define CONVERT (1u << COMMAND_CONVERT)
#define INIT (1u << COMMAND_INIT)
#define HELP (1u << COMMAND_HELP)
#define FEATURES (1u << COMMAND_FEATURES)
#define ALL ((1u << N_COMMANDS) - 1)

const struct command_row command_rows[N_COMMANDS] = {
	[COMMAND_BUILD] = { "build", "toronc [build] CONFIG -o OUT",
		"compile a configuration into a gateway",
		"Reads CONFIG, checks it, writes C and lets re2c and the C compiler make one static binary of it. The binary appears\n"
		"whole or not at all. What was built before is taken from the build cache.", 1, 1 },
	[COMMAND_CHECK] = { "check", "toronc check FILE...",
		"check configurations",
		"Runs all passes up to the proofs on each FILE, and reports what is wrong. '-' is standard input. Reads nothing else\n"
		"unless --with-files is given, writes nothing, and needs no compiler, certificate or network.", 1, SIZE_MAX },
	[COMMAND_DUMP] = { "dump", "toronc dump --stage tree|model|plan|witnesses|c FILE",
		"show a configuration after one of the passes",
		"tree: the document as it was read, as JSON, before substitution and defaults. model: every setting with its default.\n"
		"plan: the routes in the order in which they win, and everything that they refer to. c: the emitted files.", 1, 1 },
	[COMMAND_EXPLAIN] = { "explain", "toronc explain CONFIG 'GET http://host/path'",
		"say which route takes a request, and why",
		"Shows the routes whose host and path take the request, in the order of routes, what each of them fails on, and the winner's\n"
		"parameters, chain and action. The listener is the one on the URL's port, or else the first.", 2, 2 },
	[COMMAND_DIFF] = { "diff", "toronc diff OLD NEW",
		"show which requests a change of the configuration treats differently",
		"Looks at all requests, and shows one for each pair of routes between which some move. The exit status is 0 when every\n"
		"request has the same outcome in both, 1 otherwise.", 2, 2 },
	[COMMAND_FMT] = { "fmt", "toronc fmt [--check] FILE...",
		"bring files into the canonical layout",
		"Rewrites each FILE with an indentation of two, even spacing and no needless quotes. Comments, anchors and the order of keys\n"
		"stay. '-' is standard input, and goes to standard output. A file whose meaning would change is left as it is.", 1, SIZE_MAX },
	[COMMAND_CONVERT] = { "convert", "toronc convert --to yaml|json|toml FILE",
		"write a document in another format",
		"Prints FILE in the other format, with the same values in the same order. Comments are lost, and aliases are written out.", 1, 1 },
	[COMMAND_INIT] = { "init", "toronc init [FILE]",
		"write a first configuration to start from",
		"Writes a commented configuration that compiles to FILE (default: gateway.yaml; '-' is standard output). Never replaces a file.",
		0, 1 },
	[COMMAND_VALIDATE] = { "validate", "toronc validate --schema SCHEMA FILE",
		"check any document against any JSON Schema (2020-12)",
		"Both are YAML, JSON or TOML. References to other schemas are looked up among those that --ref names.", 1, 1 },
	[COMMAND_FEATURES] = { "features", "toronc features",
		"list what the language has but this toronc cannot do yet",
		"Using one of these keys or values is an error (T0110), never ignored.", 0, 0 },
	[COMMAND_SCHEMA] = { "schema", "toronc schema",
		"print the schema of configurations, for editors",
		"One self-contained JSON Schema (2020-12) with descriptions, defaults and examples.", 0, 0 },
	[COMMAND_HELP] = { "help", "toronc help [COMMAND|CODE|config [PATH]]",
		"explain a command, a diagnostic by its code, or a key",
		"toronc help T0207 explains the diagnostic with that code, with a wrong and a right example. toronc help config routes.match\n"
		"explains a key of the configuration: its type, unit, bounds and default, and the keys below it.", 0, 2 },
	[COMMAND_VERSION] = { "version", "toronc version", "print the version", "", 0, 0 },
};

const struct option_row option_rows[N_OPTIONS] = {
	[OPTION_OUTPUT] = { "output", 'o', "FILE", NULL, BUILD, "where the gateway goes" },
	[OPTION_EMIT_ONLY] = { "emit-only", 0, "DIR", NULL, BUILD, "write the emitted files to DIR and stop" },
	[OPTION_DYNAMIC] = { "dynamic", 0, NULL, NULL, BUILD, "link with shared libraries" },
	[OPTION_JOBS] = { "jobs", 'j', "N", NULL, BUILD, "run up to N compilers at a time (default: one per processor)" },
	[OPTION_WITH_FILES] = { "with-files", 0, NULL, NULL, BUILD | CHECKS,
		"read certificates and keys, too, and say what is wrong with them" },
	[OPTION_MATCHER] = { "matcher", 0, "KIND", "auto|re2c|table", BUILD | DUMP,
		"how routes are matched: re2c code, tables, or by size (default: auto)" },
	[OPTION_NO_CACHE] = { "no-cache", 0, NULL, NULL, BUILD, "neither use nor fill the build cache" },
	[OPTION_CACHE_DIR] = { "cache-dir", 0, "DIR", NULL, BUILD,
		"the build cache (default: ${XDG_CACHE_HOME:-~/.cache}/toron)" },
	[OPTION_DEFINE] = { "define", 'D', "NAME=VALUE", NULL, BUILD | CHECKS | DUMP | EXPLAIN | DIFF, "set ${NAME}" },
	[OPTION_ENV_FILE] = { "env-file", 0, "FILE", NULL, BUILD | CHECKS | DUMP | EXPLAIN | DIFF, "set variables from lines of NAME=value" },
	[OPTION_ALLOW_ENV] = { "allow-env", 0, NULL, NULL, BUILD | CHECKS | DUMP | EXPLAIN | DIFF, "take variables from the environment, too" },
	[OPTION_STAGE] = { "stage", 0, "STAGE", "tree|model|plan|witnesses|c", DUMP, "what to show" },
	[OPTION_TO] = { "to", 0, "FORM", "json|yaml|toml", DUMP | CONVERT, "the form of a tree (default: json), or the format to convert to" },
	[OPTION_TAGGED] = { "tagged", 0, NULL, NULL, DUMP, "in a tree, write scalars with their types" },
	[OPTION_NO_ORIGINS] = { "no-origins", 0, NULL, NULL, DUMP, "leave out places in the configuration" },
	[OPTION_SCHEMA] = { "schema", 0, "FILE", NULL, VALIDATE, "the schema" },
	[OPTION_REF] = { "ref", 0, "URI=PATH", NULL, VALIDATE, "schemas whose URI begins with URI are in files that begin with PATH" },
	[OPTION_ASSERT_FORMATS] = { "assert-formats", 0, NULL, NULL, VALIDATE, "'format' is checked, not only an annotation" },
	[OPTION_CHECK] = { "check", 0, NULL, NULL, FMT, "change nothing, and report what would be changed" },
	[OPTION_KEYS] = { "keys", 0, NULL, NULL, HELP, "with config: only the paths of the keys, one a line" },
	[OPTION_HEADER] = { "header", 'H', "'NAME: VALUE'", NULL, EXPLAIN, "a header field of the request; may be repeated" },
	[OPTION_SOURCE] = { "source", 0, "ADDRESS", NULL, EXPLAIN, "the client's address (default: 127.0.0.1)" },
	[OPTION_FORMAT_IN] = { "format-in", 0, "FORMAT", "yaml|json|jsonc|toml", BUILD | CHECKS | DUMP | EXPLAIN | DIFF | VALIDATE | FMT | CONVERT,
		"the format of the input (default: by the name's ending)" },
	[OPTION_STRICT] = { "strict", 0, NULL, NULL, BUILD | CHECKS | DUMP | EXPLAIN | DIFF, "some warnings are errors, such as secrets in the clear" },
	[OPTION_WARNINGS_AS_ERRORS] = { "warnings-as-errors", 0, NULL, NULL, BUILD | CHECKS | DUMP | EXPLAIN | DIFF, "all warnings are errors" },
	[OPTION_FORMAT] = { "format", 0, "FORM", "text|json|sarif|github", BUILD | CHECKS | DUMP | EXPLAIN | DIFF | VALIDATE | FEATURES | FMT | CONVERT,
		"the form of diagnostics (default: text)" },
	[OPTION_COLOR] = { "color", 0, "WHEN", "auto|always|never", BUILD | CHECKS | DUMP | EXPLAIN | DIFF | VALIDATE | FMT | CONVERT | INIT,
		"colours (default: auto: on a terminal, unless NO_COLOR is set)" },
	[OPTION_VERBOSE] = { "verbose", 'v', NULL, NULL, BUILD | CHECKS | DUMP | EXPLAIN | DIFF, "say what is done, and how long it takes" },
	[OPTION_HELP] = { "help", 'h', NULL, NULL, ALL, "explain the command" },
	[OPTION_VERSION] = { "version", 'V', NULL, NULL, ALL, "print the version" },
};

struct parser {
	struct arena *arena;
	struct args *out;
	struct str error;      /* ptr NULL: none so far */
	bool has_command;
};

/* The first error counts. */
static void fail(struct parser *p, struct str error)
{
	if (p->error.ptr == NULL)
		p->error = error;
}

enum command args_command_of(const char *name)
{
	enum command c = COMMAND_BUILD;

	while (c < N_COMMANDS && strcmp(command_rows[c].name, name) != 0)
		c++;
	return c;
}

/* ", did you mean '--x'?" or "". */
static struct str suggestion(struct arena *a, struct str name, const struct str *names, size_t n, const char *prefix)
{
	struct str nearest = diag_nearest(name, names, n);

	return nearest.ptr == NULL ? STR("") : arena_printf(a, ", did you mean '%s" STR_FMT "'?", prefix, STR_ARG(nearest));
}

static void unknown_option(struct parser *p, struct str name)
{
	struct str names[N_OPTIONS], hint;

	for (size_t i = 0; i < N_OPTIONS; i++)
		names[i] = str_of(option_rows[i].name);
	hint = suggestion(p->arena, name, names, N_OPTIONS, "--");
	fail(p, arena_printf(p->arena, "unknown option '--" STR_FMT "'" STR_FMT, STR_ARG(name), STR_ARG(hint)));
}

/* Which of "a|b|c" it is; -1: none. */
static int choice_of(const char *choices, struct str value)
{
	struct str rest = str_of(choices), choice;

	for (int i = 0; str_split(&rest, '|', &choice); i++) {
		if (str_eq(choice, value))
			return i;
	}
	return -1;
}

static void bad_choice(struct parser *p, const struct option_row *row, struct str value)
{
	struct str rest = str_of(row->choices), names[8], hint;
	size_t n = 0;

	while (n < ARRAY_LEN(names) && str_split(&rest, '|', &names[n]))
		n++;
	hint = suggestion(p->arena, value, names, n, "");
	fail(p, arena_printf(p->arena, "--%s takes one of %s, not '" STR_FMT "'" STR_FMT, row->name, row->choices, STR_ARG(value),
		STR_ARG(hint)));
}

static void set_option(struct parser *p, enum option option, const char *value)
{
	const struct option_row *row = &option_rows[option];

	p->out->given[option] = true;
	if (value == NULL)
		return;
	if (row->choices != NULL && choice_of(row->choices, str_of(value)) < 0)
		bad_choice(p, row, str_of(value));
	words_add(p->arena, &p->out->values[option], value);
}

/* The option's argument: `attached` ("--x=y", "-xy"), or the next word. Returns how many words were taken besides. */
static int take_option(struct parser *p, enum option option, const char *attached, int left, char **next)
{
	const struct option_row *row = &option_rows[option];

	if (row->argument == NULL && attached != NULL)
		fail(p, arena_printf(p->arena, "--%s takes no value", row->name));
	else if (row->argument == NULL || attached != NULL)
		set_option(p, option, attached);
	else if (left == 0)
		fail(p, arena_printf(p->arena, "--%s needs a value: --%s %s", row->name, row->name, row->argument));
	else
		set_option(p, option, next[0]);
	return row->argument != NULL && attached == NULL && left > 0;
}

static int parse_long(struct parser *p, const char *word, int left, char **next)
{
	struct str whole = str_of(word + 2), name = str_slice(whole, 0, str_find_char(whole, '='));
	enum option option = 0;

	while (option < N_OPTIONS && !str_eq(name, str_of(option_rows[option].name)))
		option++;
	/* "--colour" is no mistake where people write it so. */
	if (option == N_OPTIONS && str_eq(name, STR("colour")))
		option = OPTION_COLOR;
	if (option == N_OPTIONS) {
		unknown_option(p, name);
		return 0;
	}
	return take_option(p, option, name.len < whole.len ? whole.ptr + name.len + 1 : NULL, left, next);
}

/* Letters without argument may stand together: -vj4. */
static int parse_letters(struct parser *p, const char *word, int left, char **next)
{
	for (const char *letter = word + 1; *letter != '\0'; letter++) {
		enum option option = 0;

		while (option < N_OPTIONS && option_rows[option].letter != *letter)
			option++;
		if (option == N_OPTIONS) {
			fail(p, arena_printf(p->arena, "unknown option '-%c'", *letter));
			return 0;
		}
		if (option_rows[option].argument != NULL)
			return take_option(p, option, letter[1] != '\0' ? letter + 1 : NULL, left, next);
		take_option(p, option, NULL, 0, NULL);
	}
	return 0;
}

/* The first operand may be a command. */
static void take_operand(struct parser *p, const char *word)
{
	enum command command = p->has_command || p->out->operands.n > 0 ? N_COMMANDS : args_command_of(word);

	if (command == N_COMMANDS) {
		words_add(p->arena, &p->out->operands, word);
		return;
	}
	p->out->command = command;
	p->has_command = true;
}

/* A word that is neither a command nor a file, and looks like no file name. */
static void check_command(struct parser *p)
{
	struct str names[N_COMMANDS], word, hint;

	if (p->has_command || p->out->operands.n == 0)
		return;
	word = str_of(p->out->operands.at[0]);
	if (str_find_char(word, '.') < word.len || str_find_char(word, '/') < word.len || str_eq(word, STR("-")) ||
	    access(word.ptr, F_OK) == 0)
		return;
	for (size_t i = 0; i < N_COMMANDS; i++)
		names[i] = str_of(command_rows[i].name);
	hint = suggestion(p->arena, word, names, N_COMMANDS, "");
	fail(p, arena_printf(p->arena, "there is no command and no file '" STR_FMT "'" STR_FMT, STR_ARG(word), STR_ARG(hint)));
}

static void check_all(struct parser *p)
{
	const struct command_row *row = &command_rows[p->out->command];
	size_t n = p->out->operands.n;

	for (enum option i = 0; i < N_OPTIONS; i++) {
		if (p->out->given[i] && (option_rows[i].commands & 1u << p->out->command) == 0)
			fail(p, arena_printf(p->arena, "'toronc %s' has no option --%s", row->name, option_rows[i].name));
	}
	if (n < row->least)
		fail(p, arena_printf(p->arena, "a file is missing: %s", row->usage));
	else if (n > row->most)
		fail(p, arena_printf(p->arena, "'%s' is one too many: %s", p->out->operands.at[row->most], row->usage));
}

bool args_parse(struct arena *a, int argc, char **argv, struct args *out, struct str *error_out)
{
	struct parser p = { .arena = a, .out = out };
	bool is_over = false;

	*out = (struct args){ .command = COMMAND_BUILD };
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (is_over || word[0] != '-' || word[1] == '\0')
			take_operand(&p, word);
		else if (strcmp(word, "--") == 0)
			is_over = true;
		else if (word[1] == '-')
			i += parse_long(&p, word, argc - i - 1, argv + i + 1);
		else
			i += parse_letters(&p, word, argc - i - 1, argv + i + 1);
	}
	if (p.error.ptr == NULL && (out->given[OPTION_HELP] || out->given[OPTION_VERSION])) {
		struct words operands = { 0 };

		if (out->given[OPTION_HELP] && p.has_command)
			words_add(a, &operands, command_rows[out->command].name);
		*out = (struct args){ .command = out->given[OPTION_HELP] ? COMMAND_HELP : COMMAND_VERSION, .operands = operands };
		return true;
	}
	check_command(&p);
	check_all(&p);
	*error_out = p.error;
	return p.error.ptr == NULL;
}

const char *args_value(const struct args *args, enum option option)
{
	const struct words *values = &args->values[option];

	return values->n == 0 ? NULL : values->at[values->n - 1];
}

int args_choice(const struct args *args, enum option option, int otherwise)
{
	const char *value = args_value(args, option);

	return value == NULL ? otherwise : choice_of(option_rows[option].choices, str_of(value));
}
