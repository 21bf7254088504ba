/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http/forwarding.h"

#include "base/uri.h"
#include "toron/gateway.h"

static const struct toron_forwarding by_default = {
	.send = TORON_FORWARD_FOR | TORON_FORWARD_PROTO | TORON_FORWARD_HOST | TORON_FORWARD_VIA,
};

static const struct toron_forwarding *conf_of(const struct exchange *x)
{
	return x->listener->forwarding != NULL ? x->listener->forwarding : &by_default;
}

static bool is_trusted(const struct toron_forwarding *conf, const struct addr *a)
{
	for (uint32_t i = 0; i < conf->n_trusted; i++)
		if (toron_cidr_has(&conf->trusted[i], a->ip))
			return true;
	return false;
}

/* ---- reading ---- */

/* Takes what stands behind the last `separator` that is outside of quotes off the end of *rest; false when *rest is spent (ptr NULL).
 * What was written by who came before cannot reach into it, whatever quotes it has. */
static bool take_last(struct str *rest, char separator, struct str *part_out)
{
	bool quoted = false;

	if (rest->ptr == NULL)
		return false;
	for (size_t i = rest->len; i > 0; i--) {
		char c = rest->ptr[i - 1];

		if (c == '"')
			quoted = !quoted;
		if (c != separator || quoted)
			continue;
		*part_out = str_trim(str_slice(*rest, i, rest->len));
		rest->len = i - 1;
		return true;
	}
	*part_out = str_trim(*rest);
	*rest = STR_NONE;
	return true;
}

/* An address as proxies write it: "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]:4711". */
static bool parse_node(struct str s, struct addr *out)
{
	bool brackets = s.len != 0 && s.ptr[0] == '[';
	size_t end = brackets ? str_find_char(s, ']') : s.len, colon = str_find_char(s, ':');
	struct str ip = brackets ? str_slice(s, 1, end - 1) : s, port = STR_NONE;
	uint64_t number = 0;

	if (brackets && end == s.len)
		return false;
	if (brackets && end + 1 < s.len) {
		if (s.ptr[end + 1] != ':')
			return false;
		port = str_slice(s, end + 2, s.len);
	} else if (!brackets && colon < s.len && str_find_char(str_slice(s, colon + 1, s.len), ':') == s.len - colon - 1) {
		ip = str_slice(s, 0, colon);
		port = str_slice(s, colon + 1, s.len);
	}
	if (port.ptr != NULL && (!str_to_u64(port, UINT16_MAX, &number) || number == 0))
		return false;
	/* A zone means something on the proxy's machine alone. */
	if (str_find_char(ip, '%') != ip.len || (brackets && str_find_char(ip, ':') == ip.len))
		return false;
	return addr_parse(ip, (uint16_t)number, out);
}

/* The parameters of a Forwarded element that count here. */
struct element {
	struct str node, scheme, host;
};

/* A token, or a quoted string without escapes: no address or host needs one. */
static bool parse_value(struct str s, struct str *out)
{
	if (s.len >= 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"') {
		*out = str_slice(s, 1, s.len - 2);
		return str_find_char(*out, '"') == out->len && str_find_char(*out, '\\') == out->len;
	}
	*out = s;
	return field_is_token(s);
}

static bool parse_element(struct str s, struct element *out)
{
	struct str rest = s, pair;

	*out = (struct element){ .node = STR_NONE };
	while (take_last(&rest, ';', &pair)) {
		size_t equals = str_find_char(pair, '=');
		struct str name = str_slice(pair, 0, equals), value, *into = NULL;

		if (pair.len == 0)
			continue;
		if (equals == pair.len || !field_is_token(name) || !parse_value(str_slice(pair, equals + 1, pair.len), &value))
			return false;
		if (str_eq_nocase(name, STR("for")))
			into = &out->node;
		else if (str_eq_nocase(name, STR("proto")))
			into = &out->scheme;
		else if (str_eq_nocase(name, STR("host")))
			into = &out->host;
		if (into == NULL)
			continue;
		if (into->ptr != NULL) /* more than once: RFC 7239 section 4 */
			return false;
		*into = value;
	}
	return true;
}

static void set_scheme(struct forwarding *f, struct str scheme)
{
	if (str_eq_nocase(scheme, STR("https")))
		f->scheme = STR("https");
	else if (str_eq_nocase(scheme, STR("http")))
		f->scheme = STR("http");
}

static void set_host(struct forwarding *f, struct str host)
{
	struct uri_authority at;

	if (host.len != 0 && uri_authority_parse(host, &at) == URI_OK)
		f->host = host;
}

