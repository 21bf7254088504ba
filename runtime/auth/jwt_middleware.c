/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The jwt middleware: reads its keys at boot, takes the token out of a request, answers what does
 * not hold (RFC 6750 section 3), and leaves the claims with the exchange. */
#include <stdlib.h>

#include "auth/claims.h"
#include "auth/jwt.h"
#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "http/exchange.h"
#include "toron/gateway.h"
#include "toron/mw.h"

#define SECRET_MOST (64u << 10)
#define JWKS_MOST   (1u << 20)
#define ENV_SECRET  "TORON_JWT_SECRET"
#define ENV_JWKS    "TORON_JWT_JWKS"

/* ---- start ---- */

static uint32_t accepted_algs(const struct toron_jwt *conf)
{
	uint32_t algs = 0;
	enum jwa alg;

	for (uint32_t i = 0; i < conf->n_algorithms; i++)
		if (jwa_find(conf->algorithms[i], &alg))
			algs |= JWA_BIT(alg);
	return conf->n_algorithms == 0 ? JWA_ALL : algs;
}

static int refuse_start(const char *event, const char *why)
{
	log_event(LOG_ERROR, event, "%s", why);
	return ERR_INVALID;
}

/* The length that RFC 7518 section 3.2 asks for is only recommended here: who has a short secret
 * has it elsewhere, too. */
static void warn_if_short(const struct toron_jwt *conf, const char *origin, size_t len)
{
	uint32_t algs = accepted_algs(conf);

	for (unsigned alg = JWA_HS256; alg <= JWA_HS512; alg++) {
		const struct jwa_info *info = jwa_info((enum jwa)alg);

		if (!(algs & JWA_BIT(alg)))
			continue;
		if (len < info->hash)
			log_event(LOG_WARN, "jwt-secret-short",
				"%s: the secret has %zu bytes, " STR_FMT " wants %u at least",
				origin, len, STR_ARG(info->name), info->hash);
		return;
	}
}

static int add_secret(
	struct jwt_keys *keys, const struct toron_jwt *conf, const struct toron_secret *from)
{
	char why[SECRET_WHY_MAX];
	struct secret secret;
	int err = secret_read(from, SECRET_MOST, &secret, why);

	if (err != 0)
		return refuse_start("secret-missing", why);
	warn_if_short(conf, from->origin, secret.len);
	err = jwt_keys_add_secret(keys, (struct str){ secret.ptr, secret.len });
	secret_free(&secret);
	if (err != 0)
		log_event(LOG_ERROR, "jwt-keys", "%s: the secret cannot be kept: %s", from->origin,
			err_text(err));
	return err;
}

static int add_set(struct jwt_keys *keys, struct secret *text, const char *origin)
{
	int n = jwt_keys_add_set(keys, (struct str){ text->ptr, text->len }, origin);

	secret_free(text);
	if (n < 0)
		log_event(LOG_ERROR, "jwt-keys", "%s: what should be a JWK Set is none", origin);
	return n < 0 ? n : 0;
}

/* `may_be_path`: what does not begin like JSON is the name of a file. */
static int add_jwks(struct jwt_keys *keys, const struct toron_secret *from, bool may_be_path)
{
	char why[SECRET_WHY_MAX];
	struct secret text, inner;
	int err = secret_read(from, JWKS_MOST, &text, why);

	if (err == 0 && may_be_path && text.ptr[strspn(text.ptr, " \t\r\n")] != '{') {
		err = secret_read_file(text.ptr, from->origin, JWKS_MOST, &inner, why);
		secret_free(&text);
		text = inner;
	}
	return err != 0 ? refuse_start("secret-missing", why) : add_set(keys, &text, from->origin);
}

static bool is_in_environment(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0';
}

static int add_from_environment(struct jwt_keys *keys, const struct toron_jwt *conf)
{
	struct toron_secret secret = { TORON_SECRET_ENV, STR_INIT(ENV_SECRET), conf->origin };
	struct toron_secret jwks = { TORON_SECRET_ENV, STR_INIT(ENV_JWKS), conf->origin };
	bool has_secret = is_in_environment(ENV_SECRET), has_jwks = is_in_environment(ENV_JWKS);
	int err = 0;

	if (!has_secret && !has_jwks) {
		log_event(LOG_ERROR, "secret-missing",
			"%s: jwt needs " ENV_SECRET " or " ENV_JWKS " in the environment",
			conf->origin);
		return ERR_NOT_FOUND;
	}
	if (has_secret)
		err = add_secret(keys, conf, &secret);
	if (err == 0 && has_jwks)
		err = add_jwks(keys, &jwks, true);
	return err;
}

