/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fuzzes the normaliser. The first byte is the policy, the rest a request target. What comes out
 * is normal: it begins with "/", has no dot segments, nothing that could be unescaped, and comes
 * out of a second normalisation unchanged; and it is in the language that proofs take normal
 * paths to be. */
#include <stdint.h>

#include "automata/automata.h"
#include "base/check.h"
#include "base/str.h"
#include "base/uri.h"
#include "prove/normal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define POLICIES 8

/* Built once for each policy. */
static const struct dfa *language(unsigned policy)
{
	static struct arena a;
	static struct dfa dfas[POLICIES];
	struct re *re;
	uint32_t culprit;

	if (a.chunks == NULL)
		arena_init_unbounded(&a);
	if (dfas[policy].n_states == 0) {
		re = normal_paths(&a, policy);
		CHECK(dfa_build(&a, &re, 1, 100000, &dfas[policy], &culprit) == DFA_OK);
	}
	return &dfas[policy];
}

static void check_segments(struct str path, unsigned policy)
{
	struct str rest = str_slice(path, 1, path.len), segment;
	bool is_last;

	while (str_split(&rest, '/', &segment)) {
		is_last = rest.ptr == NULL;
		CHECK(!str_eq(segment, STR(".")) && !str_eq(segment, STR("..")));
		CHECK(segment.len > 0 || is_last || (policy & URI_KEEP_SLASHES) != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned policy = size == 0 ? 0 : data[0] % POLICIES;
	struct str target = { (const char *)data + 1, size == 0 ? 0 : size - 1 };
	struct str path, query, again, no_query;
	struct arena a;

	arena_init(&a, NULL, 0, 1 << 20);
	if (size > 1 && uri_normalise(&a, target, policy, &path, &query) == URI_OK) {
		CHECK(path.len > 0 && path.ptr[0] == '/');
		check_segments(path, policy);
		CHECK(uri_normalise(&a, path, policy, &again, &no_query) == URI_OK);
		CHECK(str_eq(path, again) && no_query.ptr == NULL);
		CHECK(dfa_match(language(policy), path) != 0);
	}
	arena_fini(&a);
	return 0;
}
