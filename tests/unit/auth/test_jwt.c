/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "auth/jwt.h"

#include <stdlib.h>

#include "auth/json_text.h"
#include "base/err.h"
#include "base/log.h"
#include "toron/mw.h"
#include "unit/auth/tokens.h"
#include "unit/http/hand_made.h"

#define NOW    1700000000u
#define SECRET "0123456789abcdef0123456789abcdef"
#define HS256  "{\"alg\":\"HS256\"}"
#define GOOD   "{\"sub\":\"ada\",\"exp\":1700000060}"

static struct jwt_keys *keys;
static struct jwt_policy policy;
static struct jwt_result result;
static struct sbuf token, set;

static void setup(void)
{
	log_setup(LOG_ERROR, LOG_TEXT);
	keys = jwt_keys_new();
	policy = (struct jwt_policy){ .algs = JWA_ALL, .require_exp = true };
}

static void teardown(void)
{
	jwt_keys_free(&keys);
	sbuf_fini(&token);
	sbuf_fini(&set);
}

static int add_set(const char *text)
{
	return jwt_keys_add_set(keys, str_of(text), "g:1:1");
}

static int verify_at(struct str t, uint64_t now)
{
	int err = jwt_verify(keys, &policy, t, now, &result);

	ck_assert_int_eq(err == 0, result.claims != NULL);
	ck_assert_int_eq(err == 0, result.why == NULL);
	return err;
}

/* Whether the token holds; the claims are let go. */
static bool holds_at(struct str t, uint64_t now)
{
	bool holds = verify_at(t, now) == 0;

	json_decref(result.claims);
	return holds;
}

static bool holds(struct str t)
{
	return holds_at(t, NOW);
}

static struct str hs256(const char *header, const char *payload)
{
	return token_hmac(&token, JWA_HS256, header, payload, STR(SECRET));
}

/* ---- claims ---- */

static void use_secret(void)
{
	ck_assert_int_eq(jwt_keys_add_secret(keys, STR(SECRET)), 0);
}

START_TEST(good_token)
{
	use_secret();
	ck_assert_int_eq(verify_at(hs256(HS256, GOOD), NOW), 0);
	ck_assert_text(result.subject, "ada");
	ck_assert_int_eq(json_integer_value(json_object_get(result.claims, "exp")), 1700000060);
	json_decref(result.claims);
}
END_TEST

