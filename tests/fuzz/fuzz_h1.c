/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fuzzes HTTP/1.1 heads in both roles, trailers and the chunked coding. What was accepted must hold what the next layer relies on. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "codec/h1/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct h1_limits limits = { .header_bytes = 65536, .header_count = 100, .uri_bytes = 8192 };

static void check_fields(const struct fields *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		CHECK(field_is_token(f->at[i].name));
		CHECK(field_is_value(f->at[i].value));
		for (size_t k = 0; k < f->at[i].name.len; k++)
			CHECK(f->at[i].name.ptr[k] < 'A' || f->at[i].name.ptr[k] > 'Z');
		CHECK(f->at[i].token == field_token(f->at[i].name) && (f->tokens & FIELD_BIT(f->at[i].token)));
		if (!f->at[i].is_line)
			continue;
		CHECK(f->at[i].value.ptr == f->at[i].name.ptr + f->at[i].name.len + 2);
		CHECK(memcmp(f->at[i].value.ptr - 2, ": ", 2) == 0);
		CHECK(memcmp(f->at[i].value.ptr + f->at[i].value.len, "\r\n", 2) == 0);
	}
}

static void parse_head(char *bytes, size_t size, int kind)
{
	struct arena a;
	struct msg m;
	struct h1_head head = { 0 };
	size_t scanned = 0, len = h1_head_length(bytes, size, &scanned);
	enum fault fault;

	if (len == 0 && kind == 2)
		return;
	CHECK(len <= size);
	memset(&m, 0, sizeof(m));
	arena_init(&a, NULL, 0, 1 << 20);
	/* The bytes may go on behind the head, or end before it does. */
	if (kind == 0)
		fault = h1_parse_request(bytes, size, &limits, &a, &m, &head);
	else if (kind == 1)
		fault = h1_parse_response(bytes, size, &limits, &a, false, &m, &head);
	else
		fault = h1_parse_trailers(bytes, len, &limits, &a, &m.trailers);
	CHECK(kind == 2 || fault != FAULT_NONE || head.len == len || head.len == 0);
	if (fault == FAULT_NONE && (kind == 2 || head.len != 0)) {
		check_fields(&m.head);
		check_fields(&m.trailers);
		CHECK(kind != 0 || (m.method.len != 0 && m.path.len != 0));
		CHECK(head.framing != H1_LENGTH || m.length > 0);
	}
	arena_fini(&a);
}

static void parse_chunks(const char *bytes, size_t size)
{
	struct h1_chunks c = { .state = H1_CHUNK_SIZE };
	size_t at = 0;

	while (at < size && c.state != H1_CHUNK_TRAILERS) {
		ptrdiff_t n = h1_chunks_step(&c, bytes + at, size - at);

		if (n < 0)
			return;
		CHECK((size_t)n <= size - at);
		at += (size_t)n;
		if (c.state == H1_CHUNK_DATA) {
			size_t take = size - at < c.left ? size - at : (size_t)c.left;

			c.left -= take;
			at += take;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy;

	if (size < 1)
		return 0;
	copy = malloc(size);
	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	if (data[0] % 4 == 3)
		parse_chunks(copy + 1, size - 1);
	else
		parse_head(copy + 1, size - 1, data[0] % 4);
	free(copy);
	return 0;
}
