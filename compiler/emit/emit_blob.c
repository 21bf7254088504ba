/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "emit/emitter.h"

void emit_blob(struct emitter *e, const char *symbol, struct str file, struct str bytes)
{
	struct cwriter *s = &e->blobs;

	emit_add_file(e, file, EMIT_DATA, bytes);
	cwriter_line(s, "\t.section .rodata.%s, \"a\", %%progbits", symbol);
	cwriter_line(s, "\t.globl %s", symbol);
	cwriter_line(s, "\t.hidden %s", symbol);
	cwriter_line(s, "\t.balign 16");
	cwriter_line(s, "%s:", symbol);
	cwriter_line(s, "\t.incbin \"" STR_FMT "\"", STR_ARG(file));
	cwriter_line(s, "\t.byte 0");
	cwriter_blank(s);
}

/* A secret that stands in the config itself. The quotes around it and line ends stay. */
static void blot(const struct emitter *e, char *text, const struct m_secret *secret)
{
	const struct source *config = e->plan->config;

	if (secret->kind != M_SECRET_LITERAL || secret->at.source == 0 ||
		&e->plan->diags->sources[secret->at.source] != config ||
		secret->at.end > config->text.len)
		return;
	for (uint32_t i = secret->at.begin; i < secret->at.end; i++)
		if (strchr("\"'\r\n", text[i]) == NULL)
			text[i] = '*';
}

void emit_config(struct emitter *e)
{
	const struct plan *p = e->plan;
	struct str copy;

	if (p->config == NULL)
		return;
	copy = p->config->text.len == 0 ? STR("") : arena_str(e->arena, p->config->text);
	for (size_t i = 0; i < p->model->n_middlewares; i++) {
		blot(e, (char *)copy.ptr, &p->model->middlewares[i].jwt.secret);
		blot(e, (char *)copy.ptr, &p->model->middlewares[i].jwt.jwks);
	}
	for (size_t i = 0; i < p->model->n_certificates; i++) {
		blot(e, (char *)copy.ptr, &p->model->certificates[i].key);
		blot(e, (char *)copy.ptr, &p->model->certificates[i].passphrase);
	}
	blot(e, (char *)copy.ptr, &p->model->admin.token);
	emit_blob(e, "gateway_config", STR("config.text"), copy);
	cwriter_line(&e->c, "extern const char gateway_config[];");
	cwriter_blank(&e->c);
}
