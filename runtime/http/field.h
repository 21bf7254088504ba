/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Header and trailer fields (RFC 9110 section 5). Names are lower case always (codecs lower them in their own buffers), so that
 * comparison is memcmp; values are trimmed and hold no CR, LF or NUL. Names and values are borrowed for the exchange's life. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* Fields that our own code must know quickly. */
enum field_token {
	FIELD_OTHER,
#define FIELD(token, name) FIELD_##token,
#include "http/field.def"
#undef FIELD
	FIELD_TOKEN_COUNT
};

struct field {
	struct str name, value;
	uint16_t token; /* enum field_token */
	bool is_line;   /* "name: value CRLF" stands in one piece at name.ptr, to be sent as it is; who changes either clears this */
};

struct fields {
	struct field *at; /* in the exchange's arena */
	uint16_t n, cap;
	uint64_t tokens;  /* a bit for each token that is, or was, among them */
};
_Static_assert(FIELD_TOKEN_COUNT <= 64, "fields.tokens has a bit for each token");
#define FIELD_BIT(token) ((uint64_t)1 << (token))

/* The token of a lower-case name. */
enum field_token field_token(struct str name);
struct str field_token_name(enum field_token t);

/* False when over the arena's budget. */
bool fields_add(struct fields *f, struct arena *a, struct str name, struct str value);
/* Room for one more; likewise. */
bool fields_grow(struct fields *f, struct arena *a);
/* As fields_add, for a codec that knows the rest. */
static inline bool fields_append(struct fields *f, struct arena *a, const struct field *field)
{
	if (f->n == f->cap && !fields_grow(f, a))
		return false;
	f->tokens |= FIELD_BIT(field->token);
	f->at[f->n++] = *field;
	return true;
}
/* Replaces all of that name by one. */
bool fields_set(struct fields *f, struct arena *a, struct str name, struct str value);
void fields_remove(struct fields *f, struct str name);
void fields_remove_token(struct fields *f, enum field_token t);
/* True if `name` is `want` but for "_" in place of "-": servers that turn names into variables (CGI, WSGI) take both for the same. */
bool field_is_respelt(struct str name, struct str want);
/* Removes all of such names. */
void fields_remove_respelt(struct fields *f, struct str name);
/* The first, or NULL. */
const struct field *fields_find(const struct fields *f, struct str name);
const struct field *fields_search_token(const struct fields *f, enum field_token t);
static inline const struct field *fields_find_token(const struct fields *f, enum field_token t)
{
	return f->tokens & FIELD_BIT(t) ? fields_search_token(f, t) : NULL;
}
/* True if a comma-separated list field of that token has the member (case-insensitive). */
bool fields_has_member(const struct fields *f, enum field_token t, struct str member);
/* Takes the next non-empty, trimmed member off a comma-separated list; false at the end. */
bool field_next_member(struct str *rest, struct str *member_out);

/* What becomes of a field in a trailer section: those that frame or route are refused (RFC 9110 section 6.5.1); those that concern one
 * connection or say who sent the message are read over: merged into a head, they would pass for the gateway's own. */
enum trailer_use { TRAILER_KEPT, TRAILER_DROPPED, TRAILER_REFUSED };
enum trailer_use field_trailer_use(enum field_token t);

/* RFC 9110 section 5.6.2 token and section 5.5 field value. */
bool field_is_token(struct str s);
bool field_is_value(struct str s);
