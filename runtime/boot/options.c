/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "boot/options.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/str.h"

#define WORKERS_MOST 1024

static void show_help(const struct toron_gateway *g, struct sbuf *out)
{
	(void)g;
	sbuf_adds(out,
		"Runs the gateway in the foreground until SIGTERM, SIGINT or SIGHUP, which drain it.\n"
		"\n"
		"  --check       read secrets and files as a start would, then exit\n"
		"  --config      print the configuration that was compiled in\n"
		"  --help        print this\n"
		"  --info        print name, version, listeners, routes and backends as JSON\n"
		"  --version     print name, version of toron, and of its ABI\n"
		"  --workers N   run N worker threads\n"
		"\n"
		"Exit status: 0 drained or nothing to do, 1 could not start, 2 wrong usage.\n");
}

static void show_version(const struct toron_gateway *g, struct sbuf *out)
{
	sbuf_printf(out, "%s: toron %s, abi %u.%u\n", g->name, g->toron_version, (unsigned)g->abi_major,
		(unsigned)g->abi_minor);
}

static void show_config(const struct toron_gateway *g, struct sbuf *out)
{
	sbuf_add(out, g->config_text);
}

/* A member with a text value; `before` is what stands before its name. */
static void member(struct sbuf *out, const char *before, const char *name, struct str value)
{
	sbuf_printf(out, "%s\"%s\":", before, name);
	sbuf_json(out, value);
}

static void info_listeners(const struct toron_gateway *g, struct sbuf *out)
{
	sbuf_adds(out, ",\"listeners\":[");
	for (uint32_t i = 0; i < g->n_listeners; i++) {
		const struct toron_listener *l = &g->listeners[i];

		member(out, i > 0 ? ",{" : "{", "name", str_of(l->name));
		member(out, ",", "origin", str_of(l->origin));
		if (l->address != NULL)
			member(out, ",", "address", str_of(l->address));
		sbuf_printf(out, ",\"port\":%u}", (unsigned)l->port);
	}
	sbuf_addc(out, ']');
}

/* Methods by number of their bit, as far as they have names everywhere. */
static const char *const method_names[] = { "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS",
	"TRACE", "PATCH" };

static void info_methods(const struct toron_gateway *g, uint32_t methods, struct sbuf *out)
{
	const char *before = "";
	uint32_t extra = (uint32_t)ARRAY_LEN(method_names);

	sbuf_adds(out, ",\"methods\":[");
	for (uint32_t i = 0; i < extra + g->n_extra_methods; i++) {
		if (!(methods >> i & 1u))
			continue;
		sbuf_adds(out, before);
		sbuf_json(out, i < extra ? str_of(method_names[i]) : g->extra_methods[i - extra]);
		before = ",";
	}
	sbuf_addc(out, ']');
}

static void info_routes(const struct toron_gateway *g, struct sbuf *out)
{
	sbuf_adds(out, ",\"routes\":[");
	for (uint32_t i = 0; i < g->n_routes; i++) {
		const struct toron_route *r = &g->routes[i];

		member(out, i > 0 ? ",{" : "{", "name", str_of(r->name));
		member(out, ",", "origin", str_of(r->origin));
		if (r->methods != 0)
			info_methods(g, r->methods, out);
		sbuf_adds(out, ",\"middlewares\":[");
		for (uint32_t k = 0; r->chain != NULL && k < r->chain->n; k++) {
			sbuf_adds(out, k > 0 ? "," : "");
			sbuf_json(out, str_of(r->chain->names[k]));
		}
		sbuf_adds(out, "]}");
	}
	sbuf_addc(out, ']');
}

static void info_backends(const struct toron_gateway *g, struct sbuf *out)
{
	sbuf_adds(out, ",\"backends\":[");
	for (uint32_t i = 0; i < g->n_backends; i++) {
		const struct toron_backend *b = g->backends[i];

		member(out, i > 0 ? ",{" : "{", "name", str_of(b->name));
		member(out, ",", "origin", str_of(b->origin));
		sbuf_adds(out, ",\"servers\":[");
		for (uint32_t k = 0; k < b->n_servers; k++) {
			sbuf_adds(out, k > 0 ? "," : "");
			sbuf_json(out, b->servers[k].authority);
		}
		sbuf_adds(out, "]}");
	}
	sbuf_addc(out, ']');
}

static void show_info(const struct toron_gateway *g, struct sbuf *out)
{
	member(out, "{", "name", str_of(g->name));
	member(out, ",", "toron", str_of(g->toron_version));
	sbuf_printf(out, ",\"abi\":\"%u.%u\"", (unsigned)g->abi_major, (unsigned)g->abi_minor);
	member(out, ",", "config", g->config_name);
	info_listeners(g, out);
	info_routes(g, out);
	info_backends(g, out);
	sbuf_adds(out, "}\n");
}

static const struct show {
	const char *option;
	void (*fn)(const struct toron_gateway *g, struct sbuf *out);
} shows[] = {
	{ "--version", show_version },
	{ "--config", show_config },
	{ "--info", show_info },
	{ "--help", show_help },
	{ "-h", show_help },
};

/* True if the argument asks for something to be shown; *ok_out: whether it could be. */
static bool show(const struct toron_gateway *g, const char *argument, bool *ok_out)
{
	for (size_t i = 0; i < ARRAY_LEN(shows); i++) {
		struct sbuf out = { 0 };

		if (strcmp(argument, shows[i].option) != 0)
			continue;
		shows[i].fn(g, &out);
		*ok_out = fwrite(out.ptr != NULL ? out.ptr : "", 1, out.len, stdout) == out.len &&
			  fflush(stdout) == 0;
		sbuf_fini(&out);
		return true;
	}
	return false;
}

static enum options_next wrong(const char *what, const char *argument)
{
	fprintf(stderr, "%s '%s'; --help lists the options\n", what, argument);
	return OPTIONS_WRONG;
}

static bool workers_of(const char *text, uint32_t *out)
{
	uint64_t n;

	if (text == NULL || !str_to_u64(str_of(text), WORKERS_MOST, &n) || n == 0)
		return false;
	*out = (uint32_t)n;
	return true;
}

enum options_next options_read(const struct toron_gateway *g, int argc, char **argv, struct options *out)
{
	bool ok;

	*out = (struct options){ 0 };
	for (int i = 1; i < argc; i++) {
		struct str argument = str_of(argv[i]);
		const char *value = NULL;

		if (show(g, argv[i], &ok))
			return ok ? OPTIONS_DONE : OPTIONS_FAILED;
		if (str_eq(argument, STR("--check"))) {
			out->check_only = true;
			continue;
		}
		if (str_eq(argument, STR("--workers")))
			value = ++i < argc ? argv[i] : "";
		else if (str_starts(argument, STR("--workers=")))
			value = argv[i] + strlen("--workers=");
		else
			return wrong("unknown option", argv[i]);
		if (!workers_of(value, &out->workers))
			return wrong("--workers takes a number from 1 to 1024, not", value);
	}
	return OPTIONS_RUN;
}
