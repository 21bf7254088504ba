/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the TLS library makes of the strings that it is given. */
#include "plan/priority.h"

#include <gnutls/gnutls.h>

#include "unit/plan/config.h"

#define TLS_LISTENER(settings) \
	"certificates: {site: {cert: site.pem, key: site.key}}\n" \
	"listeners: [{protocol: https, port: 8443, tls: {certificates: [site]" settings "}}]\n" \
	"routes: [{echo: {}}]\n"

#define SUITES_1_3 "AES_128_GCM_SHA256 AES_256_GCM_SHA384 CHACHA20_POLY1305_SHA256 "
#define SUITES_1_2 \
	"ECDHE_ECDSA_AES_128_GCM_SHA256 ECDHE_ECDSA_AES_256_GCM_SHA384 ECDHE_ECDSA_CHACHA20_POLY1305 " \
	"ECDHE_RSA_AES_128_GCM_SHA256 ECDHE_RSA_AES_256_GCM_SHA384 ECDHE_RSA_CHACHA20_POLY1305 "

/* The suites, the preferred first, without the library's prefix. */
static struct str suites_of(struct arena *a, gnutls_priority_t priority)
{
	struct str text = STR("");
	unsigned index;

	for (unsigned i = 0;; i++) {
		const char *name = NULL;
		int rc = gnutls_priority_get_cipher_suite_index(priority, i, &index);

		if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return text;
		if (rc == 0)
			name = gnutls_cipher_suite_info(index, NULL, NULL, NULL, NULL, NULL);
		if (name != NULL)
			text = arena_printf(a, STR_FMT "%s ", STR_ARG(text), name + sizeof("TLS_") - 1);
	}
}

static void assert_suites(struct arena *a, struct str priority, const char *wanted)
{
	gnutls_priority_t made;
	const char *at = NULL;
	int rc = gnutls_priority_init(&made, arena_cstr(a, priority), &at);
	const unsigned *groups;

	ck_assert_msg(rc == 0, "%s at '%s'", gnutls_strerror(rc), at == NULL ? "" : at);
	ck_assert_str_eq(arena_cstr(a, suites_of(a, made)), wanted);
	ck_assert_int_ge(gnutls_priority_group_list(made, &groups), 2);
	ck_assert_uint_eq(groups[0], GNUTLS_GROUP_X25519);
	gnutls_priority_deinit(made);
}

static const struct {
	const char *config, *suites;
	bool has_1_2;
} cases[] = {
	{ TLS_LISTENER(""), SUITES_1_3 SUITES_1_2, true },
	{ TLS_LISTENER(", preset: intermediate, min_version: \"1.2\""), SUITES_1_3 SUITES_1_2, true },
	{ TLS_LISTENER(", preset: modern"), SUITES_1_3, false },
	{ TLS_LISTENER(", min_version: \"1.3\""), SUITES_1_3, false },
	{ TLS_LISTENER(", preset: modern, ciphers: [TLS_CHACHA20_POLY1305_SHA256, TLS_AES_128_GCM_SHA256]"),
		"CHACHA20_POLY1305_SHA256 AES_128_GCM_SHA256 ", false },
	{ TLS_LISTENER(", ciphers: [tls_ecdhe_rsa_with_aes_256_gcm_sha384]"), "ECDHE_RSA_AES_256_GCM_SHA384 ", true },
	{ TLS_LISTENER(", ciphers: [TLS_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "
		       "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]"),
		"AES_256_GCM_SHA384 ECDHE_RSA_AES_256_GCM_SHA384 ECDHE_ECDSA_AES_256_GCM_SHA384 ", true },
};

START_TEST(listeners_offer_what_the_config_says)
{
	struct config c;
	const struct plan *p = config_plan(&c, cases[_i].config);

	assert_suites(&c.arena, p->listeners[0].tls->priority, cases[_i].suites);
	ck_assert_int_eq(p->listeners[0].tls->has_1_2, cases[_i].has_1_2);
	config_fini(&c);
}
END_TEST

START_TEST(backends_are_asked_for_all_that_is_good)
{
	struct config c;
	const struct plan *p = config_plan(&c, CONFIG_LISTENER "routes: [{backend: {url: \"https://a\"}}]\n");

	ck_assert_uint_eq(p->backends[0].servers[0].model->port.value, 443);
	ck_assert(str_eq(p->backends[0].servers[0].authority, STR("a")));
	assert_suites(&c.arena, p->backends[0].tls->priority, SUITES_1_3 SUITES_1_2);
	config_fini(&c);
}
END_TEST

Suite *suite_priority(void)
{
	Suite *s = suite_create("priority");
	TCase *t = tcase_create("priority");

	tcase_add_loop_test(t, listeners_offer_what_the_config_says, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(t, backends_are_asked_for_all_that_is_good);
	suite_add_tcase(s, t);
	return s;
}
