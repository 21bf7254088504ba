/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "mw/rate_store.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/clock.h"

#define SLOTS           15  /* a bucket: four cache lines */
#define KEYS_PER_BUCKET 12  /* on average; of max_keys live ones, one in thirty is forgotten */
#define SPINS           100 /* then the holder was probably preempted */
#define EMPTY           0

/* Keys first: a search reads two cache lines and one more for the time. */
struct bucket {
	_Alignas(64) atomic_uint lock;
	uint64_t key[SLOTS];   /* EMPTY: unused */
	uint64_t whole[SLOTS]; /* GCRA's theoretical arrival time, in ticks */
	uint64_t unused;
};
_Static_assert(sizeof(struct bucket) == 256, "four cache lines");

struct rate_store {
	uint64_t tick_ns;   /* a tick, a power of ten nanoseconds: as fine as 64 bits allow */
	uint64_t interval;  /* ticks that one event costs */
	uint64_t tolerance; /* ticks that a whole burst costs */
	uint64_t seed[2];
	uint64_t n_buckets;
	unsigned n_slots; /* used of each bucket: fewer than SLOTS only when max_keys is */
	struct bucket buckets[];
};

#define NS_PER_MS  1000000u
#define TICKS_MOST ((__uint128_t)1 << 60)

static void choose_tick(struct rate_store *s, uint64_t n, uint64_t period_ms, uint64_t burst)
{
	__uint128_t period_ns = (__uint128_t)period_ms * NS_PER_MS;

	s->tick_ns = 1;
	while (period_ns * burst / n / s->tick_ns > TICKS_MOST)
		s->tick_ns *= 10;
	s->interval = (uint64_t)(period_ns / n / s->tick_ns);
	if (s->interval == 0)
		s->interval = 1;
	s->tolerance = s->interval * burst;
}

struct rate_store *rate_store_new(uint64_t n, uint64_t period_ms, uint64_t burst, uint32_t max_keys)
{
	uint64_t n_buckets = ((uint64_t)max_keys + KEYS_PER_BUCKET - 1) / KEYS_PER_BUCKET;
	struct rate_store *s;
	size_t size;

	CHECK(n > 0 && period_ms > 0 && burst > 0 && max_keys > 0);
	if (max_keys <= SLOTS)
		n_buckets = 1;
	size = sizeof(*s) + (size_t)n_buckets * sizeof(struct bucket);
	size = (size + 63) / 64 * 64;
	s = aligned_alloc(64, size);
	if (s == NULL)
		return NULL;
	memset(s, 0, size);
	s->n_buckets = n_buckets;
	s->n_slots = max_keys < SLOTS ? max_keys : SLOTS;
	choose_tick(s, n, period_ms, burst);
	if (getrandom(s->seed, sizeof(s->seed), 0) != (ssize_t)sizeof(s->seed)) {
		s->seed[0] = clock_wall_us() * 0x9e3779b97f4a7c15u;
		s->seed[1] = clock_monotonic_us() ^ (uint64_t)(uintptr_t)s;
	}
	return s;
}

void rate_store_free(struct rate_store **s)
{
	free(*s);
	*s = NULL;
}

uint64_t rate_store_capacity(const struct rate_store *s)
{
	return s->n_buckets * s->n_slots;
}

/* ---- SipHash-2-4 (Aumasson and Bernstein, 2012) ---- */

static uint64_t rotate(uint64_t v, unsigned n)
{
	return v << n | v >> (64 - n);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1], v[1] = rotate(v[1], 13) ^ v[0], v[0] = rotate(v[0], 32);
	v[2] += v[3], v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3], v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1], v[1] = rotate(v[1], 17) ^ v[2], v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
}

static uint64_t hash(const uint64_t seed[2], struct str key)
{
	uint64_t v[4] = { seed[0] ^ 0x736f6d6570736575u, seed[1] ^ 0x646f72616e646f6du,
		seed[0] ^ 0x6c7967656e657261u, seed[1] ^ 0x7465646279746573u };
	uint64_t last = (uint64_t)key.len << 56, word;
	size_t at = 0;

	for (; key.len - at >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, key.ptr + at, sizeof(word));
		sip_word(v, word);
	}
	for (unsigned i = 0; at < key.len; i++, at++)
		last |= (uint64_t)(unsigned char)key.ptr[at] << (8 * i);
	sip_word(v, last);
	v[2] ^= 0xff;
	for (unsigned i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ---- the table ---- */

static void lock(struct bucket *b)
{
	for (unsigned spins = 0; atomic_exchange_explicit(&b->lock, 1, memory_order_acquire) != 0;
		spins++) {
#if defined(__x86_64__) || defined(__i386__)
		__builtin_ia32_pause();
#endif
		if (spins >= SPINS)
			sched_yield();
	}
}

static void unlock(struct bucket *b)
{
	atomic_store_explicit(&b->lock, 0, memory_order_release);
}

/* The slot of the key, made if need be. The bucket is locked. */
static unsigned find_slot(struct bucket *b, unsigned n_slots, uint64_t key)
{
	unsigned victim = 0;

	for (unsigned i = 0; i < n_slots; i++) {
		if (b->key[i] == key)
			return i;
		/* An unused slot has time 0, the earliest there is; so has, before any other, a key
		 * whose allowance is whole. */
		if (b->whole[i] < b->whole[victim])
			victim = i;
	}
	b->key[victim] = key;
	b->whole[victim] = 0;
	return victim;
}

static uint64_t ticks_to_ms(const struct rate_store *s, uint64_t ticks)
{
	return (uint64_t)(((__uint128_t)ticks * s->tick_ns + NS_PER_MS - 1) / NS_PER_MS);
}

struct rate_answer rate_store_take(struct rate_store *s, struct str key, uint64_t now_ms)
{
	uint64_t h = hash(s->seed, key),
		 now = (uint64_t)((__uint128_t)now_ms * NS_PER_MS / s->tick_ns);
	struct bucket *b = &s->buckets[((__uint128_t)h * s->n_buckets) >> 64];
	struct rate_answer answer = { 0 };
	uint64_t whole;
	unsigned slot;

	if (h == EMPTY)
		h = 1;
	lock(b);
	slot = find_slot(b, s->n_slots, h);
	whole = b->whole[slot] > now ? b->whole[slot] : now;
	answer.allowed = whole - now <= s->tolerance - s->interval;
	if (answer.allowed)
		b->whole[slot] = whole += s->interval;
	unlock(b);
	if (s->tolerance > whole - now)
		answer.remaining = (s->tolerance - (whole - now)) / s->interval;
	if (answer.remaining == 0)
		answer.wait_ms = ticks_to_ms(s, whole - now + s->interval - s->tolerance);
	answer.whole_ms = ticks_to_ms(s, whole - now);
	return answer;
}
