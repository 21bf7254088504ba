/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* JSON from outside, parsed by Jansson within bounds: one object, no member twice, no nesting
 * beyond JSON_TEXT_DEPTH, valid UTF-8, nothing behind it. */
#pragma once

#include <jansson.h>

#include "toron/str.h"

#define JSON_TEXT_DEPTH 32

/* NULL when it is anything else. The caller owns the reference. */
json_t *json_text_parse(struct str text);
/* A member that is a string; ptr NULL when there is none or it is something else. Borrowed from the
 * object. */
struct str json_text_member(const json_t *object, const char *name);
