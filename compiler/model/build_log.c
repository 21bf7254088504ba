/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/check.h"
#include "base/str.h"
#include "model/build.h"
#include "toron/gateway.h"

/* What Apache's logs look like, and what reads them expects. */
#define COMMON \
	"${source.ip} - ${user} [${time.common}] \"${request.method} ${request.target} " \
	"${request.protocol}\" ${response.status} ${response.bytes}"
#define COMBINED \
	COMMON " \"${request.headers[\"referer\"]}\" \"${request.headers[\"user-agent\"]}\""

static void build_format(struct builder *b, const struct node *n, struct m_template *out)
{
	struct str text = n == NULL ? STR("json") : n->text;

	if (str_eq(text, STR("json")) || (n != NULL && n->kind != NODE_STRING))
		return;
	if (str_eq(text, STR("common")))
		text = STR(COMMON);
	else if (str_eq(text, STR("combined")))
		text = STR(COMBINED);
	else if (str_find(text, STR("${")) < 0) {
		node_report(b->diags, n, DIAG_UNKNOWN_VALUE,
			"'" STR_FMT "' is no form of an access log line", STR_ARG(text));
		diag_note(b->diags, SPAN_NONE,
			"the forms are json, common and combined; a template has references such as "
			"${request.method}");
		b->poisoned = true;
		return;
	}
	build_log_template(b, n, text, out);
}

static unsigned field_named(struct str name)
{
	static const struct str names[] = {
		STR_INIT("time"), STR_INIT("listener"), STR_INIT("client"), STR_INIT("peer"),
		STR_INIT("method"), STR_INIT("host"), STR_INIT("path"), STR_INIT("protocol"),
		STR_INIT("status"), STR_INIT("route"), STR_INIT("backend"), STR_INIT("server"),
		STR_INIT("tries"), STR_INIT("duration_ms"), STR_INIT("first_byte_ms"),
		STR_INIT("request_bytes"), STR_INIT("response_bytes"), STR_INIT("request_id"),
		STR_INIT("user_agent"), STR_INIT("fault"), STR_INIT("scheme"), STR_INIT("referer"),
		STR_INIT("user"), STR_INIT("connect_ms"), { NULL, 0 } /* the time of Apache's logs: in templates alone */,
		STR_INIT("tls_version"), STR_INIT("tls_cipher"), STR_INIT("tls_sni"), STR_INIT("tls_client"),
	};
	unsigned i = 0;

	_Static_assert(ARRAY_LEN(names) == TORON_LOG_TLS_CLIENT + 1, "one for each enum toron_log_field");
	while (i + 1 < ARRAY_LEN(names) && !str_eq(names[i], name))
		i++;
	return i;
}

void build_log(struct builder *b, const struct node *map)
{
	struct m_log *out = &b->model->log;
	const struct node *access = value_node(b, map, STR("access"));
	struct m_strs fields = value_strs(b, access, STR("fields"));

	out->level = value_str(b, map, STR("level"));
	out->format = value_str(b, map, STR("format"));
	out->access.enabled = value_bool(b, access, STR("enabled"));
	out->access.path = value_str(b, access, STR("path"));
	out->access.sample_ppm = value_ppm(b, access, STR("sample"));
	out->access.flush = value_ms(b, access, STR("flush"));
	build_format(b, value_node(b, access, STR("format")), &out->access.line);
	out->access.fields = ARENA_ARRAY(b->arena, unsigned, fields.n);
	for (size_t i = 0; i < fields.n; i++)
		out->access.fields[out->access.n_fields++] = field_named(fields.at[i].value);
}
