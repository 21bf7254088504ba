/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "auth/jwk.h"

#include <stdlib.h>
#include <string.h>

#include "auth/base64url.h"
#include "auth/json_text.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"

#define RSA_BITS_LEAST      2048
#define RSA_BYTES_MOST      2048 /* 16384 bits: verifying with more takes milliseconds */
#define EXPONENT_BYTES_MOST 8
#define SECRET_MOST         8192
#define KID_MOST            1024
#define POINT_MOST          66

struct jwt_keys *jwt_keys_new(void)
{
	return calloc(1, sizeof(struct jwt_keys));
}

static void fini_key(struct jwk *key)
{
	if (key->public != NULL)
		gnutls_pubkey_deinit(key->public);
	if (key->secret != NULL)
		explicit_bzero(key->secret, key->secret_len);
	free(key->secret);
	free((char *)key->kid.ptr);
}

void jwt_keys_free(struct jwt_keys **keys)
{
	if (*keys == NULL)
		return;
	for (unsigned i = 0; i < (*keys)->n; i++)
		fini_key(&(*keys)->at[i]);
	free(*keys);
	*keys = NULL;
}

unsigned jwt_keys_restrict(struct jwt_keys *keys, uint32_t algs)
{
	unsigned kept = 0;

	keys->algs = 0;
	for (unsigned i = 0; i < keys->n; i++) {
		struct jwk key = keys->at[i];

		key.algs &= algs;
		if (key.algs == 0) {
			fini_key(&key);
			continue;
		}
		keys->algs |= key.algs;
		keys->at[kept++] = key;
	}
	keys->n = kept;
	return kept;
}

static bool keep_secret(struct jwk *key, const void *bytes, size_t len)
{
	key->secret = malloc(len);
	if (key->secret == NULL)
		return false;
	memcpy(key->secret, bytes, len);
	key->secret_len = len;
	return true;
}

int jwt_keys_add_secret(struct jwt_keys *keys, struct str secret)
{
	struct jwk key = { .algs = JWA_HMAC };

	if (secret.len == 0)
		return ERR_INVALID;
	if (keys->n == JWT_KEYS_MOST)
		return ERR_LIMIT;
	if (!keep_secret(&key, secret.ptr, secret.len))
		return ERR_NO_MEMORY;
	keys->at[keys->n++] = key;
	return 0;
}

/* ---- the members of a JWK: each reader returns NULL, or why the key cannot serve ---- */

/* The bytes of a base64url member; 0 when it is missing or malformed. */
static size_t member_bytes(const json_t *jwk, const char *name, unsigned char *into, size_t room)
{
	ptrdiff_t n = base64url_decode(json_text_member(jwk, name), into, room);

	return n < 0 ? 0 : (size_t)n;
}

static gnutls_datum_t without_leading_zeros(unsigned char *bytes, size_t len)
{
	while (len > 0 && bytes[0] == 0) {
		bytes++;
		len--;
	}
	return (gnutls_datum_t){ bytes, (unsigned)len };
}

static unsigned remainder_of(gnutls_datum_t number, unsigned by)
{
	unsigned rest = 0;

	for (unsigned i = 0; i < number.size; i++)
		rest = (rest << 8 | number.data[i]) % by;
	return rest;
}

/* Moduli of a faulty generator (ROCA, CVE-2017-15361) are powers of 65537 modulo every small prime;
 * of others, one in 2^27 is. */
static bool is_roca(gnutls_datum_t modulus)
{
	for (unsigned p = 3; p <= 167; p += 2) {
		bool is_prime = true, is_power = false;
		unsigned rest, power = 1;

		for (unsigned d = 3; d * d <= p; d += 2)
			is_prime = is_prime && p % d != 0;
		if (!is_prime)
			continue;
		rest = remainder_of(modulus, p);
		do {
			is_power = is_power || power == rest;
			power = power * (65537 % p) % p;
		} while (power > 1);
		if (!is_power)
			return false;
	}
	return true;
}

