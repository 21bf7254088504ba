/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The policies that pick a server. Each leaves out servers that are unhealthy, and passes over those that failed a moment ago, unless
 * all did. */
#include "backend/backend.h"
#include "http/exchange.h"
#include "loop/worker.h"

bool backend_server_is_usable(const struct backend *b, uint32_t i)
{
	return b->servers[i].failed_until_ms <= loop_now_ms(b->worker->loop) && backend_server_is_healthy(b, i);
}

/* any: whether some server is usable. */
static bool may_take(const struct backend *b, uint32_t i, bool any)
{
	return any ? backend_server_is_usable(b, i) : backend_server_is_healthy(b, i);
}

uint64_t backend_random(struct backend *b)
{
	uint64_t x = b->random; /* xorshift64* */

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	b->random = x;
	return x * 0x2545f4914f6cdd1dull;
}

static bool any_usable(const struct backend *b)
{
	for (uint32_t i = 0; i < b->conf->n_servers; i++)
		if (backend_server_is_usable(b, i))
			return true;
	return false;
}

/* Smooth weighted round robin: each turn every server gains its weight, and the richest pays the sum. */
int toron_balance_round_robin(struct backend *b, struct exchange *x)
{
	int32_t sum = 0;
	int best = -1;
	bool any;

	(void)x;
	if (b->conf->n_servers == 1)
		return backend_server_is_healthy(b, 0) ? 0 : -1;
	any = any_usable(b);
	for (uint32_t i = 0; i < b->conf->n_servers; i++) {
		struct server *s = &b->servers[i];

		if (!may_take(b, i, any))
			continue;
		s->credit += s->conf->weight;
		sum += s->conf->weight;
		if (best < 0 || s->credit > b->servers[best].credit)
			best = (int)i;
	}
	if (best >= 0)
		b->servers[best].credit -= sum;
	return best;
}

/* True if a is less loaded than b, by exchanges in flight for each unit of weight. */
static bool is_less_loaded(const struct server *a, const struct server *b)
{
	uint64_t load_a = atomic_load_explicit(&a->shared->exchanges, memory_order_relaxed);
	uint64_t load_b = atomic_load_explicit(&b->shared->exchanges, memory_order_relaxed);

	return (load_a + 1) * b->conf->weight < (load_b + 1) * a->conf->weight;
}

int toron_balance_least_connections(struct backend *b, struct exchange *x)
{
	bool any = any_usable(b);
	uint32_t n = b->conf->n_servers;
	uint32_t start = n == 0 ? 0 : (uint32_t)(backend_random(b) % n); /* ties are spread */
	int best = -1;

	(void)x;
	for (uint32_t k = 0; k < n; k++) {
		uint32_t i = (start + k) % n;

		if (!may_take(b, i, any))
			continue;
		if (best < 0 || is_less_loaded(&b->servers[i], &b->servers[best]))
			best = (int)i;
	}
	return best;
}

static int random_usable(struct backend *b, bool any)
{
	uint32_t total = 0;

	for (uint32_t i = 0; i < b->conf->n_servers; i++)
		if (may_take(b, i, any))
			total += b->servers[i].conf->weight;
	if (total == 0)
		return -1;
	uint32_t at = (uint32_t)(backend_random(b) % total);
	int last = -1;

	for (uint32_t i = 0; i < b->conf->n_servers; i++) {
		if (!may_take(b, i, any))
			continue;
		if (at < b->servers[i].conf->weight)
			return (int)i;
		at -= b->servers[i].conf->weight;
		last = (int)i;
	}
	/* Another worker has just found one unhealthy. */
	return last;
}

int toron_balance_random_two(struct backend *b, struct exchange *x)
{
	bool any = any_usable(b);
	int first = random_usable(b, any), second;

	(void)x;
	if (first < 0 || b->conf->n_servers == 1)
		return first;
	second = random_usable(b, any);
	if (second < 0)
		return first;
	return is_less_loaded(&b->servers[second], &b->servers[first]) ? second : first;
}

/* -log2(u / 2^64) in units of 2^-24, for u > 0. Between powers of two it is a parabola, which is off by less than 0.01. */
static uint64_t minus_log2(uint64_t u)
{
	unsigned zeros = (unsigned)__builtin_clzll(u);
	uint64_t f = u << zeros << 1 >> 40; /* the mantissa without its leading 1, in units of 2^-24 */
	uint64_t bow = (f * ((1u << 24) - f) >> 24) * 22486 >> 16;

	return ((uint64_t)(zeros + 1) << 24) - f - bow;
}

/* Rendezvous hashing: each server draws a number from the client and itself, and the least, by weight, has the client. Nobody but the clients
 * of a server that comes or goes gets another one. */
static int drawn(const struct backend *b, uint64_t client, bool any, int avoid)
{
	uint64_t least = 0;
	int best = -1;

	for (uint32_t i = 0; i < b->conf->n_servers; i++) {
		const uint64_t pair[2] = { client, b->servers[i].id };
		uint64_t draw;

		if ((int)i == avoid || !may_take(b, i, any))
			continue;
		draw = minus_log2(str_hash((struct str){ (const char *)pair, sizeof(pair) }) | 1);
		if (best < 0 || draw * b->servers[best].conf->weight < least * b->servers[i].conf->weight) {
			best = (int)i;
			least = draw;
		}
	}
	return best;
}

int toron_balance_ip_hash(struct backend *b, struct exchange *x)
{
	uint64_t client = str_hash(exchange_client_key(x));
	bool any = any_usable(b);
	int i = drawn(b, client, any, b->avoid);

	return i < 0 ? drawn(b, client, any, -1) : i;
}
