/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "codec/h2/memory.h"

#define LARGE 40000u /* bytes of a value whose head takes three frames */

static struct worker worker;
static char large[LARGE];

/* A server that answers, and the client that decodes what it sends. */
struct pair {
	struct h2_memory memory[2];
	nghttp2_session *client, *server;
	size_t value_len;      /* of the last field that came */
	char last;             /* ... and its last byte */
};

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
	const uint8_t *value, size_t value_len, uint8_t flags, void *user)
{
	struct pair *p = user;

	(void)frame;
	(void)name;
	(void)name_len;
	(void)flags;
	if (session != p->client)
		return 0;
	p->value_len = value_len;
	p->last = value_len == 0 ? 0 : (char)value[value_len - 1];
	return 0;
}

/* What one call of nghttp2 makes is copied at once, as the codec does. False: there was nothing. */
static bool step(nghttp2_session *from, nghttp2_session *to)
{
	const uint8_t *bytes;
	ssize_t n = nghttp2_session_mem_send(from, &bytes);

	ck_assert_int_ge(n, 0);
	ck_assert_int_eq(nghttp2_session_mem_recv(to, bytes, (size_t)n), n);
	return n != 0;
}

static void pair_init(struct pair *p)
{
	nghttp2_session_callbacks *c;
	nghttp2_mem mem;

	memset(p, 0, sizeof(*p));
	ck_assert_int_eq(nghttp2_session_callbacks_new(&c), 0);
	nghttp2_session_callbacks_set_on_header_callback(c, on_header);
	for (int i = 0; i < 2; i++) {
		ck_assert(h2_memory_init(&p->memory[i], &worker));
		mem = h2_memory_of(&p->memory[i]);
		p->memory[i].shares_frame = i == 1;
		ck_assert_int_eq(i == 0 ? nghttp2_session_client_new3(&p->client, c, p, NULL, &mem) :
					  nghttp2_session_server_new3(&p->server, c, p, NULL, &mem), 0);
		p->memory[i].shares_frame = false;
		ck_assert_int_eq(nghttp2_submit_settings(i == 0 ? p->client : p->server, NGHTTP2_FLAG_NONE, NULL, 0), 0);
	}
	nghttp2_session_callbacks_del(c);
}

static void pair_fini(struct pair *p)
{
	nghttp2_session_del(p->client);
	nghttp2_session_del(p->server);
	h2_memory_fini(&p->memory[0]);
	h2_memory_fini(&p->memory[1]);
}

#define FIELD(name, text, len) { (uint8_t *)(name), (uint8_t *)(text), sizeof(name) - 1, len, NGHTTP2_NV_FLAG_NO_INDEX }

/* The client asks, and the answer, with a value of so many bytes, waits to be sent. */
static void answer(struct pair *p, char fill, size_t len)
{
	const nghttp2_nv request[] = { FIELD(":method", "GET", 3), FIELD(":scheme", "http", 4), FIELD(":authority", "a", 1),
		FIELD(":path", "/", 1) };
	const nghttp2_nv response[] = { FIELD(":status", "200", 3), FIELD("x", large, len) };
	int32_t id = nghttp2_submit_request(p->client, NULL, request, 4, NULL, NULL);

	ck_assert_int_gt(id, 0);
	while (step(p->client, p->server))
		;
	memset(large, fill, len);
	ck_assert_int_eq(nghttp2_submit_response(p->server, id, response, 2, NULL), 0);
}

/* Heads of several frames each, made by turns. */
START_TEST(sessions_share_the_frame_buffer)
{
	struct pair a, b;

	pair_init(&a);
	pair_init(&b);
	for (int round = 0; round < 3; round++) {
		answer(&a, (char)('a' + round), LARGE - 1);
		answer(&b, (char)('A' + round), LARGE);
		for (bool more = true; more;) {
			bool first = step(a.server, a.client), second = step(b.server, b.client);

			more = first || second;
		}
		ck_assert_uint_eq(a.value_len, LARGE - 1);
		ck_assert_uint_eq(b.value_len, LARGE);
		ck_assert_int_eq(a.last, 'a' + round);
		ck_assert_int_eq(b.last, 'A' + round);
	}
	pair_fini(&a);
	answer(&b, 'z', 100);
	while (step(b.server, b.client))
		;
	ck_assert_uint_eq(b.value_len, 100);
	ck_assert_ptr_nonnull(worker.h2);
	pair_fini(&b);
	ck_assert_ptr_null(worker.h2);
}
END_TEST

/* That of the pool is for a session's beginning alone. */
START_TEST(there_is_one_frame_buffer)
{
	struct h2_memory m;
	nghttp2_mem mem;
	void *first, *second;

	ck_assert(h2_memory_init(&m, &worker));
	mem = h2_memory_of(&m);
	m.shares_frame = true;
	first = mem.realloc(NULL, 16394, &m);
	second = mem.realloc(NULL, 16394, &m);
	ck_assert_ptr_eq(first, second);
	m.shares_frame = false;
	second = mem.malloc(16394, &m);
	ck_assert_ptr_ne(first, second);
	mem.free(first, &m);
	mem.free(second, &m);
	h2_memory_fini(&m);
}
END_TEST

/* Blocks of all sizes hold what they should, are zeroed where that was asked for, and grow. */
START_TEST(blocks)
{
	struct h2_memory m;
	nghttp2_mem mem;

	ck_assert(h2_memory_init(&m, &worker));
	mem = h2_memory_of(&m);
	for (int round = 0; round < 2; round++) {
		for (size_t size = 1; size < 1200; size++) {
			char *at = mem.malloc(size, &m), *zeroed;

			ck_assert_ptr_nonnull(at);
			memset(at, 0xa5, size);
			mem.free(at, &m);
			zeroed = mem.calloc(1, size, &m);
			for (size_t i = 0; i < size; i++)
				ck_assert_int_eq(zeroed[i], 0);
			zeroed[size - 1] = 'x';
			zeroed = mem.realloc(zeroed, 2 * size, &m);
			ck_assert_int_eq(zeroed[size - 1], 'x');
			memset(zeroed, 0x5a, 2 * size);
			mem.free(zeroed, &m);
		}
	}
	ck_assert_ptr_null(mem.calloc(SIZE_MAX / 2, 3, &m));
	mem.free(NULL, &m);
	h2_memory_fini(&m);
}
END_TEST

Suite *suite_h2_memory(void)
{
	Suite *s = suite_create("h2_memory");
	TCase *t = tcase_create("h2_memory");

	tcase_add_test(t, sessions_share_the_frame_buffer);
	tcase_add_test(t, there_is_one_frame_buffer);
	tcase_add_test(t, blocks);
	suite_add_tcase(s, t);
	return s;
}
