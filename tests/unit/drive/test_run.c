/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "drive/run.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

Suite *suite_run(void);

static const char *const no_environment[] = { NULL };

/* A job of `sh -c script`. */
struct script {
	const char *argv[4];
	struct run_job job;
};

static void prepare(struct script *s, const char *text, uint32_t limit_ms)
{
	s->argv[0] = "/bin/sh";
	s->argv[1] = "-c";
	s->argv[2] = text;
	s->argv[3] = NULL;
	s->job = (struct run_job){ .argv = s->argv, .envp = no_environment, .folder = "/", .limit_ms = limit_ms };
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

START_TEST(test_output_and_status)
{
	struct script s;

	run_catch();
	prepare(&s, "pwd; echo err >&2; read x || echo no input; exit 3", 10000);
	ck_assert(!run_jobs(&s.job, 1, 1));
	ck_assert_int_eq(s.job.result, RUN_EXITED);
	ck_assert_int_eq(s.job.code, 3);
	ck_assert_str_eq(s.job.output.ptr, "/\nerr\nno input\n");
	ck_assert(!s.job.output_cut);
	run_fini(&s.job);

	prepare(&s, "kill -9 $$", 10000);
	ck_assert(!run_jobs(&s.job, 1, 1));
	ck_assert_int_eq(s.job.result, RUN_SIGNALED);
	ck_assert_int_eq(s.job.code, SIGKILL);
	run_fini(&s.job);

	prepare(&s, "true", 10000);
	s.argv[0] = "/nonexistent/program";
	ck_assert(!run_jobs(&s.job, 1, 1));
	ck_assert_int_eq(s.job.result, RUN_NOT_STARTED);
	ck_assert_int_eq(s.job.code, ENOENT);
	run_fini(&s.job);
	run_release();
}
END_TEST

START_TEST(test_output_is_bounded)
{
	struct script s;

	run_catch();
	prepare(&s, "i=0; while [ $i -lt 6000 ]; do echo 0123456789012345678901234567890123456789012345678901234567890123; "
		"i=$((i + 1)); done", 20000);
	ck_assert(run_jobs(&s.job, 1, 1));
	ck_assert_uint_eq(s.job.output.len, RUN_OUTPUT_MAX);
	ck_assert(s.job.output_cut);
	run_fini(&s.job);
	run_release();
}
END_TEST

/* A job that writes for ever is stopped in time, with its children, and so is one that is silent. */
START_TEST(test_time_limit)
{
	static const char *const scripts[] = { "while :; do echo x; done", "sleep 100 & sleep 100", "exec >&- 2>&-; sleep 100",
		"trap '' TERM INT HUP; sleep 100" };

	run_catch();
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		double before = seconds();
		struct script s;

		prepare(&s, scripts[i], 300);
		ck_assert(!run_jobs(&s.job, 1, 1));
		ck_assert_int_eq(s.job.result, RUN_TIMED_OUT);
		ck_assert(seconds() - before < 5);
		run_fini(&s.job);
	}
	run_release();
}
END_TEST

/* A program that leaves a child behind which holds the pipe does not keep us waiting. */
START_TEST(test_left_behind)
{
	double before = seconds();
	struct script s;

	run_catch();
	prepare(&s, "sleep 60 & echo done", 30000);
	ck_assert(run_jobs(&s.job, 1, 1));
	ck_assert_str_eq(s.job.output.ptr, "done\n");
	ck_assert(seconds() - before < 5);
	run_fini(&s.job);
	run_release();
}
END_TEST

START_TEST(test_parallel)
{
	struct script s[8];
	struct run_job jobs[8];
	double before = seconds(), took;

	run_catch();
	for (size_t i = 0; i < 8; i++) {
		prepare(&s[i], "sleep 0.4", 10000);
		jobs[i] = s[i].job;
	}
	ck_assert(run_jobs(jobs, 8, 4));
	took = seconds() - before;
	/* Two rounds of four; one after the other it would be 3.2 s. */
	ck_assert(took >= 0.8);
	ck_assert(took < 2.8);
	for (size_t i = 0; i < 8; i++) {
		ck_assert(run_ok(&jobs[i]));
		run_fini(&jobs[i]);
	}
	run_release();
}
END_TEST