static int load_keys(struct jwt_keys *keys, const struct toron_jwt *conf)
{
	int err = 0;

	if (conf->secret.kind != TORON_SECRET_NONE)
		err = add_secret(keys, conf, &conf->secret);
	if (err == 0 && conf->jwks.kind != TORON_SECRET_NONE)
		err = add_jwks(keys, &conf->jwks, false);
	if (err == 0 && conf->from_environment)
		err = add_from_environment(keys, conf);
	if (err != 0)
		return err;
	if (keys->n == 0) {
		log_event(LOG_ERROR, "jwt-keys", "%s: jwt has no usable key", conf->origin);
		return ERR_INVALID;
	}
	if (jwt_keys_restrict(keys, accepted_algs(conf)) == 0) {
		log_event(LOG_ERROR, "jwt-keys", "%s: no key of jwt serves one of its algorithms",
			conf->origin);
		return ERR_INVALID;
	}
	return 0;
}

int toron_jwt_start(const void *data)
{
	const struct toron_jwt *conf = data;
	struct jwt_keys *keys;

	if (*conf->keys != NULL)
		return 0;
	json_object_seed(0);
	keys = jwt_keys_new();
	if (keys == NULL)
		return refuse_start("no-memory", "jwt: no memory for keys");
	if (load_keys(keys, conf) != 0) {
		jwt_keys_free(&keys);
		return -1;
	}
	*conf->keys = keys;
	return 0;
}

/* ---- requests ---- */

/* "Bearer realm="edge"", with error and description when there are any. The realm is the gateway's
 * name. */
static struct str challenge(struct exchange *x, const char *error, const char *why)
{
	const char *realm = x->worker->gateway->name;

	if (realm == NULL || strpbrk(realm, "\"\\\r\n") != NULL)
		realm = "toron";
	if (error == NULL)
		return arena_printf(&x->arena, "Bearer realm=\"%s\"", realm);
	return arena_printf(&x->arena,
		"Bearer realm=\"%s\", error=\"%s\", error_description=\"%s\"", realm, error, why);
}

static enum toron_verdict refuse(
	struct exchange *x, uint16_t status, const char *error, const char *why)
{
	struct toron_header header = { STR_INIT("www-authenticate"), challenge(x, error, why) };

	return toron_respond_error(x, status, &header, header.value.ptr == NULL ? 0 : 1);
}

static bool is_token68(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		bool is_alnum =
			(c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');

		if (!is_alnum && (c == 0 || strchr("-._~+/=", c) == NULL))
			return false;
	}
	return s.len != 0;
}

enum taken { TAKEN, TAKEN_NONE, TAKEN_MALFORMED };

/* Out of "Bearer <token>" (RFC 6750 section 2.1). Another scheme brings no token. */
static enum taken take_bearer(struct str value, struct str *token_out)
{
	size_t space = str_find_char(value, ' ');

	if (!str_eq_nocase(str_slice(value, 0, space), STR("bearer")))
		return TAKEN_NONE;
	*token_out = str_trim(str_slice(value, space, value.len));
	return is_token68(*token_out) ? TAKEN : TAKEN_MALFORMED;
}

static enum taken take_token(
	const struct exchange *x, const struct toron_jwt *conf, struct str *token_out)
{
	const struct field *found = fields_find(&x->request.head, conf->header);

	if (found == NULL)
		return TAKEN_NONE;
	/* Two fields would let the backend look at another token than we do. */
	for (const struct field *f = found + 1; f < x->request.head.at + x->request.head.n; f++)
		if (str_eq(f->name, conf->header))
			return TAKEN_MALFORMED;
	if (str_eq(conf->header, STR("authorization")))
		return take_bearer(found->value, token_out);
	*token_out = found->value;
	return is_token68(*token_out) ? TAKEN : TAKEN_MALFORMED;
}

enum toron_verdict toron_jwt_request(struct exchange *x, const struct toron_jwt *conf)
{
	const struct jwt_keys *keys = *conf->keys;
	struct jwt_policy policy = {
		.algs = keys->algs,
		.issuer = conf->issuer,
		.audience = conf->audience,
		.n_audience = conf->n_audience,
		.leeway_s = conf->leeway_s,
		.require_exp = conf->require_exp,
	};
	struct jwt_result result;
	struct str token;

	switch (take_token(x, conf, &token)) {
	case TAKEN_NONE:
		return refuse(x, 401, NULL, NULL);
	case TAKEN_MALFORMED:
		return refuse(x, 400, "invalid_request", "one well-formed token is expected");
	case TAKEN:
		break;
	}
	if (jwt_verify(keys, &policy, token, toron_wall_us(x) / 1000000, &result) != 0)
		return refuse(x, 401, "invalid_token", result.why);
	toron_claims_set(x, result.claims, claims_free, result.subject);
	toron_claims_reader_set(x, claims_read);
	return TORON_NEXT;
}