/* One more address, with what its proxy says about the request; false when this was the last to be read. A trusted proxy that hides
 * or omits the address ("unknown", "_x") is still believed in the rest. */
static bool add_hop(struct forwarding *f, const struct toron_forwarding *conf, const struct element *e)
{
	bool seeks = f->n_hops == 0 || is_trusted(conf, &f->hops[f->client]);
	bool is_last = f->n_hops == FORWARDING_MOST_HOPS || !parse_node(e->node, &f->hops[f->n_hops]);

	if (seeks && !is_last) {
		f->client = f->n_hops;
		f->scheme = f->host = STR_NONE;
	}
	if (seeks && f->n_hops < FORWARDING_MOST_HOPS) {
		set_scheme(f, e->scheme);
		set_host(f, e->host);
	}
	if (is_last)
		f->is_whole = false;
	else
		f->n_hops++;
	return !is_last;
}

/* True if there may be more in the lines before. */
static bool read_line(struct forwarding *f, const struct toron_forwarding *conf, struct str line)
{
	struct element e = { .node = STR_NONE };
	struct str member;

	while (take_last(&line, ',', &member)) {
		if (member.len == 0)
			continue;
		e.node = member;
		if (conf->reads_forwarded && !parse_element(member, &e)) {
			f->is_whole = false;
			return false;
		}
		if (!add_hop(f, conf, &e))
			return false;
	}
	return true;
}

static void read_hops(const struct exchange *x, struct forwarding *f)
{
	const struct toron_forwarding *conf = conf_of(x);
	enum field_token token = conf->reads_forwarded ? FIELD_FORWARDED : FIELD_X_FORWARDED_FOR;
	const struct fields *all = &x->request.head;

	f->is_whole = true;
	for (unsigned i = all->n; i > 0; i--)
		if (all->at[i - 1].token == token && !read_line(f, conf, all->at[i - 1].value))
			return;
}

/* What earlier proxies wrote goes on as it came, if it is whole. */
static bool keep_lines(struct exchange *x, struct forwarding *f)
{
	const struct toron_forwarding *conf = conf_of(x);
	const struct fields *all = &x->request.head;

	if (!f->is_whole || !conf->reads_forwarded || !(conf->send & TORON_FORWARD_FORWARDED))
		return true;
	for (unsigned i = 0; i < all->n && f->lines.ptr != NULL; i++)
		if (all->at[i].token == FIELD_FORWARDED && all->at[i].value.len != 0)
			f->lines = arena_printf(&x->arena, STR_FMT STR_FMT ", ", STR_ARG(f->lines), STR_ARG(all->at[i].value));
	return f->lines.ptr != NULL;
}

/* Of a list, the member that the nearest proxy wrote. */
static struct str nearest(const struct exchange *x, enum field_token token)
{
	const struct fields *all = &x->request.head;
	struct str line, member = STR_NONE;

	for (unsigned i = all->n; i > 0; i--) {
		if (all->at[i - 1].token != token)
			continue;
		line = all->at[i - 1].value;
		take_last(&line, ',', &member);
		return member;
	}
	return STR_NONE;
}

static void read_x_forwarded(const struct exchange *x, struct forwarding *f)
{
	struct str port = nearest(x, FIELD_X_FORWARDED_PORT);
	uint64_t number;

	set_scheme(f, nearest(x, FIELD_X_FORWARDED_PROTO));
	set_host(f, nearest(x, FIELD_X_FORWARDED_HOST));
	if (str_to_u64(port, UINT16_MAX, &number) && number != 0)
		f->port = port;
}

bool forwarding_read(struct exchange *x, struct forwarding *out)
{
	const struct toron_forwarding *conf = conf_of(x);
	char *text;

	out->is_trusted = conf->n_trusted != 0 && is_trusted(conf, &x->source);
	out->n_hops = out->client = 0;
	out->scheme = out->host = out->port = STR_NONE;
	out->lines = STR("");
	if (!out->is_trusted)
		return true;
	read_hops(x, out);
	if (!conf->reads_forwarded)
		read_x_forwarded(x, out);
	if (out->scheme.ptr != NULL)
		x->request.scheme = out->scheme;
	if (out->n_hops == 0)
		return true;
	text = arena_bytes(&x->arena, ADDR_TEXT_MAX);
	if (text == NULL || !keep_lines(x, out))
		return false;
	x->has_client = true;
	x->client = out->hops[out->client];
	x->client_text = (struct str){ text, addr_format_ip(&x->client, text) };
	return true;
}

