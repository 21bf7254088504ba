/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "emit/emit.h"

#include "base/check.h"
#include "emit/emitter.h"
#include "emit/scaffold.h"
#include "toron/abi.h"

/* The config file's name without its folder. */
static struct str config_name(const struct plan *p)
{
	struct str name = p->config == NULL ? STR("config") : p->config->name;
	size_t at = name.len;

	while (at > 0 && name.ptr[at - 1] != '/')
		at--;
	return str_slice(name, at, name.len);
}

static const char *log_level(struct str level)
{
	if (str_eq(level, STR("debug")))
		return "TORON_LOG_DEBUG";
	if (str_eq(level, STR("warn")))
		return "TORON_LOG_WARN";
	return str_eq(level, STR("error")) ? "TORON_LOG_ERROR" : "TORON_LOG_INFO";
}

static void emit_log(struct emitter *e)
{
	const struct m_log *m = &e->plan->model->log;
	struct cwriter *c = &e->c;

	cwriter_open(c, ".log = {");
	cwriter_line(c, ".level = %s,", log_level(m->level.value));
	if (str_eq(m->format.value, STR("json")))
		cwriter_line(c, ".json = true,");
	if (m->access.enabled.value)
		cwriter_line(c, ".access = true,");
	if (m->access.path.value.ptr != NULL)
		emit_cstr(e, "access_path", cwriter_quote(e->arena, m->access.path.value));
	emit_u64(e, "access_sample_ppm", m->access.sample_ppm.value);
	if (m->access.n_fields > 0) {
		cwriter_open(c, ".access_fields = (const enum toron_log_field[]){");
		for (size_t i = 0; i < m->access.n_fields; i++)
			cwriter_line(c, "%s,", emit_log_field(m->access.fields[i]));
		cwriter_close(c, "},");
		cwriter_line(c, ".n_access_fields = %zu,", m->access.n_fields);
	}
	emit_template(e, "access_template", &e->plan->log_line);
	emit_u64(e, "access_flush_ms", m->access.flush.value);
	cwriter_close(c, "},");
}

static uint32_t n_setups(const struct emitter *e)
{
	const struct plan *p = e->plan;
	uint32_t n = emit_has_admin_setup(e);

	for (uint32_t i = 0; i < p->n_mws; i++)
		n += p->mws[i].has_setup;
	for (uint32_t i = 0; i < p->n_routes; i++)
		n += plan_needs_root(&p->routes[i]);
	return n;
}

/* An array and its length; nothing if it is empty. */
static void emit_array(struct emitter *e, const char *field, uint32_t n)
{
	if (n == 0)
		return;
	cwriter_line(&e->c, ".%s = %s,", field, field);
	cwriter_line(&e->c, ".n_%s = %u,", field, n);
}

static void emit_gateway(struct emitter *e)
{
	const struct plan *p = e->plan;
	const struct m_runtime *runtime = &p->model->runtime;
	struct cwriter *c = &e->c;

	cwriter_open(c, "static const struct toron_gateway gateway = {");
	cwriter_line(c, ".abi_major = TORON_ABI_MAJOR,");
	cwriter_line(c, ".abi_minor = TORON_ABI_MINOR,");
	emit_cstr(e, "name", cwriter_quote(e->arena, p->model->name.value));
	emit_cstr(e, "toron_version", cwriter_quote(e->arena, e->options->version));
	emit_str(e, "config_name", config_name(p));
	if (p->config != NULL)
		cwriter_line(c, ".config_text = { gateway_config, %zu },", p->config->text.len);
	emit_array(e, "listeners", p->n_listeners + p->model->admin.is_open);
	emit_array(e, "routes", p->n_entries + p->model->admin.is_open);
	emit_array(e, "backends", p->n_backends);
	emit_array(e, "setups", n_setups(e));
	emit_array(e, "extra_methods", p->n_extra_methods);
	emit_log(e);
	emit_u64(e, "workers", runtime->workers.value);
	emit_u64(e, "drain_ms", runtime->drain_timeout.value);
	emit_u64(e, "memory", runtime->memory.value);
	if (runtime->user.value.ptr != NULL)
		emit_cstr(e, "user", cwriter_quote(e->arena, runtime->user.value));
	emit_errors_members(e, &p->model->errors);
	emit_array(e, "certificates", p->n_certificates);
	emit_array(e, "tls_clients", p->n_tls_clients);
	if (p->n_certificates + p->n_tls_clients > 0)
		cwriter_line(c, ".tls = &toron_tls_engine_gnutls,");
	if (p->model->admin.metrics_path.value.ptr != NULL)
		cwriter_line(c, ".metrics = toron_metrics_observe,");
	cwriter_close(c, "};");
}

/* gateway.c is the first file; its place was kept for it. */
static void end_gateway(struct emitter *e)
{
	struct str major = arena_printf(e->arena, "%d", TORON_ABI_MAJOR);
	struct str minor = arena_printf(e->arena, "%d", TORON_ABI_MINOR);
	struct scaffold_value values[] = {
		{ "NAME", str_of(cwriter_plain(e->arena, e->plan->model->name.value)) },
		{ "CONFIG", str_of(cwriter_plain(e->arena, str_of(e->file_name))) },
		{ "ABI_MAJOR", major },
		{ "ABI_MINOR", minor },
		{ "BODY", sbuf_str(&e->c.out) },
	};
	struct sbuf text = { 0 };

	scaffold_write(&text, SCAFFOLD_GATEWAY, values, ARRAY_LEN(values));
	e->files->at[0].text = arena_str(e->arena, sbuf_str(&text));
	sbuf_fini(&text);
}

static void end_blobs(struct emitter *e)
{
	if (e->blobs.out.len == 0)
		return;
	cwriter_line(&e->blobs, "\t.section .note.GNU-stack, \"\", %%progbits");
	emit_add_file(e, STR("blobs.s"), EMIT_ASM, sbuf_str(&e->blobs.out));
}

void emit_files(struct arena *a, const struct plan *p, const struct emit_options *options,
	struct emit_files *out)
{
	struct emitter e = {
		.arena = a,
		.plan = p,
		.options = options,
		.files = out,
		.file_name = cwriter_plain(a, config_name(p)),
	};

	*out = (struct emit_files){ 0 };
	map_init(&e.taken, a);
	cwriter_init(&e.c, a);
	cwriter_init(&e.blobs, a);
	cwriter_init(&e.re, a);
	emit_add_file(&e, STR("gateway.c"), EMIT_C, STR(""));
	emit_config(&e);
	emit_matchers(&e);
	emit_pages(&e);
	emit_certificates(&e);
	emit_backends(&e);
	emit_tls_clients(&e);
	emit_sites(&e);
	emit_admin(&e);
	emit_mws(&e);
	emit_chains(&e);
	emit_whens(&e);
	emit_routes(&e);
	emit_routers(&e);
	emit_admin_router(&e);
	emit_listeners(&e);
	emit_gateway(&e);
	emit_re_end(&e);
	end_blobs(&e);
	end_gateway(&e);
	cwriter_fini(&e.c);
	cwriter_fini(&e.blobs);
	cwriter_fini(&e.re);
}
