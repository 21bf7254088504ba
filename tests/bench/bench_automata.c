/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The cost of deciding N path-like patterns, and of a lookup in their table: bench_automata [N]
 * [rounds]. Prints one line a step. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "automata/automata.h"
#include "automata/table.h"
#include "base/check.h"
#include "base/str.h"
#include "route/walk.h"

#define SEGMENTS_MOST 6
#define PATHS_PER_SERVICE 50
#define BUDGET 50000000
#define LOOKUPS 2000000

static const char *const words[] = {
	"repos", "users", "orgs", "issues", "pulls", "comments", "commits", "branches", "releases", "assets",
	"teams", "members", "hooks", "events", "notifications", "gists", "search", "labels", "milestones", "projects",
	"actions", "runs", "jobs", "artifacts", "secrets", "keys", "invitations", "statuses", "deployments", "topics",
	"v1", "v2", "api", "admin", "accounts", "orders", "items", "invoices", "payments", "customers",
	"products", "reviews", "carts", "shipments", "reports", "metrics", "settings", "profile", "sessions", "tokens",
};

static uint64_t state = 0x243f6a8885a308d3u;

static uint32_t draw(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 33) % n);
}

static double ms_since(clock_t from)
{
	return (double)(clock() - from) * 1000.0 / CLOCKS_PER_SEC;
}

/* Appends one segment to the expression and to the path; `example` is what a request would say. */
static struct re *add_segment(struct arena *a, struct re *x, bool is_param, struct sbuf *example)
{
	struct re *segment;
	size_t from = example->len + 1;

	sbuf_addc(example, '/');
	if (is_param) {
		segment = re_repeat(a, re_not_bytes(a, STR("/")), 1, -1);
		sbuf_printf(example, "%u", 1000 + draw(100000));
	} else {
		sbuf_adds(example, words[draw(ARRAY_LEN(words))]);
		segment = re_literal(a, str_slice(sbuf_str(example), from, SIZE_MAX), false);
	}
	return re_cat(a, re_cat(a, x, re_literal(a, STR("/"), false)), segment);
}

/* As APIs are: some services, in each collections and members in turn, now and then an action in
 * a member's place ("/users/search"), which ends the path; a quarter are prefixes on a segment
 * boundary. */
static struct re *path(struct arena *a, uint32_t n_services, struct str *example_out)
{
	struct sbuf example = { 0 };
	struct re *x;

	sbuf_printf(&example, "/service-%u", draw(n_services));
	x = re_literal(a, sbuf_str(&example), false);
	for (uint32_t i = 0, n = 1 + draw(SEGMENTS_MOST - 1); i < n; i++) {
		bool is_member = i % 2 == 1, is_action = is_member && draw(8) == 0;

		x = add_segment(a, x, is_member && !is_action, &example);
		if (is_action)
			break;
	}
	if (draw(4) == 0) {
		struct re *rest = re_cat(a, re_literal(a, STR("/"), false), re_any_string(a));

		x = re_cat(a, x, re_repeat(a, rest, 0, 1));
	}
	*example_out = arena_str(a, sbuf_str(&example));
	sbuf_fini(&example);
	return x;
}

static void bench_relations(const struct dfa *d, struct arena *a)
{
	clock_t from = clock();
	uint64_t n_overlaps = 0;

	for (uint32_t p = 0; p < d->n_patterns; p++) {
		struct dfa_overlap *list;

		n_overlaps += dfa_overlaps(d, a, p, &list);
	}
	printf("overlaps   %8.1f ms  %llu pairs\n", ms_since(from), (unsigned long long)n_overlaps);
	from = clock();
	dfa_witnesses(d, a);
	printf("witnesses  %8.1f ms  %u sets\n", ms_since(from), d->n_sets);
}

static int bench_lookups(const struct dfa *d, const struct str *examples, uint32_t n)
{
	struct sbuf blob = { 0 };
	clock_t from = clock();
	uint64_t sum = 0, bytes = 0;

	if (!table_write(&blob, d, TABLE_LITTLE_ENDIAN))
		return 1;
	printf("table      %8.1f ms  %zu bytes\n", ms_since(from), blob.len);
	from = clock();
	if (route_walk_check(blob.ptr, blob.len) != WALK_OK)
		return 1;
	printf("check      %8.1f ms\n", ms_since(from));
	for (uint32_t i = 0; i < n; i++) {
		bytes += examples[i].len;
		if (route_walk(blob.ptr, examples[i].ptr, examples[i].len) != dfa_match(d, examples[i]))
			return 1;
	}
	from = clock();
	for (uint32_t i = 0, at = 0; i < LOOKUPS; i++) {
		sum += route_walk(blob.ptr, examples[at].ptr, examples[at].len);
		at = at + 7919 < n ? at + 7919 : (at + 7919) % n;
	}
	printf("lookup     %8.1f ns  %.1f bytes a path, sum %llu\n", ms_since(from) * 1e6 / LOOKUPS,
		(double)bytes / n, (unsigned long long)sum);
	sbuf_fini(&blob);
	return 0;
}

int main(int argc, char **argv)
{
	uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 10000, culprit;
	struct arena a;
	struct re **patterns;
	struct str *examples;
	struct dfa d;
	clock_t from = clock();
	int failed;

	if (n == 0)
		return 2;
	arena_init_unbounded(&a);
	patterns = ARENA_ARRAY(&a, struct re *, n);
	examples = ARENA_ARRAY(&a, struct str, n);
	for (uint32_t i = 0; i < n; i++)
		patterns[i] = path(&a, n / PATHS_PER_SERVICE + 1, &examples[i]);
	printf("patterns   %8.1f ms  %u\n", ms_since(from), n);
	from = clock();
	if (dfa_build(&a, patterns, n, BUDGET, &d, &culprit) != DFA_OK) {
		printf("too many states; most by pattern %u\n", culprit);
		return 1;
	}
	printf("dfa        %8.1f ms  %u states, %u classes\n", ms_since(from), d.n_states, d.n_classes);
	bench_relations(&d, &a);
	failed = bench_lookups(&d, examples, n);
	arena_fini(&a);
	return failed;
}