/* RFC 7515 appendix A.1. */
START_TEST(rfc7515_example)
{
	ck_assert_int_eq(add_set("{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-"
				 "EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}"),
		1);
	policy.issuer = STR("joe");
	ck_assert(holds_at(
		STR("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
		    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc1"
		    "9yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
		1300819379));
	ck_assert(!holds_at(
		STR("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
		    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc1"
		    "9yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
		1300819380));
}
END_TEST

START_TEST(expiry)
{
	use_secret();
	ck_assert(holds_at(hs256(HS256, GOOD), 1700000059));
	ck_assert(!holds_at(hs256(HS256, GOOD), 1700000060));
	ck_assert_str_eq(result.why, "the token has expired");
	policy.leeway_s = 60;
	ck_assert(holds_at(hs256(HS256, GOOD), 1700000119));
	ck_assert(!holds_at(hs256(HS256, GOOD), 1700000120));
	ck_assert(holds(hs256(HS256, "{\"exp\":1700000000.5}")));
	ck_assert(!holds(hs256(HS256, "{}")));
	ck_assert(!holds(hs256(HS256, "{\"exp\":\"1700000060\"}")));
	ck_assert(!holds(hs256(HS256, "{\"exp\":null}")));
	ck_assert(!holds(hs256(HS256, "{\"exp\":-1}")));
	ck_assert(!holds(hs256(HS256, "{\"exp\":1e999}")));
	policy.require_exp = false;
	ck_assert(holds(hs256(HS256, "{}")));
	ck_assert(!holds(hs256(HS256, "{\"exp\":1}")));
}
END_TEST

START_TEST(other_times)
{
	use_secret();
	policy.require_exp = false;
	ck_assert(holds(hs256(HS256, "{\"nbf\":1700000000,\"iat\":1700000000}")));
	ck_assert(!holds(hs256(HS256, "{\"nbf\":1700000001}")));
	ck_assert(!holds(hs256(HS256, "{\"iat\":1700000001}")));
	ck_assert(!holds(hs256(HS256, "{\"nbf\":[]}")));
	ck_assert(!holds(hs256(HS256, "{\"iat\":true}")));
	policy.leeway_s = 1;
	ck_assert(holds(hs256(HS256, "{\"nbf\":1700000001,\"iat\":1700000001}")));
}
END_TEST

START_TEST(issuer_and_audience)
{
	static const struct str audience[] = { STR_INIT("edge"), STR_INIT("api") };

	use_secret();
	policy.require_exp = false;
	ck_assert(holds(hs256(HS256, "{\"iss\":7,\"aud\":\"whoever\"}")));
	policy.issuer = STR("me");
	ck_assert(holds(hs256(HS256, "{\"iss\":\"me\"}")));
	ck_assert(!holds(hs256(HS256, "{\"iss\":\"me2\"}")));
	ck_assert(!holds(hs256(HS256, "{\"iss\":[\"me\"]}")));
	ck_assert(!holds(hs256(HS256, "{}")));
	policy.issuer = STR_NONE;
	policy.audience = audience;
	policy.n_audience = 2;
	ck_assert(holds(hs256(HS256, "{\"aud\":\"api\"}")));
	ck_assert(holds(hs256(HS256, "{\"aud\":[1,\"x\",\"edge\"]}")));
	ck_assert(!holds(hs256(HS256, "{\"aud\":\"apis\"}")));
	ck_assert(!holds(hs256(HS256, "{\"aud\":[]}")));
	ck_assert(!holds(hs256(HS256, "{\"aud\":{\"edge\":\"edge\"}}")));
	ck_assert(!holds(hs256(HS256, "{}")));
	policy.n_audience = 0;
	ck_assert(!holds(hs256(HS256, "{\"sub\":7}")));
}
END_TEST

/* ---- form ---- */

START_TEST(malformed_claims)
{
	static const char *const bad[] = { "", "[]", "7", "{\"a\":1,\"a\":2}", "{} x",
		"{\"a\":\"\xff\"}", "{", "{\"a\":\"\\u0000\"}" };

	use_secret();
	policy.require_exp = false;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_int_eq(verify_at(hs256(HS256, bad[i]), NOW), ERR_PROTOCOL);
}
END_TEST

START_TEST(bounded_depth)
{
	struct sbuf deep = { 0 };

	use_secret();
	policy.require_exp = false;
	for (unsigned levels = JSON_TEXT_DEPTH - 1; levels <= JSON_TEXT_DEPTH; levels++) {
		sbuf_clear(&deep);
		sbuf_adds(&deep, "{\"s\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"\",\"a\":");
		for (unsigned i = 0; i < levels; i++)
			sbuf_addc(&deep, '[');
		for (unsigned i = 0; i < levels; i++)
			sbuf_addc(&deep, ']');
		sbuf_addc(&deep, '}');
		ck_assert_int_eq(holds(hs256(HS256, deep.ptr)), levels < JSON_TEXT_DEPTH);
	}
	sbuf_fini(&deep);
}
END_TEST

START_TEST(malformed_tokens)
{
	static const char *const bad[] = { "", ".", "..", "...", "a.b.c", "e30.e30.",
		"e30.e30.AA" };
	struct str good;

	use_secret();
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert(!holds(str_of(bad[i])));
	good = hs256(HS256, GOOD);
	ck_assert(holds(good));
	for (size_t i = 0; i < good.len; i++) { /* each byte counts */
		char kept = token.ptr[i];

		token.ptr[i] = kept == 'A' ? 'B' : 'A';
		ck_assert(!holds(good));
		token.ptr[i] = '=';
		ck_assert(!holds(good));
		token.ptr[i] = kept;
		ck_assert(!holds(str_slice(good, 0, i)));
	}
	ck_assert(holds(good));
	sbuf_addc(&token, '.');
	ck_assert(!holds(sbuf_str(&token)));
}
END_TEST

START_TEST(too_long)
{
	struct sbuf claims = { 0 };

	use_secret();
	policy.require_exp = false;
	sbuf_adds(&claims, "{\"a\":\"");
	for (size_t i = 0; i < 12000; i++)
		sbuf_addc(&claims, 'a');
	sbuf_adds(&claims, "\"}");
	ck_assert(holds(hs256(HS256, claims.ptr)));
	sbuf_clear(&claims);
	sbuf_adds(&claims, "{\"a\":\"");
	for (size_t i = 0; i < 13000; i++)
		sbuf_addc(&claims, 'a');
	sbuf_adds(&claims, "\"}");
	ck_assert_int_eq(verify_at(hs256(HS256, claims.ptr), NOW), ERR_PROTOCOL);
	sbuf_fini(&claims);
}
END_TEST

START_TEST(refused_headers)
{
	static const char *const bad[] = { "{\"alg\":\"none\"}", "{\"alg\":\"hs256\"}",
		"{\"alg\":\"HS384\"}", "{\"alg\":null}", "{}",
		"{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}",
		"{\"alg\":\"HS256\",\"b64\":false}", "{\"alg\":\"HS256\",\"crit\":[]}",
		"{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}",
		"{\"alg\":\"HS256\",\"alg\":\"HS256\"}", "{\"alg\":\"HS256\",\"kid\":7}",
		"[\"HS256\"]" };

	use_secret();
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!holds(hs256(bad[i], GOOD)), "%s", bad[i]);
	ck_assert(holds(hs256("{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"any\",\"b64\":true,"
			      "\"jku\":\"https://evil.example\"}",
		GOOD)));
	token_begin(&token, "{\"alg\":\"none\"}", GOOD);
	sbuf_addc(&token, '.');
	ck_assert(!holds(sbuf_str(&token)));
}
END_TEST

START_TEST(hmac_algorithms)
{
	use_secret();
	ck_assert(holds(token_hmac(&token, JWA_HS384, "{\"alg\":\"HS384\"}", GOOD, STR(SECRET))));
	ck_assert(holds(token_hmac(&token, JWA_HS512, "{\"alg\":\"HS512\"}", GOOD, STR(SECRET))));
	policy.algs = JWA_BIT(JWA_HS512);
	ck_assert(holds(sbuf_str(&token)));
	ck_assert(!holds(hs256(HS256, GOOD)));
	ck_assert_str_eq(result.why, "the algorithm is not accepted");
	ck_assert_uint_eq(jwt_keys_restrict(keys, JWA_BIT(JWA_HS256)), 1);
	ck_assert_uint_eq(keys->algs, JWA_BIT(JWA_HS256));
	ck_assert_uint_eq(jwt_keys_restrict(keys, JWA_RSA), 0);
	ck_assert_uint_eq(keys->n, 0);
}
END_TEST

/* ---- public keys ---- */

static gnutls_privkey_t generate(gnutls_pk_algorithm_t type, unsigned bits)
{
	gnutls_privkey_t key;

	gnutls_privkey_init(&key);
	ck_assert_int_eq(gnutls_privkey_generate(key, type, bits, 0), 0);
	return key;
}

struct ecc_case {
	const char *alg, *kty, *crv;
	gnutls_pk_algorithm_t type;
	gnutls_ecc_curve_t curve;
	gnutls_sign_algorithm_t sign;
	unsigned size, coordinate;
};

static const struct ecc_case ecc_cases[] = {
	{ "ES256", "EC", "P-256", GNUTLS_PK_ECDSA, GNUTLS_ECC_CURVE_SECP256R1,
		GNUTLS_SIGN_ECDSA_SHA256, 32, 32 },
	{ "ES384", "EC", "P-384", GNUTLS_PK_ECDSA, GNUTLS_ECC_CURVE_SECP384R1,
		GNUTLS_SIGN_ECDSA_SHA384, 48, 48 },
	{ "ES512", "EC", "P-521", GNUTLS_PK_ECDSA, GNUTLS_ECC_CURVE_SECP521R1,
		GNUTLS_SIGN_ECDSA_SHA512, 66, 66 },
	{ "EdDSA", "OKP", "Ed25519", GNUTLS_PK_EDDSA_ED25519, GNUTLS_ECC_CURVE_ED25519,
		GNUTLS_SIGN_EDDSA_ED25519, 32, 0 },
	{ "EdDSA", "OKP", "Ed448", GNUTLS_PK_EDDSA_ED448, GNUTLS_ECC_CURVE_ED448,
		GNUTLS_SIGN_EDDSA_ED448, 57, 0 },
};

START_TEST(elliptic_keys)
{
	const struct ecc_case *c = &ecc_cases[_i];
	gnutls_privkey_t key = generate(c->type, GNUTLS_CURVE_TO_BITS(c->curve)),
			 other = generate(c->type, GNUTLS_CURVE_TO_BITS(c->curve));
	char header[64];

	snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", c->alg);
	sbuf_adds(&set, "{\"keys\":[");
	token_jwk_ecc(&set, key, c->kty, c->crv, c->size, "");
	sbuf_adds(&set, "]}");
	ck_assert_int_eq(add_set(set.ptr), 1);
	for (unsigned i = 0; i < 20;
		i++) /* so that r or s begins with a zero or a high bit now and then */
		ck_assert(holds(token_sign(&token, key, c->sign, c->coordinate, header, GOOD)));
	ck_assert(!holds(token_sign(&token, other, c->sign, c->coordinate, header, GOOD)));
	ck_assert_str_eq(result.why, "the signature is wrong");
	/* The key's bytes as a shared secret. */
	ck_assert(!holds(token_hmac(&token, JWA_HS256, HS256, GOOD, sbuf_str(&set))));
	ck_assert_str_eq(result.why, "no key fits the token");
	gnutls_privkey_deinit(key);
	gnutls_privkey_deinit(other);
}
END_TEST

/* The signature as DER, as some libraries wrongly send it. */
START_TEST(der_signature)
{
	gnutls_privkey_t key =
		generate(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));

	token_jwk_ecc(&set, key, "EC", "P-256", 32, "");
	ck_assert_int_eq(add_set(set.ptr), 1);
	ck_assert(!holds(
		token_sign(&token, key, GNUTLS_SIGN_ECDSA_SHA256, 0, "{\"alg\":\"ES256\"}", GOOD)));
	gnutls_privkey_deinit(key);
}
END_TEST

