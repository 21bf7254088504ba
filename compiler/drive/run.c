/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "drive/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

#define PARALLEL_MAX 64u
#define READS_A_TURN 16u /* a job that never stops writing must not keep us from looking at the clock */

/* A job that runs. Jobs go  waiting -> running -> (killed ->) reaped . */
struct running {
	struct run_job *job;
	pid_t pid;             /* also its process group */
	int out;               /* the reading end of its output; -1: closed */
	uint64_t started_ms;
	enum run_result why;   /* RUN_PENDING, or why it was killed */
};

struct runner {
	struct running at[PARALLEL_MAX];
	size_t n;
	unsigned parallel;
	bool failed;
	sigset_t waiting;      /* the mask while waiting: our signals come through */
};

static const int caught_signals[] = { SIGINT, SIGTERM, SIGHUP };
static struct sigaction saved_actions[ARRAY_LEN(caught_signals)];
static volatile sig_atomic_t interrupted_by;
static bool is_catching;

static void on_signal(int number)
{
	interrupted_by = number;
}

/* Only there so that SIGCHLD interrupts ppoll. */
static void on_child(int number)
{
	(void)number;
}

void run_catch(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	CHECK(!is_catching);
	is_catching = true;
	interrupted_by = 0;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(caught_signals); i++) {
		sigaction(caught_signals[i], NULL, &saved_actions[i]);
		if (saved_actions[i].sa_handler != SIG_IGN)
			sigaction(caught_signals[i], &action, NULL);
	}
}

int run_interrupted(void)
{
	return interrupted_by;
}

void run_release(void)
{
	CHECK(is_catching);
	is_catching = false;
	for (size_t i = 0; i < ARRAY_LEN(caught_signals); i++)
		sigaction(caught_signals[i], &saved_actions[i], NULL);
}

/* Not base/clock.h: that one is read once a loop turn; here time is rare and coarse. */
static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Starts the program with its output on `out`; 0 or an errno. */
static int spawn(const struct run_job *job, int out, pid_t *pid_out)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t all, none;
	int error;

	error = posix_spawn_file_actions_init(&files);
	if (error != 0)
		return error;
	error = posix_spawnattr_init(&attr);
	if (error != 0) {
		posix_spawn_file_actions_destroy(&files);
		return error;
	}
	sigemptyset(&none);
	sigfillset(&all);
	sigdelset(&all, SIGKILL);
	sigdelset(&all, SIGSTOP);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	if ((error = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)) == 0 &&
	    (error = posix_spawn_file_actions_adddup2(&files, out, 1)) == 0 &&
	    (error = posix_spawn_file_actions_adddup2(&files, out, 2)) == 0 &&
	    (error = posix_spawn_file_actions_addchdir_np(&files, job->folder)) == 0)
		error = posix_spawn(pid_out, job->argv[0], &files, &attr, (char *const *)job->argv,
			(char *const *)job->envp);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return error;
}

static void start_job(struct runner *r, struct run_job *job)
{
	int ends[2], error = 0;
	pid_t pid = -1;

	if (pipe2(ends, O_CLOEXEC) != 0) {
		error = errno;
	} else {
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
		error = spawn(job, ends[1], &pid);
		close(ends[1]);
		if (error != 0)
			close(ends[0]);
	}
	if (error != 0) {
		job->result = RUN_NOT_STARTED;
		job->code = error;
		r->failed = true;
		return;
	}
	r->at[r->n++] = (struct running){ .job = job, .pid = pid, .out = ends[0], .started_ms = now_ms() };
}

/* Takes what the pipe holds; closes it at its end. */
static void drain(struct running *p)
{
	char bytes[16384];

	for (unsigned i = 0; i < READS_A_TURN && p->out >= 0; i++) {
		ssize_t n = read(p->out, bytes, sizeof(bytes));
		struct run_job *job = p->job;
		size_t room = RUN_OUTPUT_MAX - job->output.len;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			close(p->out);
			p->out = -1;
			return;
		}
		if ((size_t)n > room)
			job->output_cut = true;
		sbuf_add(&job->output, (struct str){ bytes, (size_t)n < room ? (size_t)n : room });
	}
}

static void kill_job(struct running *p, enum run_result why)
{
	if (p->why != RUN_PENDING)
		return;
	p->why = why;
	/* The group was made before exec (posix_spawn returns after exec), so it exists. */
	kill(-p->pid, SIGKILL);
}

