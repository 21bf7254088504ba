/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Writes one JSON object as one line into memory that the caller has made large enough:
 * JSON_LINE_TEXT(cap) bytes for a text member, JSON_LINE_NUMBER for a number, besides the names.
 * Nothing is allocated or checked twice; used by the access log. */
#pragma once

#include <stdint.h>

#include "toron/str.h"

struct json_line {
	char *at;
};

/* A byte of text takes 6 at most (\u00XX); then there are the quotes, colon and comma. */
#define JSON_LINE_TEXT(cap) ((size_t)(cap) * 6 + 6)
#define JSON_LINE_NUMBER 32

void json_line_begin(struct json_line *j, char *into);
/* The member's name is a literal that needs no escape. Of the value the first `cap` bytes count;
 * what is not UTF-8 becomes U+FFFD. */
void json_line_text(struct json_line *j, struct str name, struct str value, size_t cap);
void json_line_number(struct json_line *j, struct str name, uint64_t value);
/* As milliseconds with three decimals. */
void json_line_us(struct json_line *j, struct str name, uint64_t us);
/* Ends the object and the line; the byte behind it. */
char *json_line_end(struct json_line *j);