START_TEST(rsa_keys)
{
	static const struct {
		const char *header;
		gnutls_sign_algorithm_t sign;
	} algs[] = {
		{ "{\"alg\":\"RS256\"}", GNUTLS_SIGN_RSA_SHA256 },
		{ "{\"alg\":\"RS384\"}", GNUTLS_SIGN_RSA_SHA384 },
		{ "{\"alg\":\"RS512\"}", GNUTLS_SIGN_RSA_SHA512 },
		{ "{\"alg\":\"PS256\"}", GNUTLS_SIGN_RSA_PSS_SHA256 },
		{ "{\"alg\":\"PS384\"}", GNUTLS_SIGN_RSA_PSS_SHA384 },
		{ "{\"alg\":\"PS512\"}", GNUTLS_SIGN_RSA_PSS_SHA512 },
	};
	gnutls_privkey_t key = generate(GNUTLS_PK_RSA, 2048);

	token_jwk_rsa(&set, key, "");
	ck_assert_int_eq(add_set(set.ptr), 1);
	for (size_t i = 0; i < ARRAY_LEN(algs); i++)
		ck_assert(holds(token_sign(&token, key, algs[i].sign, 0, algs[i].header, GOOD)));
	ck_assert(!holds(
		token_sign(&token, key, GNUTLS_SIGN_RSA_SHA256, 0, "{\"alg\":\"PS256\"}", GOOD)));
	ck_assert(!holds(
		token_sign(&token, key, GNUTLS_SIGN_RSA_SHA512, 0, "{\"alg\":\"RS256\"}", GOOD)));
	ck_assert(!holds(token_hmac(&token, JWA_HS256, HS256, GOOD, sbuf_str(&set))));
	/* A key that names its algorithm serves no other. */
	jwt_keys_free(&keys);
	keys = jwt_keys_new();
	sbuf_clear(&set);
	token_jwk_rsa(&set, key, ",\"alg\":\"PS256\",\"use\":\"sig\",\"key_ops\":[\"verify\"]");
	ck_assert_int_eq(add_set(set.ptr), 1);
	ck_assert(holds(token_sign(
		&token, key, GNUTLS_SIGN_RSA_PSS_SHA256, 0, "{\"alg\":\"PS256\"}", GOOD)));
	ck_assert(!holds(
		token_sign(&token, key, GNUTLS_SIGN_RSA_SHA256, 0, "{\"alg\":\"RS256\"}", GOOD)));
	gnutls_privkey_deinit(key);
}
END_TEST

