/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Runs programs: several at a time, without a shell, bounded in time and output.
 *
 * Each job is a process group of its own, with /dev/null as its input and both outputs captured. A job that exceeds its time is
 * killed with all its children; SIGINT, SIGTERM and SIGHUP end all jobs, and the caller asks run_interrupted() and cleans
 * up. One thread only: signal handlers are the process's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

#define RUN_OUTPUT_MAX ((size_t)256 << 10) /* bytes kept of a job's output; the rest is read and dropped */

enum run_result {
	RUN_PENDING,     /* not started, since an earlier one failed or a signal came */
	RUN_EXITED,      /* .code is its exit status */
	RUN_SIGNALED,    /* .code is the signal */
	RUN_TIMED_OUT,
	RUN_NOT_STARTED, /* .code is an errno */
	RUN_INTERRUPTED, /* killed because a signal came */
};

struct run_job {
	const char *const *argv;  /* ends with NULL; argv[0] is a path, not searched for; borrowed */
	const char *const *envp;  /* likewise */
	const char *folder;       /* the working directory */
	uint32_t limit_ms;        /* wall time; > 0 */

	enum run_result result;   /* from here on set by run_jobs */
	int code;
	struct sbuf output;       /* owned; run_fini frees it */
	bool output_cut;          /* there was more than RUN_OUTPUT_MAX */
	uint32_t took_ms;
};

/* Runs all jobs, at most `parallel` (at least 1) at a time, in order. After a failure nothing more is started; what runs is waited for.
 * True if every job exited with 0. */
bool run_jobs(struct run_job *jobs, size_t n, unsigned parallel);
bool run_ok(const struct run_job *job);
void run_fini(struct run_job *job);

/* From run_catch to run_release, the three signals do not end the process but set what run_interrupted tells (the signal's number, or
 * 0). A signal that was ignored stays ignored. run_jobs is called between the two. */
void run_catch(void);
int run_interrupted(void);
void run_release(void);

/* The path of a program: `name` itself if it has a slash and is executable, otherwise found in $PATH; NULL if there is none. */
const char *run_find(struct arena *a, struct str name);
