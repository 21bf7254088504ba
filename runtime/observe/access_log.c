/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "observe/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "loop/count.h"
#include "observe/access_line.h"

#define WRITE_AT (64u << 10)       /* bytes that are worth a call before the turn ends */
#define RETRY_MS 5u                /* a sink that took nothing is asked again */
#define REPORT_MS 1000u
#define LAST_WAIT_MS 1000          /* for the sink, when the log is freed */
#define PIPE_BYTES (1 << 20)

#define KEPT_MOST (256u << 10)     /* bytes that wait for a sink that does not keep up */

struct access_log {
	unsigned magic;
#define ACCESS_LOG_MAGIC 0x2f9e41d8u
	struct worker *worker; /* borrowed */
	int fd;                /* borrowed */
	bool is_shared;        /* not a regular file: see write_some */
	bool is_socket;
	bool is_waiting;       /* for more lines; the timer writes them */
	bool is_blocked;       /* the sink took nothing; the timer tries again */
	const struct toron_log *conf; /* borrowed */
	uint32_t sample_ppm;
	uint64_t random;
	uint64_t dropped, reported_ms; /* since the process log said so */
	uint64_t untold;       /* likewise, since a line of this log did */
	struct loop_task task;
	struct loop_timer timer;
	size_t from, to;       /* what waits in bytes[] */
	uint64_t stamp_us;     /* of stamp[] */
	char stamp[CLOCK_RFC3339_LEN];
	char bytes[KEPT_MOST + ACCESS_LINE_MOST];
};

/* A pipe, terminal or socket takes part of a write when it is full, so workers take turns: who
 * left a line half written goes on before anybody else writes. (A file opened for appending
 * takes each write whole.) */
static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER;
static const struct access_log *sink_in_line; /* under sink_lock */

