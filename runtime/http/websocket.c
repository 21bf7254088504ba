/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http/websocket.h"

#include "http/websocket_key.h"

#define KEY STR("sec-websocket-key")

bool websocket_is_asked(const struct exchange *x)
{
	return x->request.protocol.ptr != NULL && str_eq_nocase(x->request.protocol, STR("websocket"));
}

static struct str field_of(const struct fields *f, struct str name)
{
	const struct field *found = fields_find(f, name);

	return found == NULL ? STR_NONE : found->value;
}

static bool is_base64(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/* 16 bytes in base64. */
static bool is_key(struct str s)
{
	if (s.len != WEBSOCKET_KEY_LEN || !str_ends(s, STR("==")))
		return false;
	for (size_t i = 0; i < WEBSOCKET_KEY_LEN - 2; i++)
		if (!is_base64(s.ptr[i]))
			return false;
	return true;
}

bool websocket_check(struct exchange *x)
{
	static const struct toron_header version = { STR_INIT("sec-websocket-version"), STR_INIT("13") };
	struct str key = field_of(&x->request.head, KEY);

	/* Later versions have no key; one that came all the same goes no further. */
	if (x->request.version_major > 1) {
		fields_remove(&x->request.head, KEY);
		key = STR_NONE;
	}
	if (x->method_bit != TORON_GET || (x->request.version_major == 1 && !is_key(key))) {
		toron_respond_error(x, 400, NULL, 0);
		return false;
	}
	if (!str_eq(field_of(&x->request.head, version.name), version.value)) {
		toron_respond_error(x, 426, &version, 1);
		return false;
	}
	x->websocket_key = key;
	return true;
}

static struct str make_key(struct exchange *x)
{
	char text[WEBSOCKET_KEY_LEN];

	return websocket_key_make(text) ? arena_str(&x->arena, (struct str){ text, sizeof(text) }) : STR_NONE;
}

bool websocket_offer(struct exchange *x)
{
	if (fields_find(&x->request.head, KEY) != NULL)
		return true;
	x->websocket_key = make_key(x);
	return x->websocket_key.ptr != NULL && fields_add(&x->request.head, &x->arena, KEY, x->websocket_key);
}

bool websocket_agree(const struct exchange *x)
{
	char right[WEBSOCKET_ACCEPT_LEN];

	if (x->websocket_key.ptr == NULL)
		return false;
	websocket_key_accept(x->websocket_key, right);
	return str_eq(field_of(&x->response.head, STR("sec-websocket-accept")), (struct str){ right, sizeof(right) });
}