START_TEST(weak_rsa)
{
	gnutls_privkey_t key = generate(GNUTLS_PK_RSA, 1024);

	token_jwk_rsa(&set, key, "");
	ck_assert_int_eq(add_set(set.ptr), 0);
	gnutls_privkey_deinit(key);
}
END_TEST

/* ---- sets ---- */

START_TEST(kids)
{
	ck_assert_int_eq(add_set("{\"keys\":["
				 "{\"kty\":\"oct\",\"kid\":\"a\",\"k\":"
				 "\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"},"
				 "{\"kty\":\"oct\",\"kid\":\"b\",\"k\":"
				 "\"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY\"}]}"),
		2);
	ck_assert(holds(hs256("{\"alg\":\"HS256\",\"kid\":\"a\"}", GOOD)));
	ck_assert(holds(hs256(HS256, GOOD)));
	ck_assert(!holds(hs256("{\"alg\":\"HS256\",\"kid\":\"b\"}", GOOD)));
	ck_assert(!holds(hs256("{\"alg\":\"HS256\",\"kid\":\"c\"}", GOOD)));
	ck_assert_str_eq(result.why, "no key fits the token");
}
END_TEST

/* Keys that cannot serve are left out of a set without taking the others along. */
START_TEST(left_out)
{
	static const char *const bad[] = {
		"7",
		"{}",
		"{\"kty\":\"XYZ\"}",
		"{\"kty\":\"oct\"}",
		"{\"kty\":\"oct\",\"k\":\"\"}",
		"{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZg\"}", /* 16 bytes */
		"{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"}",
		"{\"kty\":\"oct\",\"alg\":\"HS512\",\"k\":"
		"\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}",
		"{\"kty\":\"oct\",\"alg\":\"RS256\",\"k\":"
		"\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}",
		"{\"kty\":\"oct\",\"use\":\"enc\",\"k\":"
		"\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}",
		"{\"kty\":\"oct\",\"use\":1,\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}",
		"{\"kty\":\"oct\",\"key_ops\":[\"sign\"],\"k\":"
		"\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}",
		"{\"kty\":\"oct\",\"key_ops\":\"verify\",\"k\":"
		"\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}",
		"{\"kty\":\"oct\",\"kid\":7,\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"04N0xi21hshyvBp7I167sbE_"
		"bXqyqkAPfefdklMO7wY\",\"y\":\"UI8exy-C06a7DUnjIdENkxeFtHM4-l_41LqEw9nVgnw\"}",
		"{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AA\",\"y\":\"AA\"}",
		"{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AA\"}",
		"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}",
		"{\"kty\":\"RSA\",\"n\":\"AA\",\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\"}",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		sbuf_clear(&set);
		sbuf_printf(&set,
			"{\"keys\":[%s,{\"kty\":\"oct\",\"k\":"
			"\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}]}",
			bad[i]);
		ck_assert_msg(add_set(set.ptr) == 1, "%s", bad[i]);
		ck_assert(holds(hs256(HS256, GOOD)));
		jwt_keys_free(&keys);
		keys = jwt_keys_new();
	}
}
END_TEST