/* ---- stripping ---- */

static bool is_name(struct str name, struct str want, bool respelt)
{
	return field_is_respelt(name, want) || (!respelt && str_eq(name, want));
}

/* respelt: only in another spelling. */
static bool is_identity(const struct toron_forwarding *conf, struct str name, bool respelt)
{
	struct str prefix = STR("x-forwarded-");

	if (name.len > prefix.len && name.ptr[0] == 'x' && is_name(str_slice(name, 0, prefix.len), prefix, respelt))
		return true;
	if (is_name(name, STR("x-real-ip"), respelt))
		return true;
	for (uint32_t i = 0; i < conf->n_strip; i++)
		if (is_name(name, conf->strip[i], respelt))
			return true;
	return false;
}

bool forwarding_drops(const struct exchange *x, const struct forwarding *f, const struct field *field)
{
	const struct toron_forwarding *conf = conf_of(x);

	switch (field->token) {
	case FIELD_FORWARDED:
	case FIELD_X_FORWARDED_FOR:
	case FIELD_X_FORWARDED_HOST:
	case FIELD_X_FORWARDED_PORT:
	case FIELD_X_FORWARDED_PROTO:
		return true;
	case FIELD_X_REAL_IP:
		return !f->is_trusted || (conf->send & TORON_FORWARD_REAL_IP) != 0;
	case FIELD_OTHER:
		/* A trusted proxy that writes x-user passes on the x_user of its client. */
		return is_identity(conf, field->name, f->is_trusted);
	default:
		return !f->is_trusted && conf->n_strip != 0 && is_identity(conf, field->name, false);
	}
}

/* ---- writing ---- */

/* "client, proxy, peer". */
static struct str for_text(struct exchange *x, const struct forwarding *f)
{
	char *text, *at;

	if (f->n_hops == 0)
		return x->source_text;
	text = at = arena_bytes(&x->arena, f->n_hops * (size_t)(ADDR_TEXT_MAX + 2) + x->source_text.len);
	if (text == NULL)
		return STR_NONE;
	for (unsigned i = f->n_hops; i > 0; i--) {
		at += addr_format_ip(&f->hops[i - 1], at);
		*at++ = ',';
		*at++ = ' ';
	}
	memcpy(at, x->source_text.ptr, x->source_text.len);
	return (struct str){ text, (size_t)(at - text) + x->source_text.len };
}

/* RFC 7239 section 6: an IPv6 address stands in brackets, and so in quotes. Room: ADDR_TEXT_MAX + 8. */
static char *put_node(char *at, const struct addr *a)
{
	memcpy(at, "for=", 4);
	at += 4;
	if (a->is_v4)
		return at + addr_format_ip(a, at);
	*at++ = '"';
	*at++ = '[';
	at += addr_format_ip(a, at);
	*at++ = ']';
	*at++ = '"';
	return at;
}

#define NODE_MOST (ADDR_TEXT_MAX + 8)

/* The elements of the proxies before, by their addresses alone; then a comma. */
static struct str forwarded_before(struct exchange *x, const struct forwarding *f)
{
	char *room, *at;

	if (f->n_hops == 0)
		return STR("");
	if (f->lines.len != 0)
		return f->lines;
	room = at = arena_bytes(&x->arena, f->n_hops * (size_t)(NODE_MOST + 2));
	if (room == NULL)
		return STR_NONE;
	for (unsigned i = f->n_hops; i > 0; i--) {
		at = put_node(at, &f->hops[i - 1]);
		*at++ = ',';
		*at++ = ' ';
	}
	return (struct str){ room, (size_t)(at - room) };
}

static struct str forwarded_text(struct exchange *x, struct str before)
{
	struct str host = x->request.authority;
	char node[NODE_MOST];
	struct addr peer = x->source;

	peer.scope = 0; /* a zone is ours alone */
	struct str text = { node, (size_t)(put_node(node, &peer) - node) };

	if (before.ptr == NULL)
		return STR_NONE;
	if (host.len == 0)
		return arena_printf(
			&x->arena, STR_FMT STR_FMT ";proto=" STR_FMT, STR_ARG(before), STR_ARG(text), STR_ARG(x->request.scheme));
	return arena_printf(&x->arena, STR_FMT STR_FMT ";host=\"" STR_FMT "\";proto=" STR_FMT, STR_ARG(before), STR_ARG(text),
		STR_ARG(host), STR_ARG(x->request.scheme));
}

/* The port that the client asked for. */
static struct str port_text(struct exchange *x, const struct forwarding *f)
{
	struct uri_authority at = { .port = 0 };