START_TEST(test_stops_after_failure)
{
	struct script s[3];
	struct run_job jobs[3];

	run_catch();
	prepare(&s[0], "exit 0", 10000);
	prepare(&s[1], "exit 1", 10000);
	prepare(&s[2], "exit 0", 10000);
	for (size_t i = 0; i < 3; i++)
		jobs[i] = s[i].job;
	ck_assert(!run_jobs(jobs, 3, 1));
	ck_assert(run_ok(&jobs[0]));
	ck_assert_int_eq(jobs[1].code, 1);
	ck_assert_int_eq(jobs[2].result, RUN_PENDING);
	for (size_t i = 0; i < 3; i++)
		run_fini(&jobs[i]);
	run_release();
}
END_TEST

/* The job sends us SIGINT: it is killed, and we are not. */
START_TEST(test_interrupt)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };

	for (size_t i = 0; i < 3; i++) {
		double before = seconds();
		char text[64];
		struct script s;

		snprintf(text, sizeof(text), "kill -%d %ld; sleep 100", numbers[i], (long)getpid());
		run_catch();
		ck_assert_int_eq(run_interrupted(), 0);
		prepare(&s, text, 60000);
		ck_assert(!run_jobs(&s.job, 1, 1));
		ck_assert_int_eq(s.job.result, RUN_INTERRUPTED);
		ck_assert_int_eq(run_interrupted(), numbers[i]);
		ck_assert(seconds() - before < 5);
		/* Nothing more is started. */
		ck_assert(!run_jobs(&s.job, 1, 1));
		ck_assert_int_eq(s.job.result, RUN_PENDING);
		run_fini(&s.job);
		run_release();
	}
}
END_TEST

START_TEST(test_ignored_signal)
{
	char text[64];
	struct script s;

	signal(SIGHUP, SIG_IGN);
	snprintf(text, sizeof(text), "kill -HUP %ld; echo on", (long)getpid());
	run_catch();
	prepare(&s, text, 60000);
	ck_assert(run_jobs(&s.job, 1, 1));
	ck_assert_int_eq(run_interrupted(), 0);
	run_fini(&s.job);
	run_release();
	ck_assert_ptr_eq((void *)signal(SIGHUP, SIG_DFL), (void *)SIG_IGN);
}
END_TEST

START_TEST(test_find)
{
	struct arena a;

	arena_init_unbounded(&a);
	setenv("PATH", "relative::/nonexistent:/bin", 1);
	ck_assert_str_eq(run_find(&a, STR("sh")), "/bin/sh");
	ck_assert_str_eq(run_find(&a, STR("/bin/sh")), "/bin/sh");
	ck_assert_ptr_null(run_find(&a, STR("no-such-program")));
	ck_assert_ptr_null(run_find(&a, STR("/etc/passwd")));
	ck_assert_ptr_null(run_find(&a, STR("/bin")));
	ck_assert_ptr_null(run_find(&a, STR("")));
	unsetenv("PATH");
	ck_assert_ptr_null(run_find(&a, STR("sh")));
	arena_fini(&a);
}
END_TEST

Suite *suite_run(void)
{
	Suite *s = suite_create("run");
	TCase *t = tcase_create("run");

	tcase_add_test(t, test_output_and_status);
	tcase_add_test(t, test_output_is_bounded);
	tcase_add_test(t, test_time_limit);
	tcase_add_test(t, test_left_behind);
	tcase_add_test(t, test_parallel);
	tcase_add_test(t, test_stops_after_failure);
	tcase_add_test(t, test_interrupt);
	tcase_add_test(t, test_ignored_signal);
	tcase_add_test(t, test_find);
	suite_add_tcase(s, t);
	return s;
}