START_TEST(no_sets)
{
	static const char *const bad[] = { "", "x", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[]} x",
		"{\"keys\":[],\"keys\":[]}" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_int_eq(add_set(bad[i]), ERR_INVALID);
	ck_assert_int_eq(add_set("{\"keys\":[]}"), 0);
	ck_assert_int_eq(jwt_keys_add_secret(keys, STR("")), ERR_INVALID);
}
END_TEST

START_TEST(too_many_keys)
{
	sbuf_adds(&set, "{\"keys\":[");
	for (unsigned i = 0; i < JWT_KEYS_MOST + 3; i++)
		sbuf_printf(&set,
			"%s{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}",
			i == 0 ? "" : ",");
	sbuf_adds(&set, "]}");
	ck_assert_int_eq(add_set(set.ptr), JWT_KEYS_MOST);
	ck_assert_int_eq(jwt_keys_add_secret(keys, STR(SECRET)), ERR_LIMIT);
}
END_TEST

/* ---- the middleware ---- */

static struct hand_made h;
static struct jwt_keys *slot;
static struct toron_jwt conf;

static void setup_middleware(void)
{
	setup();
	hand_made_init(&h);
	unsetenv("TORON_JWT_SECRET");
	unsetenv("TORON_JWT_JWKS");
	slot = NULL;
	conf = (struct toron_jwt){ .name = "jwt",
		.origin = "g.yaml:9:9",
		.leeway_s = 60,
		.header = STR_INIT("authorization"),
		.secret = { TORON_SECRET_LITERAL, STR_INIT(SECRET), "g.yaml:9:14" },
		.keys = &slot };
}