static const char *import_rsa(struct jwk *key, gnutls_datum_t n, gnutls_datum_t e)
{
	unsigned bits = n.size * 8;

	if (n.size == 0 || e.size == 0)
		return "its n or e is missing or malformed";
	for (unsigned char top = n.data[0]; top < 0x80; top = (unsigned char)(top << 1))
		bits--;
	if (bits < RSA_BITS_LEAST)
		return "it has fewer than 2048 bits";
	if ((e.data[e.size - 1] & 1) == 0 || (e.size == 1 && e.data[0] < 3))
		return "its exponent is even or 1";
	if ((n.data[n.size - 1] & 1) == 0)
		return "its modulus is even";
	if (is_roca(n))
		return "it comes from a faulty generator (ROCA)";
	if (gnutls_pubkey_import_rsa_raw(key->public, &n, &e) != 0)
		return "it cannot be imported";
	key->size = n.size;
	key->algs = JWA_RSA;
	return NULL;
}

static const char *load_rsa(struct jwk *key, const json_t *jwk)
{
	unsigned char n[RSA_BYTES_MOST + 1],
		e[EXPONENT_BYTES_MOST + 1]; /* one byte for a sign, which some write */
	gnutls_datum_t modulus = without_leading_zeros(n, member_bytes(jwk, "n", n, sizeof(n)));
	gnutls_datum_t exponent = without_leading_zeros(e, member_bytes(jwk, "e", e, sizeof(e)));

	if (modulus.size > RSA_BYTES_MOST)
		return "its modulus is too long";
	return import_rsa(key, modulus, exponent);
}

struct curve {
	struct str name;
	gnutls_ecc_curve_t id;
	unsigned coordinate, signature; /* bytes */
	uint32_t algs;
};

static const struct curve ec_curves[] = {
	{ STR_INIT("P-256"), GNUTLS_ECC_CURVE_SECP256R1, 32, 0, JWA_BIT(JWA_ES256) },
	{ STR_INIT("P-384"), GNUTLS_ECC_CURVE_SECP384R1, 48, 0, JWA_BIT(JWA_ES384) },
	{ STR_INIT("P-521"), GNUTLS_ECC_CURVE_SECP521R1, 66, 0, JWA_BIT(JWA_ES512) },
};
static const struct curve okp_curves[] = {
	{ STR_INIT("Ed25519"), GNUTLS_ECC_CURVE_ED25519, 32, 64, JWA_BIT(JWA_EDDSA) },
	{ STR_INIT("Ed448"), GNUTLS_ECC_CURVE_ED448, 57, 114, JWA_BIT(JWA_EDDSA) },
};

static const struct curve *find_curve(const struct curve *at, size_t n, const json_t *jwk)
{
	struct str name = json_text_member(jwk, "crv");

	for (size_t i = 0; i < n; i++)
		if (str_eq(name, at[i].name))
			return &at[i];
	return NULL;
}

static const char *load_ec(struct jwk *key, const json_t *jwk)
{
	const struct curve *c =
		find_curve(ec_curves, sizeof(ec_curves) / sizeof(ec_curves[0]), jwk);
	unsigned char x[POINT_MOST], y[POINT_MOST];

	if (c == NULL)
		return "its curve is not P-256, P-384 or P-521";
	/* RFC 7518 section 6.2.1.2: coordinates have their full length. */
	if (member_bytes(jwk, "x", x, sizeof(x)) != c->coordinate ||
		member_bytes(jwk, "y", y, sizeof(y)) != c->coordinate)
		return "its x or y is missing, malformed or of the wrong length";
	gnutls_datum_t px = { x, c->coordinate }, py = { y, c->coordinate };

	if (gnutls_pubkey_import_ecc_raw(key->public, c->id, &px, &py) != 0 ||
		gnutls_pubkey_verify_params(key->public) != 0)
		return "its point is not on its curve";
	key->curve = c->id;
	key->size = c->coordinate;
	key->algs = c->algs;
	return NULL;
}

static const char *load_okp(struct jwk *key, const json_t *jwk)
{
	const struct curve *c =
		find_curve(okp_curves, sizeof(okp_curves) / sizeof(okp_curves[0]), jwk);
	unsigned char x[POINT_MOST];

	if (c == NULL)
		return "its curve is not Ed25519 or Ed448";
	if (member_bytes(jwk, "x", x, sizeof(x)) != c->coordinate)
		return "its x is missing, malformed or of the wrong length";
	gnutls_datum_t point = { x, c->coordinate };

	if (gnutls_pubkey_import_ecc_raw(key->public, c->id, &point, NULL) != 0)
		return "it cannot be imported";
	key->curve = c->id;
	key->size = c->signature;
	key->algs = c->algs;
	return NULL;
}

