/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The request-id middleware: 128 random bits in hexadecimal, or the client's own where that is
 * trusted. The bits come from a ChaCha20 stream per thread, so that an identifier costs no system
 * call and tells nothing about the next one. */
#include "toron/mw.h"

#include <stdint.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/str.h"
#include "http/field.h"

#define ID_BYTES      16
#define ID_TEXT       (2 * ID_BYTES)
#define INCOMING_MOST 128
#define BLOCK_WORDS   16
#define KEY_WORDS     8
#define ROUNDS        20

struct stream {
	uint32_t key[KEY_WORDS];
	uint64_t counter;
	unsigned char block[4 * BLOCK_WORDS];
	size_t left; /* unused bytes at the block's end */
	bool is_seeded;
};

static _Thread_local struct stream stream;

static uint32_t rotate(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

static void quarter_round(uint32_t w[BLOCK_WORDS], unsigned a, unsigned b, unsigned c, unsigned d)
{
	w[a] += w[b], w[d] = rotate(w[d] ^ w[a], 16);
	w[c] += w[d], w[b] = rotate(w[b] ^ w[c], 12);
	w[a] += w[b], w[d] = rotate(w[d] ^ w[a], 8);
	w[c] += w[d], w[b] = rotate(w[b] ^ w[c], 7);
}

/* The block function of RFC 8439 section 2.3, with a 64-bit counter and no nonce: each thread has a
 * key of its own. */
static void next_block(struct stream *s)
{
	uint32_t start[BLOCK_WORDS] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 },
		 w[BLOCK_WORDS];

	memcpy(&start[4], s->key, sizeof(s->key));
	start[12] = (uint32_t)s->counter;
	start[13] = (uint32_t)(s->counter >> 32);
	s->counter++;
	memcpy(w, start, sizeof(w));
	for (unsigned i = 0; i < ROUNDS; i += 2) {
		for (unsigned k = 0; k < 4; k++)
			quarter_round(w, k, 4 + k, 8 + k, 12 + k);
		for (unsigned k = 0; k < 4; k++)
			quarter_round(w, k, 4 + (k + 1) % 4, 8 + (k + 2) % 4, 12 + (k + 3) % 4);
	}
	for (unsigned i = 0; i < BLOCK_WORDS; i++)
		w[i] += start[i];
	memcpy(s->block, w, sizeof(s->block));
	s->left = sizeof(s->block);
}

static void seed(struct stream *s)
{
	/* Without getrandom identifiers are still distinct, only not unpredictable, which nobody
	 * was promised. */
	if (getrandom(s->key, sizeof(s->key), 0) != (ssize_t)sizeof(s->key)) {
		uint64_t mix[4] = { clock_wall_us(), clock_monotonic_us(), (uint64_t)(uintptr_t)s,
			(uint64_t)(uintptr_t)&mix };

		memcpy(s->key, mix, sizeof(s->key));
	}
	s->is_seeded = true;
}

static struct str new_id(struct exchange *x)
{
	static const char digits[] = "0123456789abcdef";
	struct stream *s = &stream;
	char *text = toron_alloc(x, ID_TEXT);

	if (text == NULL)
		return STR_NONE;
	if (!s->is_seeded)
		seed(s);
	if (s->left < ID_BYTES)
		next_block(s);
	const unsigned char *bytes = s->block + sizeof(s->block) - s->left;

	s->left -= ID_BYTES;
	for (size_t i = 0; i < ID_BYTES; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	return (struct str){ text, ID_TEXT };
}

enum toron_verdict toron_request_id_request(
	struct exchange *x, const struct toron_request_id_conf *conf)
{
	struct str id = conf->trust_incoming ? toron_request_header(x, conf->header) : STR_NONE;

	if (id.len > INCOMING_MOST || !field_is_token(id))
		id = new_id(x);
	if (id.ptr == NULL)
		return TORON_NEXT;
	toron_request_header_set(x, conf->header, id);
	toron_request_id_set(x, id);
	return TORON_NEXT;
}

void toron_request_id_response(struct exchange *x, const struct toron_request_id_conf *conf)
{
	struct str id = toron_request_id(x);

	if (id.len != 0)
		toron_response_header_set(x, conf->header, id);
}
