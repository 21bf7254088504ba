/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Writes one JSON object as one line into memory that the caller has made large enough:
 * JSON_LINE_TEXT bytes for a text member, JSON_LINE_NUMBER for a number, JSON_NAME_MOST for each name.
 * Nothing is allocated or checked twice; used by the access log. */
#pragma once

#include <stdint.h>

#include "toron/str.h"

struct json_line {
	char *at;
};

/* A member's name as it stands in the line, made by JSON_NAME from a literal that needs no escape. */
#define JSON_NAME_MOST 23
struct json_name {
	char bytes[JSON_NAME_MOST];
	unsigned char len;
};
#define JSON_NAME(s) { "\"" s "\":", sizeof("\"" s "\":") - 1 }

/* A byte of text takes 6 at most (\u00XX); then there are the quotes, colon and comma. */
#define JSON_LINE_TEXT(len) ((size_t)(len) * 6 + 6)
#define JSON_LINE_NUMBER 32

void json_line_begin(struct json_line *j, char *into);
/* What is not UTF-8 becomes U+FFFD; control characters and line separators are escaped, those beyond ASCII too. */
void json_line_text(struct json_line *j, const struct json_name *name, struct str value);
void json_line_number(struct json_line *j, const struct json_name *name, uint64_t value);
/* Microseconds, as milliseconds with three decimals. */
void json_line_us(struct json_line *j, const struct json_name *name, uint64_t us);
/* The number alone, at most JSON_LINE_US bytes, without a NUL; their end. */
#define JSON_LINE_US 24
char *json_line_put_us(char *to, uint64_t us);
/* Ends the object and the line; the byte behind it. */
char *json_line_end(struct json_line *j);