/* Fetches the status of a job that has ended; false while it runs. */
static bool reap(struct runner *r, struct running *p)
{
	struct run_job *job = p->job;
	siginfo_t info = { 0 };
	int status = 0;

	if (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
		return false;
	/* What it left behind ends too; while it is not reaped, its group's number cannot be another's. */
	kill(-p->pid, SIGKILL);
	CHECK(waitpid(p->pid, &status, 0) == p->pid);
	drain(p);
	if (p->out >= 0)
		close(p->out);
	p->out = -1;
	job->took_ms = (uint32_t)(now_ms() - p->started_ms);
	if (p->why != RUN_PENDING) {
		job->result = p->why;
	} else {
		job->result = WIFEXITED(status) ? RUN_EXITED : RUN_SIGNALED;
		job->code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
	}
	if (!run_ok(job))
		r->failed = true;
	return true;
}

/* Kills what is too old, and everything after a signal; the milliseconds until the next one is too old. */
static int enforce_limits(struct runner *r)
{
	uint64_t now = now_ms();
	int wait_ms = 1000;

	for (size_t i = 0; i < r->n; i++) {
		struct running *p = &r->at[i];
		uint64_t ran = now - p->started_ms;

		if (interrupted_by != 0)
			kill_job(p, RUN_INTERRUPTED);
		else if (ran >= p->job->limit_ms)
			kill_job(p, RUN_TIMED_OUT);
		else if (p->job->limit_ms - ran < (uint64_t)wait_ms)
			wait_ms = (int)(p->job->limit_ms - ran);
	}
	return wait_ms;
}

/* One turn: waits until something happened, reads output, takes away what ended. */
static void turn(struct runner *r)
{
	struct pollfd fds[PARALLEL_MAX];
	int wait_ms = enforce_limits(r);
	struct timespec limit = { wait_ms / 1000, wait_ms % 1000 * 1000000L };
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i++)
		fds[i] = (struct pollfd){ .fd = r->at[i].out, .events = POLLIN };
	/* A signal that came since the check above is still blocked, and ends this at once. */
	(void)!ppoll(fds, r->n, &limit, &r->waiting);
	for (size_t i = 0; i < r->n; i++) {
		drain(&r->at[i]);
		if (!reap(r, &r->at[i]))
			r->at[kept++] = r->at[i];
	}
	r->n = kept;
}

static void reset_job(struct run_job *job)
{
	job->result = RUN_PENDING;
	job->code = 0;
	job->took_ms = 0;
	job->output_cut = false;
	sbuf_clear(&job->output);
}

bool run_jobs(struct run_job *jobs, size_t n, unsigned parallel)
{
	struct sigaction child = { .sa_handler = on_child }, old_child;
	struct runner r = { .parallel = parallel < 1 ? 1 : parallel > PARALLEL_MAX ? PARALLEL_MAX : parallel };
	sigset_t ours, before;
	size_t next = 0;

	CHECK(is_catching);
	sigemptyset(&child.sa_mask);
	sigemptyset(&ours);
	sigaddset(&ours, SIGCHLD);
	for (size_t i = 0; i < ARRAY_LEN(caught_signals); i++)
		sigaddset(&ours, caught_signals[i]);
	sigaction(SIGCHLD, &child, &old_child);
	sigprocmask(SIG_BLOCK, &ours, &before);
	r.waiting = before;
	sigdelset(&r.waiting, SIGCHLD);

	for (size_t i = 0; i < n; i++)
		reset_job(&jobs[i]);
	while (r.n > 0 || (next < n && !r.failed && interrupted_by == 0)) {
		while (next < n && r.n < r.parallel && !r.failed && interrupted_by == 0)
			start_job(&r, &jobs[next++]);
		if (r.n > 0)
			turn(&r);
	}

	sigprocmask(SIG_SETMASK, &before, NULL);
	sigaction(SIGCHLD, &old_child, NULL);
	return !r.failed && next == n;
}

bool run_ok(const struct run_job *job)
{
	return job->result == RUN_EXITED && job->code == 0;
}

void run_fini(struct run_job *job)
{
	sbuf_fini(&job->output);
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

const char *run_find(struct arena *a, struct str name)
{
	struct str rest = str_of(getenv("PATH")), folder;
	const char *path;

	if (name.len == 0)
		return NULL;
	if (str_find_char(name, '/') < name.len) {
		path = arena_cstr(a, name);
		return is_program(path) ? path : NULL;
	}
	while (str_split(&rest, ':', &folder)) {
		/* An empty or relative entry means the working directory of the moment: not a place to take a compiler from. */
		if (folder.len == 0 || folder.ptr[0] != '/')
			continue;
		path = arena_printf(a, STR_FMT "/" STR_FMT, STR_ARG(folder), STR_ARG(name)).ptr;
		if (is_program(path))
			return path;
	}
	return NULL;
}
