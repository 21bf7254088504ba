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
#include "observe/json_line.h"

#define WRITE_AT (64u << 10)       /* bytes that are worth a call before the turn ends */
#define RETRY_MS 5u                /* a sink that took nothing is asked again */
#define REPORT_MS 1000u
#define LAST_WAIT_MS 1000          /* for the sink, when the log is freed */
#define PIPE_BYTES (1 << 20)

/* Bytes of a value that are logged. */
#define CAP_NAME 256u              /* of config: listener, route, backend */
#define CAP_METHOD 64u
#define CAP_HOST 512u              /* host, server, request_id */
#define CAP_PATH 4096u
#define CAP_AGENT 1024u
#define LINE_MOST (1024 + 15 * JSON_LINE_NUMBER + 3 * JSON_LINE_TEXT(CAP_NAME) + \
	JSON_LINE_TEXT(CAP_METHOD) + 3 * JSON_LINE_TEXT(CAP_HOST) + JSON_LINE_TEXT(CAP_PATH) + \
	JSON_LINE_TEXT(CAP_AGENT))
#define KEPT_MOST (256u << 10)     /* bytes that wait for a sink that does not keep up */

struct access_log {
	unsigned magic;
#define ACCESS_LOG_MAGIC 0x2f9e41d8u
	struct worker *worker; /* borrowed */
	int fd;                /* borrowed */
	bool is_shared;        /* not a regular file: see write_some */
	bool is_socket;
	bool is_blocked;       /* the sink took nothing; the timer tries again */
	uint32_t sample_ppm;
	uint64_t random;
	uint64_t dropped, reported_ms;
	struct loop_task task;
	struct loop_timer retry;
	size_t from, to;       /* what waits in bytes[] */
	uint64_t stamp_us;     /* of stamp[] */
	char stamp[CLOCK_RFC3339_LEN];
	char bytes[KEPT_MOST + LINE_MOST];
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
			log->dropped += log->bytes[i] == '\n';
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
	loop_timer_set(&log->retry, RETRY_MS);
	report_drops(log);
}

static void on_turn_end(struct loop_task *t)
{
	struct access_log *log = CONTAINER_OF(t, struct access_log, task);

	CHECK_MAGIC(log, ACCESS_LOG_MAGIC);
	if (!log->is_blocked)
		flush(log);
}

static void on_retry(struct loop_timer *t)
{
	struct access_log *log = CONTAINER_OF(t, struct access_log, retry);

	CHECK_MAGIC(log, ACCESS_LOG_MAGIC);
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
	log->is_shared = fstat(fd, &st) != 0 || !S_ISREG(st.st_mode);
	log->is_socket = log->is_shared && S_ISSOCK(st.st_mode);
	log->sample_ppm = conf->access_sample_ppm;
	log->random = clock_monotonic_us() * 2 + 1 + w->index;
	loop_task_init(&log->task, on_turn_end);
	loop_timer_init(&log->retry, w->loop, on_retry);
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
	loop_timer_fini(&log->retry);
	log->magic = 0;
	free(log);
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

/* "CONNECT_TIMEOUT" is "connect-timeout" to the outside. */
static void put_fault(struct json_line *j, enum fault fault)
{
	const char *name = fault_info(fault)->name;
	char text[CAP_METHOD];
	size_t n = 0;

	for (; name[n] != '\0' && n < sizeof(text); n++)
		text[n] = name[n] == '_' ? '-' : (char)ascii_lower((unsigned char)name[n]);
	json_line_text(j, STR("fault"), (struct str){ text, n }, CAP_METHOD);
}

static void put_request(struct json_line *j, const struct exchange *x)
{
	struct str host = x->host.len > 0 ? x->host : x->request.authority;
	char client[ADDR_TEXT_MAX];

	json_line_text(j, STR("listener"), str_of(x->listener->name), CAP_NAME);
	json_line_text(j, STR("client"), (struct str){ client, addr_format(&x->source, client) },
		ADDR_TEXT_MAX);
	json_line_text(j, STR("method"), x->request.method, CAP_METHOD);
	json_line_text(j, STR("host"), host, CAP_HOST);
	json_line_text(j, STR("path"), x->request.path, CAP_PATH);
	json_line_text(j, STR("protocol"),
		x->request.version_minor == 0 ? STR("HTTP/1.0") : STR("HTTP/1.1"), CAP_METHOD);
	json_line_number(j, STR("status"), x->response.status);
}

static void put_action(struct json_line *j, const struct exchange *x)
{
	if (x->route != NULL)
		json_line_text(j, STR("route"), str_of(x->route->name), CAP_NAME);
	if (x->backend == NULL)
		return;
	json_line_text(j, STR("backend"), str_of(x->backend->name), CAP_NAME);
	if (x->server < x->backend->n_servers && x->tries > 0)
		json_line_text(j, STR("server"), x->backend->servers[x->server].authority, CAP_HOST);
	json_line_number(j, STR("tries"), x->tries);
}

static void put_times(struct json_line *j, const struct exchange *x)
{
	uint64_t begun = x->times.begun, now = clock_monotonic_us();

	json_line_us(j, STR("duration_ms"), now > begun ? now - begun : 0);
	if (x->times.first_byte > begun)
		json_line_us(j, STR("first_byte_ms"), x->times.first_byte - begun);
	json_line_number(j, STR("request_bytes"), x->request.body.appended);
	json_line_number(j, STR("response_bytes"), x->response.body.sent);
}

void access_log_exchange(struct exchange *x)
{
	struct access_log *log = x->worker->access;
	const struct field *agent;
	struct json_line j;

	if (log == NULL || !is_sampled(log))
		return;
	CHECK_MAGIC(log, ACCESS_LOG_MAGIC);
	if (log->to >= WRITE_AT && !log->is_blocked)
		flush(log);
	if (log->to > KEPT_MOST) {
		log->dropped++;
		return;
	}
	json_line_begin(&j, log->bytes + log->to);
	json_line_text(&j, STR("time"), stamp_of(log), CLOCK_RFC3339_LEN);
	put_request(&j, x);
	put_action(&j, x);
	put_times(&j, x);
	if (x->request_id.len > 0)
		json_line_text(&j, STR("request_id"), x->request_id, CAP_HOST);
	agent = fields_find_token(&x->request.head, FIELD_USER_AGENT);
	if (agent != NULL)
		json_line_text(&j, STR("user_agent"), agent->value, CAP_AGENT);
	if (x->fault != FAULT_NONE)
		put_fault(&j, x->fault);
	log->to = (size_t)(json_line_end(&j) - log->bytes);
	if (!log->is_blocked)
		loop_defer(x->worker->loop, &log->task);
}
