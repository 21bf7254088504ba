/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The life of a gateway: options, setups, sockets, other user, workers, signals, drain, end. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "boot/crew.h"
#include "boot/options.h"
#include "boot/ports.h"
#include "boot/user.h"
#include "http/exchange.h"
#include "loop/count.h"
#include "observe/access_log.h"
#include "tls/engine.h"
#include "toron/gateway.h"

enum exit_code { EXIT_DRAINED = 0, EXIT_NOT_STARTED = 1, EXIT_USAGE = 2 };

#define LOOK_MS 1000u /* how often files of TLS are looked after */

struct boot;

struct boot_signal {
	struct loop_signal at;
	struct boot *boot;
	bool is_watched;
};

/* What the main thread's callbacks share. */
struct boot {
	const struct toron_gateway *gateway;
	uint32_t n_workers;
	struct loop *loop;         /* owned */
	struct crew *crew;         /* owned */
	struct ports ports;
	struct backend_shared *shared; /* owned */
	struct tls *tls;           /* owned; NULL: no TLS anywhere */
	struct count_table *counts; /* owned; NULL: nothing is counted */
	struct loop_timer look;    /* after the files of TLS */
	int access_fd;             /* owned; -1: none */
	struct boot_signal signals[4];
	uint32_t n_ready, n_gone;
	bool failed;               /* a worker did not start */
	bool draining;
};

static bool abi_fits(const struct toron_gateway *g)
{
	if (g->abi_major == TORON_ABI_MAJOR && g->abi_minor <= TORON_ABI_MINOR)
		return true;
	fprintf(stderr, "this gateway was compiled for version %u.%u of the runtime's ABI and linked with %u.%u\n",
		(unsigned)g->abi_major, (unsigned)g->abi_minor, TORON_ABI_MAJOR, TORON_ABI_MINOR);
	return false;
}

static void set_up_log(const struct toron_log *conf)
{
	static const enum log_level levels[] = {
		[TORON_LOG_DEBUG] = LOG_DEBUG,
		[TORON_LOG_INFO] = LOG_INFO,
		[TORON_LOG_WARN] = LOG_WARN,
		[TORON_LOG_ERROR] = LOG_ERROR,
	};

	log_setup((size_t)conf->level < ARRAY_LEN(levels) ? levels[conf->level] : LOG_INFO,
		conf->json ? LOG_JSON : LOG_TEXT);
}

static void set_up_process(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct rlimit files;

	CHECK(sigaction(SIGPIPE, &ignore, NULL) == 0);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &files) != 0)
			log_event(LOG_WARN, "files-limit", "cannot raise the limit of open files: %s",
				strerror(errno));
	}
}

static bool run_setups(const struct toron_gateway *g)
{
	bool ok = true;

	/* All of them, so that one start tells all that is wrong. */
	for (uint32_t i = 0; i < g->n_setups; i++)
		ok = g->setups[i].start(g->setups[i].conf) == 0 && ok;
	return ok;
}

static bool open_access_log(struct boot *b)
{
	const struct toron_log *conf = &b->gateway->log;

	b->access_fd = -1;
	exchange_observe = b->gateway->metrics; /* which writes the log, too */
	if (!conf->access)
		return true;
	b->access_fd = access_log_open(conf);
	if (b->access_fd >= 0) {
		if (exchange_observe == NULL)
			exchange_observe = access_log_exchange;
		return true;
	}
	b->access_fd = -1;
	log_event(LOG_ERROR, "access-log-failed", "%s: cannot open the access log: %s", conf->access_path,
		strerror(errno));
	return false;
}

/* The processors that this process may use. */
static uint32_t n_processors(void)
{
	cpu_set_t set;
	int n;

	CPU_ZERO(&set);
	n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 0;
	if (n < 1)
		n = (int)sysconf(_SC_NPROCESSORS_ONLN); /* more than 1024 of them */
	return n < 1 ? 1 : (uint32_t)n;
}

static void on_ready(void *arg, bool ok)
{
	struct boot *b = arg;
	struct sbuf where = { 0 };

	b->n_ready++;
	b->failed = b->failed || !ok;
	if (b->n_ready < b->n_workers)
		return;
	if (b->failed) {
		crew_abort(b->crew);
		return;
	}
	ports_describe(&b->ports, &where);
	log_event(LOG_INFO, "ready", "%s: %u workers listen on %s", b->gateway->name, (unsigned)b->n_workers,
		where.ptr != NULL ? where.ptr : "nothing");
	sbuf_fini(&where);
}

static void on_gone(void *arg)
{
	struct boot *b = arg;

	if (++b->n_gone == b->n_workers)
		loop_stop(b->loop);
}

static const char *signal_name(int number)
{
	return number == SIGTERM ? "SIGTERM" : number == SIGINT ? "SIGINT" : "SIGHUP";
}

static void on_signal(struct loop_signal *s, int number)
{
	struct boot *b = CONTAINER_OF(s, struct boot_signal, at)->boot;

	if (b->draining) {
		log_event(LOG_WARN, "drain-forced", "%s again: what is in flight is aborted", signal_name(number));
		crew_abort(b->crew);
		return;
	}
	b->draining = true;
	log_event(LOG_INFO, "draining", "%s: at most %u ms", signal_name(number),
		(unsigned)b->gateway->drain_ms);
	crew_drain(b->crew);
}

