/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http/host_memo.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define BITS  6
#define LEAST 4u
#define MOST  64u

struct place {
	struct host_known known;
	uint8_t len; /* 0: empty */
	unsigned char authority[MOST];
};
struct host_memo {
	struct place places[1 << BITS];
};

struct host_memo *host_memo_new(void)
{
	return calloc(1, sizeof(struct host_memo));
}

void host_memo_free(struct host_memo **m)
{
	free(*m);
	*m = NULL;
}

/* By its first and last bytes. */
static inline size_t place_of(const unsigned char *bytes, size_t len)
{
	uint64_t mixed = len >= 8 ? bytes_load8(bytes) + 3 * bytes_load8(bytes + len - 8)
				  : bytes_load4(bytes) + 3 * (uint64_t)bytes_load4(bytes + len - 4);

	return mixed * 0x9e3779b97f4a7c15u >> (64 - BITS);
}

const struct host_known *host_memo_recall(const struct host_memo *m, struct str authority)
{
	const unsigned char *bytes = (const unsigned char *)authority.ptr;
	const struct place *p;

	if (m == NULL || authority.len < LEAST)
		return NULL;
	p = &m->places[place_of(bytes, authority.len)];
	return p->len == authority.len && bytes_same(p->authority, bytes, authority.len) ? &p->known : NULL;
}

void host_memo_keep(struct host_memo *m, struct str authority, const struct host_known *known)
{
	struct place *p;

	if (m == NULL || authority.len < LEAST || authority.len > MOST)
		return;
	p = &m->places[place_of((const unsigned char *)authority.ptr, authority.len)];
	p->known = *known;
	p->len = (uint8_t)authority.len;
	memcpy(p->authority, authority.ptr, authority.len);
}

void host_memo_lead(struct host_memo *m, struct str authority, const struct toron_router *router, uint32_t list)
{
	const struct host_known *known = host_memo_recall(m, authority);
	struct host_known more;

	if (known == NULL)
		return;
	more = *known;
	more.router = router;
	more.list = list;
	host_memo_keep(m, authority, &more);
}
