/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Runs every suite of SUITES_H (prototypes.h), each test in a process of its own with a time limit. Arguments: names of suites, to run
 * only those. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/prototypes.h"

struct entry {
	const char *name;
	Suite *(*make)(void);
};

static const struct entry entries[] = {
#define SUITE(name) { #name, suite_##name },
#include SUITES_H
#undef SUITE
	{ NULL, NULL },
};

/* Seconds a test may take; instrumented builds are slow, so the default is generous. */
#define TIME_LIMIT "30"

static int wanted(const char *name, int argc, char **argv)
{
	if (argc <= 1)
		return 1;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], name) == 0)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	SRunner *runner = srunner_create(NULL);
	int n_suites = 0;

	/* Read when a suite's cases are made. */
	setenv("CK_DEFAULT_TIMEOUT", TIME_LIMIT, 0);

	for (const struct entry *e = entries; e->name != NULL; e++) {
		if (wanted(e->name, argc, argv)) {
			srunner_add_suite(runner, e->make());
			n_suites++;
		}
	}
	if (n_suites == 0) {
		fprintf(stderr, "unit: no such suite\n");
		srunner_free(runner);
		return 2;
	}
	/* CK_FORK=no in the environment is for debuggers. */
	if (getenv("CK_FORK") == NULL)
		srunner_set_fork_status(runner, CK_FORK);
	srunner_run_all(runner, CK_NORMAL);

	int n_failed = srunner_ntests_failed(runner);
	int n_passed = srunner_ntests_run(runner) - n_failed;

	srunner_free(runner);
	printf("%d passed, %d failed\n", n_passed, n_failed);
	return n_failed == 0 && n_passed > 0 ? 0 : 1;
}
