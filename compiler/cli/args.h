/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The command line: commands, options and what they take, as tables that the parser, the help and the errors share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "drive/toolchain.h"

enum command {
	COMMAND_BUILD, /* also when no command is named: `toronc CONFIG -o OUT` */
	COMMAND_CHECK,
	COMMAND_DUMP,
	COMMAND_EXPLAIN,
	COMMAND_DIFF,
	COMMAND_FMT,
	COMMAND_CONVERT,
	COMMAND_INIT,
	COMMAND_VALIDATE,
	COMMAND_FEATURES,
	COMMAND_SCHEMA,
	COMMAND_HELP,
	COMMAND_VERSION,
	N_COMMANDS,
};

enum option {
	OPTION_OUTPUT, OPTION_EMIT_ONLY, OPTION_DYNAMIC, OPTION_JOBS, OPTION_WITH_FILES, OPTION_MATCHER, OPTION_NO_CACHE, OPTION_CACHE_DIR,
	OPTION_DEFINE, OPTION_ENV_FILE, OPTION_ALLOW_ENV, OPTION_STAGE, OPTION_TO, OPTION_TAGGED, OPTION_NO_ORIGINS, OPTION_SCHEMA,
	OPTION_REF, OPTION_ASSERT_FORMATS, OPTION_CHECK, OPTION_KEYS, OPTION_HEADER, OPTION_SOURCE, OPTION_FORMAT_IN, OPTION_STRICT, OPTION_WARNINGS_AS_ERRORS, OPTION_FORMAT,
	OPTION_COLOR, OPTION_VERBOSE, OPTION_HELP, OPTION_VERSION,
	N_OPTIONS,
};

struct command_row {
	const char *name, *usage, *title, *help;
	size_t least, most; /* operands */
};

struct option_row {
	const char *name;
	char letter;            /* 0: none */
	const char *argument;   /* "FILE"; NULL: takes none */
	const char *choices;    /* "auto|re2c|table"; NULL: anything */
	unsigned commands;      /* bits 1 << COMMAND_x */
	const char *help;
};

extern const struct command_row command_rows[N_COMMANDS];
extern const struct option_row option_rows[N_OPTIONS];

struct args {
	enum command command;
	struct words operands;
	bool given[N_OPTIONS];
	struct words values[N_OPTIONS]; /* in order */
};

/* Parses argv[1..]. False: *error_out is a sentence for whoever typed it. --help and --version anywhere become those commands. */
bool args_parse(struct arena *a, int argc, char **argv, struct args *out, struct str *error_out);
/* The last value of an option, or NULL. */
const char *args_value(const struct args *args, enum option option);
/* The number of the value among the option's choices; `otherwise` if the option was not given. */
int args_choice(const struct args *args, enum option option, int otherwise);
/* By name; N_COMMANDS if there is none. */
enum command args_command_of(const char *name);
