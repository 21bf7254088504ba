/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* CHECK: an invariant that stays on in release builds. It is for what our own code promises, never for
 * what a peer or a config sent. A failed check prints file, line and expression and aborts. */
#pragma once

#include <stddef.h>

_Noreturn void check_failed(const char *file, int line, const char *expression);
/* Where there is no budget to exceed (compiler, boot), no memory is the end: says so, exit status 2. */
_Noreturn void check_out_of_memory(void);

#define CHECK(x) (__builtin_expect(!!(x), 1) ? (void)0 : check_failed(__FILE__, __LINE__, #x))

/* An object that outlives a callback carries a magic as its first member. */
#define CHECK_MAGIC(object, value) CHECK((object) != NULL && (object)->magic == (value))

/* The struct of which `member` at `pointer` is a part. */
#define CONTAINER_OF(pointer, type, member) \
	((type *)(void *)((char *)(pointer) - offsetof(type, member)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