/* RFC 7518 section 3.2: a key is at least as long as the hash. */
static const char *load_oct(struct jwk *key, const json_t *jwk)
{
	unsigned char bytes[SECRET_MOST];
	size_t len = member_bytes(jwk, "k", bytes, sizeof(bytes));
	bool kept = len != 0 && keep_secret(key, bytes, len);

	explicit_bzero(bytes, len);
	if (!kept)
		return "its k is missing or malformed";
	for (unsigned alg = JWA_HS256; alg <= JWA_HS512; alg++)
		if (len >= jwa_info((enum jwa)alg)->hash)
			key->algs |= JWA_BIT(alg);
	return key->algs == 0 ? "it is shorter than the shortest hash (32 bytes)" : NULL;
}

static const char *load_material(struct jwk *key, const json_t *jwk)
{
	struct str type = json_text_member(jwk, "kty");

	if (str_eq(type, STR("oct")))
		return load_oct(key, jwk);
	if (gnutls_pubkey_init(&key->public) != 0)
		return "there is no memory for it";
	if (str_eq(type, STR("RSA")))
		return load_rsa(key, jwk);
	if (str_eq(type, STR("EC")))
		return load_ec(key, jwk);
	if (str_eq(type, STR("OKP")))
		return load_okp(key, jwk);
	return "its kty is not oct, RSA, EC or OKP";
}

/* RFC 7517 sections 4.2 to 4.4: what the key says that it is for. */
static const char *restrict_use(struct jwk *key, const json_t *jwk)
{
	const json_t *ops = json_object_get(jwk, "key_ops"), *op;
	bool may_verify = ops == NULL;
	enum jwa alg;
	size_t i;

	if (json_object_get(jwk, "use") != NULL &&
		!str_eq(json_text_member(jwk, "use"), STR("sig")))
		return "its use is not sig";
	json_array_foreach(ops, i, op) may_verify =
		may_verify || (json_is_string(op) && strcmp(json_string_value(op), "verify") == 0);
	if (!may_verify)
		return "its key_ops do not hold verify";
	if (json_object_get(jwk, "alg") == NULL)
		return NULL;
	if (!jwa_find(json_text_member(jwk, "alg"), &alg))
		return "its alg is unknown";
	key->algs &= JWA_BIT(alg);
	return key->algs == 0 ? "its alg does not fit its type, curve or length" : NULL;
}

static const char *load_kid(struct jwk *key, const json_t *jwk)
{
	struct str kid = json_text_member(jwk, "kid");

	if (json_object_get(jwk, "kid") == NULL)
		return NULL;
	if (kid.ptr == NULL || kid.len > KID_MOST)
		return "its kid is no string or too long";
	char *copy = malloc(kid.len + 1);

	if (copy == NULL)
		return "there is no memory for it";
	memcpy(copy, kid.ptr, kid.len);
	key->kid = (struct str){ copy, kid.len };
	return NULL;
}

static const char *load_key(struct jwk *key, const json_t *jwk)
{
	const char *why = json_is_object(jwk) ? load_material(key, jwk) : "it is not an object";

	if (why == NULL)
		why = restrict_use(key, jwk);
	return why != NULL ? why : load_kid(key, jwk);
}

static void add_key(struct jwt_keys *keys, const json_t *jwk, size_t index, const char *origin)
{
	struct jwk key = { 0 };
	const char *why = keys->n < JWT_KEYS_MOST ? load_key(&key, jwk) : "there are too many keys";

	if (why == NULL) {
		if (key.public != NULL && json_object_get(jwk, "d") != NULL)
			log_event(LOG_WARN, "jwt-key-private",
				"%s: key %zu of the JWK Set holds its private part, "
				"which does not belong here",
				origin, index);
		keys->at[keys->n++] = key;
		return;
	}
	fini_key(&key);
	log_event(LOG_WARN, "jwt-key-left-out", "%s: key %zu of the JWK Set is left out: %s",
		origin, index, why);
}

int jwt_keys_add_set(struct jwt_keys *keys, struct str text, const char *origin)
{
	json_t *root = json_text_parse(text);
	const json_t *set = json_object_get(root, "keys"), *jwk;
	unsigned before = keys->n;
	size_t i;

	if (set == NULL && json_text_member(root, "kty").ptr != NULL)
		add_key(keys, root, 0, origin);
	json_array_foreach(set, i, jwk) add_key(keys, jwk, i, origin);
	bool is_set = json_is_array(set) || json_text_member(root, "kty").ptr != NULL;

	json_decref(root);
	return is_set ? (int)(keys->n - before) : ERR_INVALID;
}
