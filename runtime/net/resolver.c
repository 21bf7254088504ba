/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "net/resolver.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"
#include "base/str.h"
#include "net/dns.h"
#include "net/hosts.h"

#define NAMES_MOST 1024
#define BUCKETS 256
#define NAME_MOST 254 /* RFC 1035 section 3.1 allows 253 in text, and a last dot */
#define LABEL_MOST 63
#define TTL_LEAST_MS 1000u
#define TTL_MOST_MS 3600000u
#define RETRY_MS 2000u
#define STALE_MS 3600000u /* past its end an answer is given at once for so long, while a new one is asked for */

_Static_assert(RESOLVER_MAX_ADDRS == DNS_MAX_ADDRS, "one bound");

/* What is known of a name.
 *
 *   new --ask--> asking --answer--> known (n > 0), or failed (n 0, err) --fresh_until, looked up--> asking
 *
 * A known name that fails when asked again stays known. */
struct name {
	struct list in_bucket;
	struct list in_age;        /* least recently used first */
	struct list due;           /* in resolver.due: its waiters are to be told */
	struct list waiting;       /* of resolver_query */
	struct resolver *resolver;
	bool asking;
	int err;                   /* of the last answer */
	uint64_t fresh_until_ms;   /* before that nobody is asked (again) */
	uint64_t stale_until_ms;
	size_t n;
	struct addr addrs[RESOLVER_MAX_ADDRS];
	size_t len;
	char text[];               /* lower case, NUL behind it */
};

struct resolver {
	struct loop *loop;
	struct dns *dns;           /* owned */
	struct hosts *hosts;       /* owned */
	struct list buckets[BUCKETS];
	struct list age;
	struct list due;           /* of name */
	struct list invalid, refused; /* of resolver_query: to be told ERR_INVALID, ERR_LIMIT */
	size_t n_names;
	struct loop_task tell;
};

static void tell_all(struct list *waiting, int err, const struct addr *addrs, size_t n)
{
	while (!list_empty(waiting)) {
		struct resolver_query *q =
			CONTAINER_OF(waiting->next, struct resolver_query, link);

		list_remove(&q->link);
		q->fn(q, err, addrs, n);
	}
}

/* Moves a whole list; `to` is taken as uninitialised. */
static void list_take(struct list *from, struct list *to)
{
	list_init(to);
	if (list_empty(from))
		return;
	*to = *from;
	to->next->prev = to;
	to->prev->next = to;
	list_init(from);
}

static void tell_name(struct name *e)
{
	struct addr addrs[RESOLVER_MAX_ADDRS];
	struct list waiting;
	size_t n = e->n;
	int err = n > 0 ? 0 : e->err;

	/* What is told may look up other names, and so push this one out. */
	memcpy(addrs, e->addrs, n * sizeof(addrs[0]));
	list_take(&e->waiting, &waiting);
	tell_all(&waiting, err, n > 0 ? addrs : NULL, n);
}

static void on_tell(struct loop_task *t)
{
	struct resolver *r = CONTAINER_OF(t, struct resolver, tell);
	struct list due;

	list_take(&r->invalid, &due);
	tell_all(&due, ERR_INVALID, NULL, 0);
	list_take(&r->refused, &due);
	tell_all(&due, ERR_LIMIT, NULL, 0);
	list_take(&r->due, &due);
	while (!list_empty(&due)) {
		struct name *e = CONTAINER_OF(due.next, struct name, due);

		list_remove(&e->due);
		tell_name(e);
	}
}

struct resolver *resolver_new_from(struct worker *w, const struct resolver_sources *from)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->loop = w->loop;
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&r->buckets[i]);
	list_init(&r->age);
	list_init(&r->due);
	list_init(&r->invalid);
	list_init(&r->refused);
	loop_task_init(&r->tell, on_tell);
	r->hosts = hosts_new(from->hosts_path != NULL ? from->hosts_path : "/etc/hosts");
	r->dns = dns_new(w->loop, from->servers);
	if (r->hosts == NULL || r->dns == NULL)
		resolver_free(&r);
	return r;
}

struct resolver *resolver_new(struct worker *w)
{
	const struct resolver_sources system = { 0 };

	return resolver_new_from(w, &system);
}

static void list_drop(struct list *waiting)
{
	while (!list_empty(waiting))
		list_remove(waiting->next);
}

static void name_free(struct name *e)
{
	list_drop(&e->waiting);
	list_remove(&e->in_bucket);
	list_remove(&e->in_age);
	list_remove(&e->due);
	e->resolver->n_names--;
	free(e);
}

void resolver_free(struct resolver **resolver)
{
	struct resolver *r = *resolver;

	if (r == NULL)
		return;
	*resolver = NULL;
	dns_free(&r->dns);
	while (!list_empty(&r->age))
		name_free(CONTAINER_OF(r->age.next, struct name, in_age));
	list_drop(&r->invalid);
	list_drop(&r->refused);
	loop_task_cancel(&r->tell);
	hosts_free(&r->hosts);
	free(r);
}

