/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Holds the JWS verifier to Wycheproof's vectors: jwt_suite EXCEPTIONS VECTORS.json...
 *
 * A line of EXCEPTIONS is "FILE TCID reason"; the answer to such a case must differ from the
 * suite's, so that the list cannot go stale. Prints what was not expected; the last line is "N
 * passed, N failed". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/json_text.h"
#include "auth/jws.h"
#include "base/log.h"
#include "base/str.h"

static unsigned n_passed, n_failed, n_excepted;

/* ---- exceptions ---- */

#define EXCEPTIONS_MOST 100

static struct exception {
	char file[64];
	long id;
} exceptions[EXCEPTIONS_MOST];
static size_t n_exceptions;

static bool load_exceptions(const char *path)
{
	FILE *in = fopen(path, "r");
	char line[512];

	if (in == NULL)
		return false;
	while (fgets(line, sizeof(line), in) != NULL && n_exceptions < EXCEPTIONS_MOST) {
		struct exception *e = &exceptions[n_exceptions];

		if (line[0] != '#' && sscanf(line, "%63s %ld", e->file, &e->id) == 2)
			n_exceptions++;
	}
	fclose(in);
	return true;
}

static bool is_exception(const char *file, long id)
{
	for (size_t i = 0; i < n_exceptions; i++)
		if (exceptions[i].id == id && strcmp(exceptions[i].file, file) == 0)
			return true;
	return false;
}

/* ---- cases ---- */

static void run_case(const struct jwt_keys *keys, const json_t *test, const char *file)
{
	long id = (long)json_integer_value(json_object_get(test, "tcId"));
	bool want = strcmp(json_string_value(json_object_get(test, "result")), "valid") == 0;
	bool excepted = is_exception(file, id), got;
	static struct jws_payload payload;
	const char *why = "accepted";

	got = jws_verify(keys, JWA_ALL, json_text_member(test, "jws"), &payload, &why) == 0;
	n_excepted += excepted;
	if (got == (want != excepted)) {
		n_passed++;
		return;
	}
	n_failed++;
	printf("%s: case %ld (%s): should be %s%s: %s\n", file, id,
		json_string_value(json_object_get(test, "comment")), want ? "valid" : "invalid",
		excepted ? " and is, but is listed as an exception" : "", why);
}

static void run_group(const json_t *group, const char *file)
{
	const json_t *jwk = json_object_get(group, "public"), *test;
	struct jwt_keys *keys = jwt_keys_new();
	char *text = json_dumps(jwk != NULL ? jwk : json_object_get(group, "private"), 0);
	size_t i;

	if (keys == NULL || text == NULL || jwt_keys_add_set(keys, str_of(text), file) < 0) {
		n_failed++;
		printf("%s: a key was not understood at all\n", file);
	}
	json_array_foreach(json_object_get(group, "tests"), i, test) run_case(keys, test, file);
	free(text);
	jwt_keys_free(&keys);
}

static void run_file(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
	json_error_t error;
	json_t *root = json_load_file(path, 0, &error);
	const json_t *group;
	size_t i;

	if (json_array_size(json_object_get(root, "testGroups")) == 0) {
		n_failed++;
		printf("%s: no test groups: %s\n", name, error.text);
	}
	json_array_foreach(json_object_get(root, "testGroups"), i, group) run_group(group, name);
	json_decref(root);
}

int main(int argc, char **argv)
{
	if (argc < 3 || !load_exceptions(argv[1])) {
		fprintf(stderr, "usage: jwt_suite EXCEPTIONS VECTORS.json...\n");
		return 2;
	}
	log_setup(LOG_ERROR, LOG_TEXT);
	for (int i = 2; i < argc; i++)
		run_file(argv[i]);
	printf("note: %u known exceptions\n", n_excepted);
	printf("%u passed, %u failed\n", n_passed, n_failed);
	return n_failed == 0 && n_passed > 0 ? 0 : 1;
}