	if (f->port.ptr != NULL)
		return f->port;
	if (f->host.ptr != NULL && uri_authority_parse(f->host, &at) == URI_OK && at.port != 0)
		return arena_printf(&x->arena, "%u", (unsigned)at.port);
	if (f->scheme.ptr != NULL)
		return str_eq(f->scheme, STR("https")) ? STR("443") : STR("80");
	return arena_printf(&x->arena, "%u", (unsigned)x->listener->port);
}

/* A line behind what was put before, and its field, for which there is room; where its end is. */
static inline __attribute__((always_inline)) char *put_line(struct fields *to, char *p, struct str name, enum field_token token,
	struct str value)
{
	struct field *f = &to->at[to->n++];

	f->name = (struct str){ p, name.len };
	memcpy(p, name.ptr, name.len);
	p += name.len;
	memcpy(p, ": ", 2);
	p += 2;
	f->value = (struct str){ p, value.len };
	memcpy(p, value.ptr, value.len);
	p += value.len;
	memcpy(p, "\r\n", 2);
	f->token = (uint16_t)token;
	f->is_line = true;
	return p + 2;
}

static struct str via_text(const struct exchange *x)
{
	switch (x->request.version_major) {
	case 2: return STR("2.0 toron");
	case 3: return STR("3.0 toron");
	default: return x->request.version_minor == 0 ? STR("1.0 toron") : STR("1.1 toron");
	}
}

/* A token's bit may be set without a field. */
#define FORWARDING (FIELD_BIT(FIELD_VIA) | FIELD_BIT(FIELD_X_FORWARDED_FOR) | FIELD_BIT(FIELD_X_FORWARDED_PROTO) | \
	FIELD_BIT(FIELD_X_FORWARDED_HOST) | FIELD_BIT(FIELD_X_FORWARDED_PORT) | FIELD_BIT(FIELD_X_REAL_IP) | FIELD_BIT(FIELD_FORWARDED))
#define NAMES_SIZE 160 /* bytes of all names with their punctuation, and of Via */
#define LINES_MOST 7

/* All in one block, which can be sent in one piece. */
bool forwarding_write(struct exchange *x, const struct forwarding *f)
{
	unsigned send = conf_of(x)->send;
	struct str host = f->host.ptr != NULL ? f->host : x->request.authority;
	struct str hops = send & TORON_FORWARD_FOR ? for_text(x, f) : STR("");
	struct str port = send & TORON_FORWARD_PORT ? port_text(x, f) : STR("");
	struct str real_ip = send & TORON_FORWARD_REAL_IP ? exchange_client_text(x) : STR("");
	struct str forwarded = send & TORON_FORWARD_FORWARDED ? forwarded_text(x, forwarded_before(x, f)) : STR("");
	struct fields *to = &x->request.head;
	char *at = arena_bytes(&x->arena, NAMES_SIZE + x->request.scheme.len + host.len + hops.len + port.len + real_ip.len +
		forwarded.len);

	while (to->cap - to->n < LINES_MOST)
		if (!fields_grow(to, &x->arena))
			return false;
	if (at == NULL || hops.ptr == NULL || port.ptr == NULL || real_ip.ptr == NULL || forwarded.ptr == NULL)
		return false;
	to->tokens |= FORWARDING;
	/* A line of its own, behind those of earlier proxies. */
	if (send & TORON_FORWARD_VIA)
		at = put_line(to, at, STR("via"), FIELD_VIA, via_text(x));
	if (send & TORON_FORWARD_FOR)
		at = put_line(to, at, STR("x-forwarded-for"), FIELD_X_FORWARDED_FOR, hops);
	if (send & TORON_FORWARD_PROTO)
		at = put_line(to, at, STR("x-forwarded-proto"), FIELD_X_FORWARDED_PROTO, x->request.scheme);
	if ((send & TORON_FORWARD_HOST) && host.len != 0)
		at = put_line(to, at, STR("x-forwarded-host"), FIELD_X_FORWARDED_HOST, host);
	if (send & TORON_FORWARD_PORT)
		at = put_line(to, at, STR("x-forwarded-port"), FIELD_X_FORWARDED_PORT, port);
	if (send & TORON_FORWARD_REAL_IP)
		at = put_line(to, at, STR("x-real-ip"), FIELD_X_REAL_IP, real_ip);
	if (send & TORON_FORWARD_FORWARDED)
		put_line(to, at, STR("forwarded"), FIELD_FORWARDED, forwarded);
	return true;
}