/* After the file was moved away: the next line goes to a new one. */
static void on_reopen(struct loop_signal *s, int number)
{
	struct boot *b = CONTAINER_OF(s, struct boot_signal, at)->boot;
	const struct toron_log *conf = &b->gateway->log;

	(void)number;
	if (b->access_fd < 0) {
		log_event(LOG_INFO, "access-log-reopened", "SIGUSR1: there is no access log");
		return;
	}
	if (access_log_reopen(b->access_fd, conf) != 0)
		log_event(LOG_ERROR, "access-log-failed", "%s: cannot open the access log again, it stays as it was: %s",
			conf->access_path, strerror(errno));
	else
		log_event(LOG_INFO, "access-log-reopened", "%s", conf->access_path);
}

static void on_look(struct loop_timer *t)
{
	struct boot *b = CONTAINER_OF(t, struct boot, look);

	b->gateway->tls->look(b->tls, b->counts != NULL ? &b->counts->at[b->n_workers] : NULL);
	loop_timer_set(t, LOOK_MS);
}

/* A terminal that goes away is no reason to drop requests, but nohup's wish is respected. */
static void watch_signals(struct boot *b)
{
	static const int numbers[ARRAY_LEN(b->signals)] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		struct boot_signal *s = &b->signals[i];
		struct sigaction before;

		CHECK(sigaction(numbers[i], NULL, &before) == 0);
		s->boot = b;
		s->is_watched = numbers[i] != SIGHUP || before.sa_handler != SIG_IGN;
		if (s->is_watched)
			loop_signal_start(&s->at, b->loop, numbers[i], numbers[i] == SIGUSR1 ? on_reopen : on_signal);
	}
}

static void unwatch_signals(struct boot *b)
{
	for (size_t i = 0; i < ARRAY_LEN(b->signals); i++) {
		if (b->signals[i].is_watched)
			loop_signal_stop(&b->signals[i].at);
	}
}

/* From the first thread to the last. */
static enum exit_code run(struct boot *b)
{
	const struct crew_conf conf = {
		.gateway = b->gateway,
		.main = b->loop,
		.ports = &b->ports,
		.shared = b->shared,
		.tls = b->tls,
		.counts = b->counts,
		.access_fd = b->access_fd,
		.n_workers = b->n_workers,
		.on_ready = on_ready,
		.on_gone = on_gone,
		.arg = b,
	};

	/* One that comes before the loop runs waits for it. */
	watch_signals(b);
	loop_timer_init(&b->look, b->loop, on_look);
	if (b->tls != NULL)
		loop_timer_set(&b->look, LOOK_MS);
	b->crew = crew_start(&conf);
	if (b->crew != NULL)
		loop_run(b->loop);
	loop_timer_fini(&b->look);
	unwatch_signals(b);
	b->failed = b->failed || b->crew == NULL;
	crew_free(&b->crew);
	if (b->failed)
		return EXIT_NOT_STARTED;
	log_event(LOG_INFO, "drained", "%s has ended", b->gateway->name);
	return EXIT_DRAINED;
}

/* Certificates and keys, while we may still read them. */
static bool start_tls(struct boot *b)
{
	const struct toron_gateway *g = b->gateway;

	if (g->tls == NULL)
		return true;
	b->tls = g->tls->start(g);
	return b->tls != NULL;
}

static bool prepare(struct boot *b)
{
	b->loop = loop_new();
	b->shared = backend_shared_new(b->gateway);
	if (b->gateway->metrics != NULL)
		b->counts = count_table_new(b->gateway, b->n_workers);
	if (b->loop == NULL || b->shared == NULL || (b->counts == NULL && b->gateway->metrics != NULL)) {
		log_event(LOG_ERROR, "start-failed", "out of memory or descriptors");
		return false;
	}
	return open_access_log(b) && ports_open(&b->ports, b->gateway, b->n_workers) &&
	       (b->gateway->user == NULL || user_become(b->gateway->user));
}

static void clean_up(struct boot *b)
{
	ports_close(&b->ports);
	if (b->access_fd >= 0)
		close(b->access_fd);
	backend_shared_free(&b->shared);
	count_table_free(&b->counts);
	if (b->tls != NULL)
		b->gateway->tls->stop(&b->tls);
	loop_free(&b->loop);
}

int toron_main(const struct toron_gateway *g, int argc, char **argv)
{
	struct boot b = { .gateway = g, .access_fd = -1 };
	struct options options;
	enum exit_code code = EXIT_NOT_STARTED;
	bool ok;

	if (!abi_fits(g))
		return EXIT_NOT_STARTED;
	switch (options_read(g, argc, argv, &options)) {
	case OPTIONS_RUN: break;
	case OPTIONS_DONE: return EXIT_DRAINED;
	case OPTIONS_WRONG: return EXIT_USAGE;
	case OPTIONS_FAILED: return EXIT_NOT_STARTED;
	}
	set_up_log(&g->log);
	set_up_process();
	/* All that is wrong is told at once. */
	ok = run_setups(g);
	ok = start_tls(&b) && ok;
	if (!ok || options.check_only) {
		clean_up(&b);
		return ok ? EXIT_DRAINED : EXIT_NOT_STARTED;
	}
	b.n_workers = options.workers != 0 ? options.workers : g->workers != 0 ? g->workers : n_processors();
	if (prepare(&b))
		code = run(&b);
	clean_up(&b);
	return code;
}