/* Host names as DNS servers are asked for them: letters, digits, "-" and "_", in labels. */
static bool copy_name(struct str name, char text[NAME_MOST + 1])
{
	size_t label = 0;

	if (name.len == 0 || name.len > NAME_MOST)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = (char)ascii_lower((unsigned char)name.ptr[i]);

		text[i] = c;
		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
		if (++label > LABEL_MOST)
			return false;
	}
	text[name.len] = '\0';
	return name.len < NAME_MOST || text[name.len - 1] == '.';
}

static bool is_busy(const struct name *e)
{
	return e->asking || !list_empty(&e->waiting) || !list_empty(&e->due);
}

/* Makes room by dropping the name that was not looked up for longest. */
static bool make_room(struct resolver *r)
{
	struct list *l;

	if (r->n_names < NAMES_MOST)
		return true;
	for (l = r->age.next; l != &r->age; l = l->next) {
		struct name *e = CONTAINER_OF(l, struct name, in_age);

		if (!is_busy(e)) {
			name_free(e);
			return true;
		}
	}
	return false;
}

/* NULL: too many names, or out of memory. */
static struct name *name_get(struct resolver *r, struct str text)
{
	struct list *bucket = &r->buckets[str_hash(text) % BUCKETS];
	struct name *e;

	for (struct list *l = bucket->next; l != bucket; l = l->next) {
		e = CONTAINER_OF(l, struct name, in_bucket);
		if (str_eq((struct str){ e->text, e->len }, text)) {
			list_remove(&e->in_age);
			list_push_back(&r->age, &e->in_age);
			return e;
		}
	}
	if (!make_room(r))
		return NULL;
	e = calloc(1, sizeof(*e) + text.len + 1);
	if (e == NULL)
		return NULL;
	e->resolver = r;
	e->len = text.len;
	memcpy(e->text, text.ptr, text.len);
	list_init(&e->waiting);
	list_init(&e->due);
	list_push_back(bucket, &e->in_bucket);
	list_push_back(&r->age, &e->in_age);
	r->n_names++;
	return e;
}

static void tell_later(struct resolver *r, struct name *e)
{
	if (list_empty(&e->waiting))
		return;
	if (list_empty(&e->due))
		list_push_back(&r->due, &e->due);
	loop_defer(r->loop, &r->tell);
}

static void learn(struct name *e, const struct addr *addrs, size_t n, uint64_t ttl_ms)
{
	uint64_t now = loop_now_ms(e->resolver->loop);

	if (ttl_ms < TTL_LEAST_MS)
		ttl_ms = TTL_LEAST_MS;
	if (ttl_ms > TTL_MOST_MS)
		ttl_ms = TTL_MOST_MS;
	memcpy(e->addrs, addrs, n * sizeof(addrs[0]));
	e->n = n;
	e->err = 0;
	e->fresh_until_ms = now + ttl_ms;
	e->stale_until_ms = e->fresh_until_ms + STALE_MS;
}

static void on_answer(void *arg, const struct dns_answer *a)
{
	struct name *e = arg;
	uint64_t now = loop_now_ms(e->resolver->loop);

	e->asking = false;
	if (a->err == 0) {
		learn(e, a->addrs, a->n, (uint64_t)a->ttl_s * 1000u);
	} else {
		e->err = a->err;
		e->fresh_until_ms = now + RETRY_MS;
		/* What servers say is gone, and has been for long, is gone. */
		if (a->err == ERR_NOT_FOUND && now >= e->stale_until_ms)
			e->n = 0;
	}
	tell_later(e->resolver, e);
}

static void ask(struct resolver *r, struct name *e)
{
	struct addr addrs[RESOLVER_MAX_ADDRS];
	size_t n = hosts_find(r->hosts, (struct str){ e->text, e->len }, addrs, RESOLVER_MAX_ADDRS);

	if (n > 0) {
		learn(e, addrs, n, TTL_MOST_MS);
		return;
	}
	e->asking = true;
	dns_ask(r->dns, e->text, on_answer, e);
}

static size_t wait_to_fail(struct resolver *r, struct list *among, struct resolver_query *q)
{
	list_push_back(among, &q->link);
	loop_defer(r->loop, &r->tell);
	return 0;
}

size_t resolver_lookup(struct resolver *r, struct str name, struct addr addrs_out[RESOLVER_MAX_ADDRS],
	struct resolver_query *q)
{
	uint64_t now = loop_now_ms(r->loop);
	char text[NAME_MOST + 1];
	struct name *e;

	if (addr_parse(name, 0, &addrs_out[0]))
		return 1;
	if (!copy_name(name, text))
		return wait_to_fail(r, &r->invalid, q);
	e = name_get(r, (struct str){ text, name.len });
	if (e == NULL)
		return wait_to_fail(r, &r->refused, q);
	if (now >= e->fresh_until_ms && !e->asking)
		ask(r, e);
	if (e->n > 0 && (now < e->fresh_until_ms || now < e->stale_until_ms)) {
		memcpy(addrs_out, e->addrs, e->n * sizeof(addrs_out[0]));
		return e->n;
	}
	list_push_back(&e->waiting, &q->link);
	if (!e->asking)
		tell_later(r, e);
	return 0;
}

void resolver_cancel(struct resolver_query *q)
{
	list_remove(&q->link);
}
