/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Takes the place of the runtime's main in a gateway, and measures its route search: run with a
 * file of requests ("METHOD host path tenant" a line) and, if need be, a number of searches. Prints
 * nanoseconds and user instructions a search (0: the machine does not count them), how many
 * requests found a route, and how many searches there were. */
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "http/exchange.h"
#include "http/host_memo.h"
#include "toron/gateway.h"

#define MOST    200000
#define SEARCHES 2000000

static struct exchange requests[MOST];

static int open_counter(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.disabled = 1,
		.exclude_kernel = 1 };

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static uint32_t bit_of(const char *method)
{
	static const char *const names[] = { "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT",
		"OPTIONS", "TRACE", "PATCH" };

	for (unsigned i = 0; i < 9; i++)
		if (strcmp(method, names[i]) == 0)
			return 1u << i;
	return TORON_METHOD_OTHER;
}

static size_t read_requests(const struct toron_gateway *g, const char *path)
{
	static struct worker worker;
	char method[32], host[256], target[1024], tenant[64];
	FILE *in = fopen(path, "r");
	size_t n = 0;

	worker.gateway = g;
	worker.hosts = host_memo_new();
	while (in != NULL && n < MOST &&
		fscanf(in, "%31s %255s %1023s %63s", method, host, target, tenant) == 4) {
		struct exchange *x = &requests[n++];

		x->worker = &worker;
		x->listener = &g->listeners[0];
		x->method_bit = bit_of(method);
		x->host = x->request.authority = str_of(strdup(host));
		x->path = str_of(strdup(target));
		x->request.scheme = STR("http");
		arena_init(&x->arena, NULL, 0, 1 << 16);
		if (strcmp(tenant, "-") != 0)
			fields_add(&x->request.head, &x->arena, STR("x-tenant"),
				str_of(strdup(tenant)));
	}
	if (in != NULL)
		fclose(in);
	return n;
}

/* With the look at what is known of the host, which a request has before it is routed. */
__attribute__((noinline)) static bool search(struct exchange *x, uint32_t *allow)
{
	struct host_memo *memo = x->worker->hosts;
	const struct host_known *known = host_memo_recall(memo, x->host);

	x->host_router = known == NULL ? NULL : known->router;
	x->host_list = known == NULL ? 0 : known->list;
	if (known == NULL)
		host_memo_keep(memo, x->host, &(struct host_known){ .len = (uint8_t)x->host.len });
	return route_find(x, allow);
}

int toron_main(const struct toron_gateway *g, int argc, char **argv)
{
	size_t n = argc > 1 ? read_requests(g, argv[1]) : 0, found = 0, rounds;
	struct timespec from, to;
	uint64_t instructions = 0;
	int counter = open_counter();
	uint32_t allow;

	if (n == 0)
		return 1;
	for (size_t i = 0; i < n; i++)
		found += search(&requests[i], &allow);
	rounds = (argc > 2 ? strtoul(argv[2], NULL, 10) : SEARCHES) / n + 1;
	if (counter >= 0)
		ioctl(counter, PERF_EVENT_IOC_ENABLE, 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	for (size_t r = 0; r < rounds; r++)
		for (size_t i = 0; i < n; i++)
			search(&requests[i], &allow);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	if (counter < 0 || read(counter, &instructions, sizeof(instructions)) < 0)
		instructions = 0;
	printf("%.0f %.0f %zu/%zu %zu\n",
		((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
			(double)(rounds * n),
		(double)instructions / (double)(rounds * n), found, n,
		(rounds + 1) * n);
	return 0;
}
