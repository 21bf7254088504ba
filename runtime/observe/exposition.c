/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "observe/exposition.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/check.h"
#include "base/str.h"
#include "loop/count.h"

/* ---- what is told ---- */

/* SECONDS, MOMENT and DURATION are microseconds inside. */
enum kind { COUNTER, GAUGE, INFO, SECONDS, MOMENT, DURATION };

typedef uint64_t reader(const struct exposition *e);

struct family {
	enum count_scope scope;
	enum kind kind;
	uint32_t first, n;         /* cells */
	const char *label;         /* NULL: there is one cell */
	const char *const *values; /* NULL: the names of enum fault */
	const char *name, *help;
	reader *read;              /* in place of cells */
};

static uint64_t read_one(const struct exposition *e)
{
	(void)e;
	return 1;
}

static uint64_t read_workers(const struct exposition *e)
{
	return e->table->n_workers;
}

static uint64_t us_of(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_usec;
}

static uint64_t read_cpu(const struct exposition *e)
{
	struct rusage used = { 0 };

	(void)e;
	getrusage(RUSAGE_SELF, &used);
	return us_of(used.ru_utime) + us_of(used.ru_stime);
}

static uint64_t read_start(const struct exposition *e)
{
	return e->table->started_us;
}

/* No disk is behind that file. */
static uint64_t read_memory(const struct exposition *e)
{
	char text[128] = "";
	unsigned long long pages = 0;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	(void)e;
	if (fd >= 0)
		close(fd);
	if (n > 0 && sscanf(text, "%*u %llu", &pages) != 1)
		pages = 0;
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t read_max_fds(const struct exposition *e)
{
	struct rlimit files = { 0 };

	(void)e;
	getrlimit(RLIMIT_NOFILE, &files);
	return files.rlim_cur;
}

static uint64_t read_open(const struct exposition *e)
{
	return atomic_load_explicit(e->table->gateway->listeners[e->thing].open, memory_order_relaxed);
}

#define VALUES(...) ((const char *const[]){ __VA_ARGS__ })
#define BOUND(text, us) text,
#define COUNT_BOUND_NAMES ((const char *const[]){ COUNT_BOUNDS(BOUND) "+Inf" })

static const struct family families[] = {
#define COUNT(scope, NAME, kind, cells, label, values, name, help) \
	{ COUNT_##scope, kind, COUNT_##NAME, cells, label, values, name, help, NULL },
#define READ(scope, kind, reader, name, help) { COUNT_##scope, kind, 0, 1, NULL, NULL, name, help, reader },
#include "loop/count.def"
#undef COUNT
#undef READ
};

/* ---- lines ---- */

struct line {
	char *at, *end;
};

__attribute__((format(printf, 2, 3))) static void put(struct line *l, const char *format, ...)
{
	size_t room = (size_t)(l->end - l->at);
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(l->at, room, format, args);
	va_end(args);
	/* Names and values are bounded by the schemas, well below a piece. */
	CHECK(n >= 0 && (size_t)n < room);
	l->at += n;
}

size_t exposition_escape(struct str value, char *to, size_t most)
{
	size_t n = 0;

	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];
		bool escaped = c == '\\' || c == '"' || c == '\n';

		if (n + 1 + escaped > most)
			break;
		if (escaped)
			to[n++] = '\\';
		to[n++] = c == '\n' ? 'n' : c;
	}
	return n;
}

#define VALUE_MOST 256u

static void put_label(struct line *l, const char *name, struct str value)
{
	char text[VALUE_MOST];
	size_t n = exposition_escape(value, text, sizeof(text));

	put(l, "%s%s=\"%.*s\"", l->at[-1] == '{' ? "" : ",", name, (int)n, text);
}

static void put_server(struct line *l, const struct exposition *e)
{
	const struct toron_gateway *g = e->table->gateway;
	const uint32_t *first = e->table->first_server;
	const struct toron_server *s;
	uint32_t low = 0, high = g->n_backends;
	char text[VALUE_MOST];

	/* The backend that begins last before it. */
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (first[middle] <= e->thing)
			low = middle;
		else
			high = middle;
	}
	s = &g->backends[low]->servers[e->thing - first[low]];
	snprintf(text, sizeof(text), STR_FMT STR_FMT, STR_ARG(s->authority), STR_ARG(s->base_path));
	put_label(l, "backend", str_of(g->backends[low]->name));
	put_label(l, "server", str_of(text));
}

