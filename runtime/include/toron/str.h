/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A counted byte string: the one string type of compiler, runtime, generated code and plugins.
 *
 * A str never owns its bytes: it is borrowed for as long as the place it was taken from says. The bytes
 * need not end in NUL and may hold NUL. ptr may be NULL only while len is 0; a str with ptr NULL means
 * "absent" where a function says so, one with ptr set and len 0 means "present and empty". */
#pragma once

#include <stddef.h>

struct str {
	const char *ptr;
	size_t len;
};

/* A str over a string literal, usable in static initialisers and in expressions. */
#define STR_INIT(literal) { "" literal, sizeof(literal) - 1 }
#define STR(literal) ((struct str)STR_INIT(literal))
#define STR_NONE ((struct str){ NULL, 0 })

/* printf("%.*s") in two words: printf("x " STR_FMT, STR_ARG(s)). */
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).len, (s).ptr
