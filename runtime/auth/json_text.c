/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "auth/json_text.h"

#include <stdbool.h>

/* Jansson recurses for each level, so the levels are counted before. Brackets inside strings do not
 * count. */
static bool is_shallow(struct str text)
{
	bool in_string = false;
	unsigned depth = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '\\' && in_string)
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '[') && ++depth > JSON_TEXT_DEPTH)
			return false;
		else if (!in_string && (c == '}' || c == ']') && depth > 0)
			depth--;
	}
	return true;
}

json_t *json_text_parse(struct str text)
{
	json_error_t error;
	json_t *value;

	if (text.len == 0 || !is_shallow(text))
		return NULL;
	value = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
	if (json_is_object(value))
		return value;
	json_decref(value);
	return NULL;
}

struct str json_text_member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_string(value))
		return STR_NONE;
	return (struct str){ json_string_value(value), json_string_length(value) };
}