static int reopen(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	/* O_NONBLOCK belongs to what was opened, which is shared with whoever started us; what
	 * we open ourselves is ours. */
	return open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static int open_stream(int fd)
{
	struct stat st;
	int own = -1;

	if (fstat(fd, &st) != 0)
		return -1;
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
		own = reopen(fd);
	if (own < 0)
		own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
#ifdef F_SETPIPE_SZ
	if (own >= 0 && S_ISFIFO(st.st_mode))
		fcntl(own, F_SETPIPE_SZ, PIPE_BYTES);
#endif
	return own;
}

int access_log_open(const struct toron_log *conf)
{
	struct str path = str_of(conf->access_path);
	int fd;

	if (str_eq(path, STR("stdout")))
		fd = open_stream(STDOUT_FILENO);
	else if (str_eq(path, STR("stderr")))
		fd = open_stream(STDERR_FILENO);
	else
		fd = open(conf->access_path,
			O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0640);
	return fd >= 0 ? fd : err_of_errno(errno);
}

/* In place, so that no worker needs to know: whoever writes next writes to the new file. What is being written meanwhile ends up
 * whole in the old one. */
int access_log_reopen(int fd, const struct toron_log *conf)
{
	struct stat before, after;
	int fresh, err = 0;

	if (fstat(fd, &before) != 0 || !S_ISREG(before.st_mode))
		return 0;
	fresh = access_log_open(conf);
	if (fresh < 0)
		return fresh;
	if (fstat(fresh, &after) != 0 || !S_ISREG(after.st_mode)) {
		errno = EINVAL; /* workers write to files in another way than to all else */
		err = err_of_errno(errno);
	} else if (dup3(fresh, fd, O_CLOEXEC) < 0) {
		err = err_of_errno(errno);
	}
	close(fresh);
	return err;
}

static void report_drops(struct access_log *log)
{
	uint64_t now = loop_now_ms(log->worker->loop);

	if (log->dropped == 0 || now - log->reported_ms < REPORT_MS)
		return;
	log_event(LOG_WARN, "access-log-dropped", "%llu lines were dropped: the sink does not keep up",
		(unsigned long long)log->dropped);
	log->dropped = 0;
	log->reported_ms = now;
}

static ssize_t write_once(const struct access_log *log)
{
	const char *at = log->bytes + log->from;
	ssize_t n;

	do
		n = log->is_socket ? send(log->fd, at, log->to - log->from, MSG_DONTWAIT | MSG_NOSIGNAL)
				   : write(log->fd, at, log->to - log->from);
	while (n < 0 && errno == EINTR);
	return n;
}

/* What one call takes; 0 when the sink is full or another worker's line is half written. */
static size_t write_some(struct access_log *log)
{
	bool is_mine = true;
	uint64_t lost = 0;
	ssize_t n = 0;

	if (log->is_shared) {
		CHECK(pthread_mutex_lock(&sink_lock) == 0);
		is_mine = sink_in_line == NULL || sink_in_line == log;
	}
	if (is_mine)
		n = write_once(log);
	if (n < 0 && errno != EAGAIN) {
		/* A full disk, a reader that went away: these lines are lost, later ones may not
		 * be. */
		for (size_t i = log->from; i < log->to; i++)
			lost += log->bytes[i] == '\n';
		log->dropped += lost;
		count_process(log->worker->counts, COUNT_LOG_DROPPED, lost);
		log->untold += lost;
		log->from = log->to = 0;
		n = 0;
	} else if (n > 0) {
		log->from += (size_t)n;
	}
	if (log->is_shared) {
		if (is_mine && n > 0)
			sink_in_line = log->bytes[log->from - 1] == '\n' ? NULL : log;
		else if (is_mine && log->to == 0)
			sink_in_line = NULL;
		CHECK(pthread_mutex_unlock(&sink_lock) == 0);
	}
	return n > 0 ? (size_t)n : 0;
}

static void flush(struct access_log *log)
{
	while (log->from < log->to && write_some(log) > 0)
		;
	if (log->from == log->to) {
		log->from = log->to = 0;
		log->is_blocked = false;
		report_drops(log);
		return;
	}
	memmove(log->bytes, log->bytes + log->from, log->to - log->from);
	log->to -= log->from;
	log->from = 0;
	log->is_blocked = true;
	log->is_waiting = false;
	loop_timer_set(&log->timer, RETRY_MS);
	report_drops(log);
}

static void on_turn_end(struct loop_task *t)
{
	struct access_log *log = CONTAINER_OF(t, struct access_log, task);

	CHECK_MAGIC(log, ACCESS_LOG_MAGIC);
	if (!log->is_blocked)
		flush(log);
}

static void on_timer(struct loop_timer *t)
{
	struct access_log *log = CONTAINER_OF(t, struct access_log, timer);

	CHECK_MAGIC(log, ACCESS_LOG_MAGIC);
	log->is_waiting = false;
	flush(log);
}

struct access_log *access_log_new(struct worker *w, int fd, const struct toron_log *conf)
{
	struct access_log *log = malloc(sizeof(*log)); /* not touched but for what is used */
	struct stat st = { 0 };

	if (log == NULL)
		return NULL;
	memset(log, 0, offsetof(struct access_log, bytes));
	log->magic = ACCESS_LOG_MAGIC;
	log->worker = w;
	log->fd = fd;
	log->conf = conf;
	log->is_shared = fstat(fd, &st) != 0 || !S_ISREG(st.st_mode);
	log->is_socket = log->is_shared && S_ISSOCK(st.st_mode);
	log->sample_ppm = conf->access_sample_ppm;
	log->random = clock_monotonic_us() * 2 + 1 + w->index;
	loop_task_init(&log->task, on_turn_end);
	loop_timer_init(&log->timer, w->loop, on_timer);
	return log;
}

void access_log_free(struct access_log **access)
{
	struct access_log *log = *access;
	uint64_t until;

	if (log == NULL)
		return;
	*access = NULL;
	until = clock_monotonic_us() / 1000u + LAST_WAIT_MS;
	while (log->from < log->to) {
		struct pollfd p = { .fd = log->fd, .events = POLLOUT };

		if (write_some(log) > 0 || log->to == 0)
			continue;
		if (clock_monotonic_us() / 1000u >= until)
			break;
		/* Short, as another worker's turn may be what we wait for. */
		poll(&p, 1, RETRY_MS);
		if (p.revents != 0)
			poll(NULL, 0, 1);
	}
	for (size_t i = log->from; i < log->to; i++)
		log->dropped += log->bytes[i] == '\n';
	log->reported_ms = 0;
	report_drops(log);
	CHECK(pthread_mutex_lock(&sink_lock) == 0);
	if (sink_in_line == log)
		sink_in_line = NULL;
	CHECK(pthread_mutex_unlock(&sink_lock) == 0);
	loop_task_cancel(&log->task);
	loop_timer_fini(&log->timer);
	log->magic = 0;
	free(log);
}

/* What is in bytes[] is written together with what else comes soon. */
static void write_later(struct access_log *log)
{
	if (log->is_blocked || log->is_waiting)
		return;
	if (log->conf->access_flush_ms == 0) {
		loop_defer(log->worker->loop, &log->task);
		return;
	}
	log->is_waiting = true;
	loop_timer_set(&log->timer, log->conf->access_flush_ms);
}

/* xorshift64*; who is logged need not be unpredictable. */
static bool is_sampled(struct access_log *log)
{
	if (log->sample_ppm >= 1000000u)
		return true;
	log->random ^= log->random >> 12;
	log->random ^= log->random << 25;
	log->random ^= log->random >> 27;
	return (log->random * 2685821657736338717u >> 32) % 1000000u < log->sample_ppm;
}

static struct str stamp_of(struct access_log *log)
{
	uint64_t now = loop_wall_us(log->worker->loop);

	if (now != log->stamp_us) {
		log->stamp_us = now;
		clock_rfc3339(now, log->stamp);
	}
	return (struct str){ log->stamp, sizeof(log->stamp) };
}

void access_log_exchange(struct exchange *x)
{
	struct access_log *log = x->worker->access;
	struct access_line line;

	if (log == NULL || !is_sampled(log))
		return;
	CHECK_MAGIC(log, ACCESS_LOG_MAGIC);
	if (log->to >= WRITE_AT && !log->is_blocked)
		flush(log);
	if (log->to > KEPT_MOST) {
		log->dropped++;
		count_process(x->worker->counts, COUNT_LOG_DROPPED, 1);
		log->untold++;
		return;
	}
	line = (struct access_line){ .conf = log->conf, .stamp = stamp_of(log), .dropped = log->untold };
	log->untold = 0;
	log->to = (size_t)(access_line_write(&line, x, log->bytes + log->to) - log->bytes);
	write_later(log);
}