static void teardown_middleware(void)
{
	jwt_keys_free(&slot);
	hand_made_fini(&h);
	teardown();
}

static enum toron_verdict request(void)
{
	h.x.chain_answered = false;
	return toron_jwt_request(&h.x, &conf);
}

static void authorize(const char *scheme, struct str t)
{
	toron_request_header_set(&h.x, STR("authorization"),
		arena_printf(&h.x.arena, "%s" STR_FMT, scheme, STR_ARG(t)));
}

#define DEEP \
	"{\"sub\":\"ada\",\"n\":7,\"r\":{\"roles\":[\"a\",\"b\"],\"x.y\":true},\"https://e.x/" \
	"o\":\"org\",\"no\":null}"

START_TEST(request_passes)
{
	ck_assert_int_eq(toron_jwt_start(&conf), 0);
	authorize("bEARER  ", hs256(HS256, DEEP));
	ck_assert_int_eq(request(), TORON_NEXT);
	ck_assert_text(toron_claim(&h.x, STR("sub")), "ada");
	ck_assert_text(toron_claim(&h.x, STR("n")), "7");
	ck_assert_text(toron_claim(&h.x, STR("r.roles")), "[\"a\",\"b\"]");
	ck_assert_text(toron_claim(&h.x, STR("r.x.y")), "true");
	ck_assert_text(toron_claim(&h.x, STR("https://e.x/o")), "org");
	ck_assert_ptr_null(toron_claim(&h.x, STR("no")).ptr);
	ck_assert_ptr_null(toron_claim(&h.x, STR("r.none")).ptr);
	ck_assert_ptr_null(toron_claim(&h.x, STR("n.x")).ptr);
	ck_assert_ptr_null(toron_claim(&h.x, STR("")).ptr);
	ck_assert_ptr_null(toron_claim(&h.x, STR(".")).ptr);
}
END_TEST

START_TEST(request_without_token)
{
	ck_assert_int_eq(toron_jwt_start(&conf), 0);
	ck_assert_int_eq(request(), TORON_ANSWERED);
	ck_assert_uint_eq(h.x.response.status, 401);
	ck_assert_text(hand_made_answer_field(&h, "www-authenticate"), "Bearer realm=\"edge\"");
	authorize("Basic ", STR("YTpi"));
	ck_assert_int_eq(request(), TORON_ANSWERED);
	ck_assert_uint_eq(h.x.response.status, 401);
	ck_assert_text(hand_made_answer_field(&h, "www-authenticate"), "Bearer realm=\"edge\"");
}
END_TEST

START_TEST(request_with_bad_token)
{
	conf.require_exp = true;
	ck_assert_int_eq(toron_jwt_start(&conf), 0);
	authorize("Bearer ", hs256(HS256, GOOD)); /* expired long ago */
	ck_assert_int_eq(request(), TORON_ANSWERED);
	ck_assert_uint_eq(h.x.response.status, 401);
	ck_assert_text(hand_made_answer_field(&h, "www-authenticate"),
		"Bearer realm=\"edge\", error=\"invalid_token\", error_description=\"the token has "
		"expired\"");
	ck_assert_ptr_null(toron_claims(&h.x));
}
END_TEST

START_TEST(malformed_requests)
{
	static const char *const bad[] = { "Bearer", "Bearer ", "Bearer a b", "Bearer a,b",
		"Bearer \"a\"" };

	ck_assert_int_eq(toron_jwt_start(&conf), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		authorize(bad[i], STR(""));
		ck_assert_int_eq(request(), TORON_ANSWERED);
		ck_assert_uint_eq(h.x.response.status, 400);
		ck_assert(str_find(hand_made_answer_field(&h, "www-authenticate"),
				  STR("error=\"invalid_request\"")) > 0);
	}
	authorize("Bearer ", hs256(HS256, DEEP));
	hand_made_field(&h, "authorization", "Bearer x");
	ck_assert_int_eq(request(), TORON_ANSWERED);
	ck_assert_uint_eq(h.x.response.status, 400);
}
END_TEST

