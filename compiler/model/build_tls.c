/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Certificates, and TLS of listeners and backends. */
#include "base/check.h"
#include "base/str.h"
#include "model/build.h"

/* ---- certificates ---- */

/* A secret in a file, with the place of the file. */
static struct m_secret in_place(struct builder *b, struct m_secret secret)
{
	struct m_str name = { secret.value, secret.at };

	if (secret.kind == M_SECRET_FILE)
		secret.value = build_file_name(b, &name);
	return secret;
}

/* A key is a file by its bare name, unless it is the key itself. */
static struct m_secret build_key(struct builder *b, const struct node *map)
{
	struct m_secret key = build_secret(b, map, STR("key"));

	if (key.kind == M_SECRET_LITERAL && str_find(key.value, STR("-----BEGIN")) < 0)
		key.kind = M_SECRET_FILE;
	return in_place(b, key);
}

void build_certificates(struct builder *b, const struct node *map)
{
	if (map == NULL || map->kind != NODE_MAP)
		return;
	for (const struct node *n = map->first; n != NULL; n = n->next) {
		struct m_certificate c = { .node = n, .name = node_key(n) };

		if (n->kind != NODE_MAP)
			continue;
		b->poisoned = !node_is_whole(n);
		c.cert = value_file(b, n, STR("cert"));
		c.ocsp = value_file(b, n, STR("ocsp"));
		c.key = build_key(b, n);
		c.passphrase = in_place(b, build_secret(b, n, STR("passphrase")));
		c.poisoned = b->poisoned;
		vec_push(b->arena, &b->certificates, c);
	}
}

/* ---- listeners ---- */

static void build_client_auth(struct builder *b, const struct node *map, struct m_tls *out)
{
	struct m_str mode = value_str(b, map, STR("mode"));

	out->client_auth = str_eq(mode.value, STR("require"))    ? M_CLIENT_REQUIRE
			   : str_eq(mode.value, STR("optional")) ? M_CLIENT_OPTIONAL
								 : M_CLIENT_NONE;
	out->client_auth_at = mode.at;
	out->client_ca = value_file(b, map, STR("ca"));
	out->client_crl = value_file(b, map, STR("crl"));
	out->client_depth = value_count(b, map, STR("depth"));
}

static void build_tickets(struct builder *b, const struct node *map, struct m_tls *out)
{
	const struct node *n = value_node(b, map, STR("session_tickets"));

	if (n == NULL)
		return;
	if (n->kind == NODE_BOOL) {
		out->tickets = (struct m_bool){ false, n->span };
		return;
	}
	out->tickets = (struct m_bool){ true, n->span };
	out->ticket_keys = value_file(b, n, STR("keys"));
	out->ticket_lifetime = value_ms(b, n, STR("lifetime"));
}

void build_tls(struct builder *b, const struct node *map, struct m_tls *out)
{
	struct m_str preset = value_str(b, map, STR("preset"));

	if (map == NULL)
		return;
	out->is_set = true;
	out->at = map->key_span.source != 0 ? map->key_span : map->span;
	out->certificates = value_strs(b, map, STR("certificates"));
	out->preset = str_eq(preset.value, STR("modern")) ? M_TLS_MODERN : M_TLS_INTERMEDIATE;
	out->preset_at = preset.at;
	out->min_version = value_str(b, map, STR("min_version"));
	out->ciphers = value_strs(b, map, STR("ciphers"));
	out->alpn = value_strs(b, map, STR("alpn"));
	build_client_auth(b, value_node(b, map, STR("client_auth")), out);
	build_tickets(b, map, out);
	out->early_data = value_bool(b, map, STR("early_data"));
	out->early_data_bytes = value_bytes(b, map, STR("early_data_bytes"));
}

/* ---- backends ---- */

static unsigned base64_value(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned i = 0;

	while (i < 63 && digits[i] != c)
		i++;
	return i;
}

/* The schema has seen to the form: "sha256/", then 43 digits and a "=". */
static struct m_pin build_pin(const struct m_str *text)
{
	struct m_pin pin = { .text = *text };
	struct str digits = str_slice(text->value, sizeof("sha256/") - 1, text->value.len);
	unsigned bits = 0, n_bits = 0;
	size_t at = 0;

	for (size_t i = 0; i < digits.len && digits.ptr[i] != '=' && at < sizeof(pin.hash); i++) {
		bits = bits << 6 | base64_value(digits.ptr[i]);
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		pin.hash[at++] = (uint8_t)(bits >> n_bits);
	}
	return pin;
}

void build_tls_client(struct builder *b, const struct node *map, struct m_tls_client *out)
{
	struct m_strs pins;

	if (map == NULL)
		return;
	out->is_set = (map->flags & NODE_DEFAULTED) == 0;
	out->at = map->key_span.source != 0 ? map->key_span : map->span;
	out->ca = value_file(b, map, STR("ca"));
	out->crl = value_file(b, map, STR("crl"));
	out->sni = value_str(b, map, STR("sni"));
	if (out->sni.value.ptr != NULL)
		out->sni.value = build_lower(b->arena, out->sni.value);
	out->certificate = value_str(b, map, STR("client_certificate"));
	out->verify = value_bool(b, map, STR("verify"));
	pins = value_strs(b, map, STR("pins"));
	out->pins = ARENA_ARRAY(b->arena, struct m_pin, pins.n);
	for (size_t i = 0; i < pins.n; i++)
		out->pins[out->n_pins++] = build_pin(&pins.at[i]);
}
