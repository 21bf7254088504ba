/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "auth/claims.h"

#include <jansson.h>

#include "base/str.h"

void claims_free(void *claims)
{
	json_decref(claims);
}

static const json_t *member(const json_t *object, struct str name)
{
	char key[CLAIMS_PATH_MOST + 1];

	memcpy(key, name.ptr, name.len);
	key[name.len] = '\0';
	return json_object_get(object, key);
}

/* The object that the shortest prefix of *path names; *path is then what follows. */
static const json_t *step(const json_t *object, struct str *path)
{
	for (size_t i = 0; i < path->len; i++) {
		const json_t *inner;

		if (path->ptr[i] != '.')
			continue;
		inner = member(object, str_slice(*path, 0, i));
		if (!json_is_object(inner))
			continue;
		*path = str_slice(*path, i + 1, path->len);
		return inner;
	}
	return NULL;
}

static const json_t *find(const json_t *at, struct str path)
{
	while (at != NULL) {
		const json_t *value = member(at, path);

		if (value != NULL)
			return value;
		at = step(at, &path);
	}
	return NULL;
}

struct str claims_read(struct exchange *x, void *claims, struct str path)
{
	const json_t *value =
		path.len == 0 || path.len > CLAIMS_PATH_MOST ? NULL : find(claims, path);
	size_t flags = JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY, len;
	char *text;

	if (value == NULL || json_is_null(value))
		return STR_NONE;
	if (json_is_string(value))
		return (struct str){ json_string_value(value), json_string_length(value) };
	len = json_dumpb(value, NULL, 0, flags);
	text = toron_alloc(x, len);
	if (len == 0 || text == NULL)
		return STR_NONE;
	json_dumpb(value, text, len, flags);
	return (struct str){ text, len };
}