START_TEST(other_header)
{
	conf.header = STR("x-token");
	ck_assert_int_eq(toron_jwt_start(&conf), 0);
	authorize("Bearer ", hs256(HS256, DEEP));
	ck_assert_int_eq(request(), TORON_ANSWERED);
	ck_assert_uint_eq(h.x.response.status, 401);
	toron_request_header_set(&h.x, STR("x-token"), sbuf_str(&token));
	ck_assert_int_eq(request(), TORON_NEXT);
}
END_TEST

START_TEST(starts)
{
	static const struct str rs256[] = { STR_INIT("RS256") };
	struct toron_jwt from_env = conf;

	from_env.secret.kind = TORON_SECRET_NONE;
	ck_assert_int_ne(toron_jwt_start(&from_env), 0); /* no key at all */
	from_env.from_environment = true;
	ck_assert_int_ne(toron_jwt_start(&from_env), 0);
	setenv("TORON_JWT_JWKS", "{\"keys\":[]}", 1);
	ck_assert_int_ne(toron_jwt_start(&from_env), 0);
	setenv("TORON_JWT_JWKS", "/does/not/exist", 1);
	ck_assert_int_ne(toron_jwt_start(&from_env), 0);
	setenv("TORON_JWT_JWKS",
		" {\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}", 1);
	ck_assert_int_eq(toron_jwt_start(&from_env), 0);
	ck_assert_uint_eq(slot->n, 1);
	jwt_keys_free(&slot);
	setenv("TORON_JWT_SECRET", "too-short-but-only-warned-about", 1);
	ck_assert_int_eq(toron_jwt_start(&from_env), 0);
	ck_assert_uint_eq(slot->n, 2);
	jwt_keys_free(&slot);
	conf.algorithms = rs256;
	conf.n_algorithms = 1;
	ck_assert_int_ne(toron_jwt_start(&conf), 0); /* a secret serves no RS256 */
	ck_assert_ptr_null(slot);
}
END_TEST

static void add_tests_of_tokens(TCase *t)
{
	tcase_add_test(t, good_token);
	tcase_add_test(t, rfc7515_example);
	tcase_add_test(t, expiry);
	tcase_add_test(t, other_times);
	tcase_add_test(t, issuer_and_audience);
	tcase_add_test(t, malformed_claims);
	tcase_add_test(t, bounded_depth);
	tcase_add_test(t, malformed_tokens);
	tcase_add_test(t, too_long);
	tcase_add_test(t, refused_headers);
	tcase_add_test(t, hmac_algorithms);
}

static void add_tests_of_keys(TCase *t)
{
	tcase_add_loop_test(t, elliptic_keys, 0, (int)ARRAY_LEN(ecc_cases));
	tcase_add_test(t, der_signature);
	tcase_add_test(t, rsa_keys);
	tcase_add_test(t, weak_rsa);
	tcase_add_test(t, kids);
	tcase_add_test(t, left_out);
	tcase_add_test(t, no_sets);
	tcase_add_test(t, too_many_keys);
}

Suite *suite_jwt(void);

Suite *suite_jwt(void)
{
	Suite *s = suite_create("jwt");
	TCase *tokens = tcase_create("tokens"), *public = tcase_create("keys"),
	      *middleware = tcase_create("middleware");

	tcase_add_checked_fixture(tokens, setup, teardown);
	add_tests_of_tokens(tokens);
	suite_add_tcase(s, tokens);
	tcase_add_checked_fixture(public, setup, teardown);
	add_tests_of_keys(public);
	suite_add_tcase(s, public);
	tcase_add_checked_fixture(middleware, setup_middleware, teardown_middleware);
	tcase_add_test(middleware, request_passes);
	tcase_add_test(middleware, request_without_token);
	tcase_add_test(middleware, request_with_bad_token);
	tcase_add_test(middleware, malformed_requests);
	tcase_add_test(middleware, other_header);
	tcase_add_test(middleware, starts);
	suite_add_tcase(s, middleware);
	return s;
}