/* Of what the sample is. */
static void put_thing(struct line *l, const struct exposition *e, const struct family *f)
{
	const struct toron_gateway *g = e->table->gateway;
	const struct toron_route *r;

	switch (f->scope) {
	case COUNT_LISTENER:
		put_label(l, "listener", str_of(g->listeners[e->thing].name));
		return;
	case COUNT_BACKEND:
		put_label(l, "backend", str_of(g->backends[e->thing]->name));
		return;
	case COUNT_SERVER:
		put_server(l, e);
		return;
	case COUNT_ROUTE:
		r = e->table->routes[e->thing];
		put_label(l, "route", r == NULL ? STR("") : str_of(r->name));
		return;
	default:
		break;
	}
	if (f->kind == INFO) {
		put_label(l, "name", str_of(g->name));
		put_label(l, "version", str_of(g->toron_version));
	}
}

static enum fault fault_of(const struct exposition *e, const struct family *f)
{
	return (enum fault)(f->scope == COUNT_SERVER ? COUNT_SERVER_FAULT_FIRST + e->cell : e->cell);
}

static void put_labels(struct line *l, const struct exposition *e, const struct family *f, bool with_cell)
{
	char fault[FAULT_LABEL_MOST];
	char *before = l->at;

	put(l, "{");
	put_thing(l, e, f);
	if (with_cell && f->label != NULL && f->values != NULL)
		put_label(l, f->label, str_of(f->values[e->cell]));
	else if (with_cell && f->label != NULL)
		put_label(l, f->label, (struct str){ fault, fault_label(fault_of(e, f), fault) });
	if (l->at[-1] == '{')
		l->at = before;
	else
		put(l, "}");
}

static void put_value(struct line *l, uint64_t value, bool is_us)
{
	if (is_us)
		put(l, " %llu.%06u\n", (unsigned long long)(value / 1000000u), (unsigned)(value % 1000000u));
	else
		put(l, " %llu\n", (unsigned long long)value);
}

/* A bucket; behind the last one sum and count. */
static void put_bucket(struct line *l, struct exposition *e, const struct family *f)
{
	uint64_t sum;

	e->sum += count_sum(e->table, f->scope, e->thing, f->first + e->cell);
	put(l, "%s_bucket", f->name);
	put_labels(l, e, f, true);
	put_value(l, e->sum, false);
	if (e->cell != COUNT_BOUND_INF)
		return;
	sum = count_sum(e->table, f->scope, e->thing, f->first + COUNT_BOUND_SUM);
	put(l, "%s_sum", f->name);
	put_labels(l, e, f, false);
	put_value(l, sum, true);
	put(l, "%s_count", f->name);
	put_labels(l, e, f, false);
	put_value(l, e->sum, false);
	e->cell = COUNT_BOUND_SUM;
	e->sum = 0;
}

static void put_sample(struct line *l, struct exposition *e, const struct family *f)
{
	uint64_t value;

	if (f->kind == DURATION) {
		put_bucket(l, e, f);
		return;
	}
	value = f->read != NULL ? f->read(e) : count_sum(e->table, f->scope, e->thing, f->first + e->cell);
	put(l, "%s", f->name);
	put_labels(l, e, f, true);
	put_value(l, value, f->kind == SECONDS || f->kind == MOMENT);
}

static void put_head(struct line *l, const struct family *f)
{
	static const char *const types[] = {
		[COUNTER] = "counter", [GAUGE] = "gauge", [INFO] = "gauge", [SECONDS] = "counter", [MOMENT] = "gauge",
		[DURATION] = "histogram",
	};

	put(l, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name, types[f->kind]);
}

/* ---- all of them ---- */

void exposition_begin(struct exposition *e, const struct count_table *t)
{
	*e = (struct exposition){ .table = t };
}

/* Things without a name of their own, and the fault that is none. */
static bool is_skipped(const struct exposition *e, const struct family *f)
{
	if (f->scope == COUNT_ROUTE && e->table->routes[e->thing] == NULL)
		return e->thing + 1 != e->table->n[COUNT_ROUTE];
	if (f->scope == COUNT_SERVER && e->table->server[e->thing] != e->thing)
		return true;
	return f->label != NULL && f->values == NULL && fault_of(e, f) == FAULT_NONE;
}

static void step(struct exposition *e, const struct family *f)
{
	if (++e->cell < f->n)
		return;
	e->cell = 0;
	if (++e->thing < e->table->n[f->scope])
		return;
	e->thing = 0;
	e->family++;
	e->has_head = false;
}

size_t exposition_next(struct exposition *e, char to[EXPOSITION_PIECE_MOST])
{
	struct line l = { to, to + EXPOSITION_PIECE_MOST };

	while (l.at == to && e->family < ARRAY_LEN(families)) {
		const struct family *f = &families[e->family];

		if (e->table->n[f->scope] == 0) {
			e->family++;
			continue;
		}
		if (!e->has_head) {
			put_head(&l, f);
			e->has_head = true;
			break;
		}
		if (!is_skipped(e, f))
			put_sample(&l, e, f);
		step(e, f);
	}
	return (size_t)(l.at - to);
}
