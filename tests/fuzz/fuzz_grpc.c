/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fuzzes gRPC's framing and the translator of gRPC-Web. The first byte says how the rest is cut into pieces. Messages end at the same
 * places however they are cut; text decodes to the same bytes or to none; and what was encoded as the response's filter does it,
 * message by message with padding, decodes to what it was. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "codec/grpc/web.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST 65536u

/* The text that the bytes become, in pieces of `step`. */
static size_t encode(const uint8_t *bytes, size_t n, size_t step, char *text, size_t *n_ends, size_t *last_end)
{
	struct grpc_stream s = { 0 };
	struct base64_encode_ctx c;
	size_t at = 0, len = 0;

	*n_ends = *last_end = 0;
	base64_encode_init(&c);
	while (at < n) {
		size_t most = n - at < step ? n - at : step;
		bool ends;
		size_t took = grpc_stream_take(&s, bytes + at, most, &ends);

		CHECK(took > 0 && took <= most && (ends || took == most));
		len += base64_encode_update(&c, text + len, took, bytes + at);
		at += took;
		if (!ends)
			continue;
		len += base64_encode_final(&c, text + len);
		(*n_ends)++;
		*last_end = at;
	}
	return len + base64_encode_final(&c, text + len);
}

static ptrdiff_t decode(const char *text, size_t n, size_t step, uint8_t *bytes)
{
	struct base64_decode_ctx c;
	size_t at = 0, len = 0;

	base64_decode_init(&c);
	while (at < n) {
		size_t most = n - at < step ? n - at : step;
		ptrdiff_t got = grpc_web_text_decode(&c, bytes + len, text + at, most);

		if (got < 0)
			return -1;
		len += (size_t)got;
		at += most;
	}
	return grpc_web_text_is_whole(&c) ? (ptrdiff_t)len : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t once[MOST], again[MOST];
	static char text[8 * MOST];
	size_t step = size == 0 ? 1 : data[0] % 64 + 1u, ends[2], last[2], len;
	ptrdiff_t whole, cut;

	if (size == 0 || size > MOST / 2)
		return 0;
	data++;
	size--;
	encode(data, size, SIZE_MAX, text, &ends[0], &last[0]);
	len = encode(data, size, step, text, &ends[1], &last[1]);
	CHECK(ends[0] == ends[1] && last[0] == last[1]);
	CHECK(decode(text, len, step, once) == (ptrdiff_t)size && memcmp(once, data, size) == 0);

	whole = decode((const char *)data, size, SIZE_MAX, once);
	cut = decode((const char *)data, size, step, again);
	CHECK(whole == cut && (whole <= 0 || memcmp(once, again, (size_t)whole) == 0));
	return 0;
}
