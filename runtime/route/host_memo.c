/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "route/host_memo.h"

#include <stdlib.h>
#include <string.h>

#include "route/bytes.h"

#define BITS  6
#define LEAST 8u  /* shorter ones are matched as fast */
#define MOST  47u /* longer ones are matched each time */

struct place {
	const struct toron_router *router; /* NULL: empty */
	uint32_t list;
	uint8_t len;
	unsigned char host[MOST];
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

uint32_t host_memo_list(struct host_memo *m, const struct toron_router *router, struct str host)
{
	const unsigned char *bytes = (const unsigned char *)host.ptr;
	struct place *p;
	uint64_t mixed;

	if (m == NULL || host.len < LEAST || host.len > MOST)
		return router->host(host.ptr, host.len);
	mixed = (bytes_load8(bytes) + 3 * bytes_load8(bytes + host.len - 8)) * 0x9e3779b97f4a7c15u;
	p = &m->places[mixed >> (64 - BITS)];
	if (p->router == router && p->len == host.len && bytes_same(p->host, bytes, host.len))
		return p->list;
	p->router = router;
	p->len = (uint8_t)host.len;
	memcpy(p->host, bytes, host.len);
	p->list = router->host(host.ptr, host.len);
	return p->list;
}
