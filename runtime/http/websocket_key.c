/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http/websocket_key.h"

#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <sys/random.h>

#define KEY_BYTES 16
static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 section 1.3 */

bool websocket_key_make(char out[WEBSOCKET_KEY_LEN])
{
	uint8_t bytes[KEY_BYTES];

	if (getrandom(bytes, sizeof(bytes), GRND_NONBLOCK) != (ssize_t)sizeof(bytes))
		return false;
	base64_encode_raw(out, sizeof(bytes), bytes);
	return true;
}

void websocket_key_accept(struct str key, char out[WEBSOCKET_ACCEPT_LEN])
{
	struct sha1_ctx sha;
	uint8_t digest[SHA1_DIGEST_SIZE];

	sha1_init(&sha);
	sha1_update(&sha, key.len, (const uint8_t *)key.ptr);
	sha1_update(&sha, sizeof(guid) - 1, (const uint8_t *)guid);
	sha1_digest(&sha, sizeof(digest), digest);
	base64_encode_raw(out, sizeof(digest), digest);
}
