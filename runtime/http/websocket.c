/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http/websocket.h"

#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <sys/random.h>

#define KEY_BYTES 16
#define KEY_TEXT BASE64_ENCODE_RAW_LENGTH(KEY_BYTES)
#define ACCEPT_TEXT BASE64_ENCODE_RAW_LENGTH(SHA1_DIGEST_SIZE)

#define KEY STR("sec-websocket-key")
#define ACCEPT STR("sec-websocket-accept")

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
	if (s.len != KEY_TEXT || !str_ends(s, STR("==")))
		return false;
	for (size_t i = 0; i < KEY_TEXT - 2; i++)
		if (!is_base64(s.ptr[i]))
			return false;
	return true;
}

bool websocket_check(struct exchange *x)
{
	static const struct toron_header version = { STR_INIT("sec-websocket-version"), STR_INIT("13") };
	struct str key = field_of(&x->request.head, KEY);

	if (x->method_bit != TORON_GET || (!x->front->ops->is_keyless && !is_key(key))) {
		toron_respond_error(x, 400, NULL, 0);
		return false;
	}
	if (!str_eq(field_of(&x->request.head, version.name), version.value)) {
		toron_respond_error(x, 426, &version, 1);
		return false;
	}
	x->websocket_key = x->front->ops->is_keyless ? STR_NONE : key;
	return true;
}

static struct str make_key(struct exchange *x)
{
	uint8_t bytes[KEY_BYTES];
	char *text = arena_bytes(&x->arena, KEY_TEXT);

	/* So few bytes are never refused, or cut short, once the system is up. */
	if (text == NULL || getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return STR_NONE;
	base64_encode_raw(text, sizeof(bytes), bytes);
	return (struct str){ text, KEY_TEXT };
}

/* RFC 6455 section 4.2.2. */
static struct str answer_to(struct exchange *x, struct str key)
{
	struct str id = STR("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
	uint8_t digest[SHA1_DIGEST_SIZE];
	struct sha1_ctx sha1;
	char *text = arena_bytes(&x->arena, ACCEPT_TEXT);

	if (text == NULL)
		return STR_NONE;
	sha1_init(&sha1);
	sha1_update(&sha1, key.len, (const uint8_t *)key.ptr);
	sha1_update(&sha1, id.len, (const uint8_t *)id.ptr);
	sha1_digest(&sha1, sizeof(digest), digest);
	base64_encode_raw(text, sizeof(digest), digest);
	return (struct str){ text, ACCEPT_TEXT };
}

bool websocket_offer(struct exchange *x, const struct leg *back)
{
	fields_remove(&x->request.head, KEY);
	if (back->ops->is_keyless)
		return true;
	if (x->websocket_key.ptr == NULL)
		x->websocket_key = make_key(x);
	return x->websocket_key.ptr != NULL && fields_add(&x->request.head, &x->arena, KEY, x->websocket_key);
}

bool websocket_agree(struct exchange *x)
{
	struct fields *f = &x->response.head;
	struct str right = x->websocket_key.ptr == NULL ? STR_NONE : answer_to(x, x->websocket_key);

	if (!x->back->ops->is_keyless && (right.ptr == NULL || !str_eq(field_of(f, ACCEPT), right)))
		return false;
	fields_remove(f, ACCEPT);
	return x->front->ops->is_keyless || (right.ptr != NULL && fields_add(f, &x->arena, ACCEPT, right));
}
