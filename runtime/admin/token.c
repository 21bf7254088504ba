/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "admin/token.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"

#define TOKEN_MOST 4096u

/* Lives as long as the process. */
struct admin_token {
	struct secret secret;
};

int toron_admin_start(const void *data)
{
	const struct toron_admin *conf = data;
	char why[SECRET_WHY_MAX];
	int err;

	*conf->slot = calloc(1, sizeof(**conf->slot));
	if (*conf->slot == NULL) {
		log_event(LOG_ERROR, "start-failed", "%s: out of memory", conf->origin);
		return ERR_NO_MEMORY;
	}
	err = secret_read(&conf->token, TOKEN_MOST, &(*conf->slot)->secret, why);
	if (err != 0)
		log_event(LOG_ERROR, "secret-missing", "%s", why);
	return err;
}

/* Takes the same time wherever the two differ. */
static bool is_same(struct str a, struct str b)
{
	unsigned differ = a.len != b.len;

	for (size_t i = 0; i < a.len; i++)
		differ |= (unsigned char)(a.ptr[i] ^ b.ptr[b.len == 0 ? 0 : i % b.len]);
	return differ == 0;
}

bool admin_admit(struct exchange *x, const struct toron_admin *conf)
{
	static const struct toron_header ask = { .name = STR_INIT("www-authenticate"), .value = STR_INIT("Bearer") };
	static const struct str scheme = STR_INIT("Bearer ");
	struct str shown = toron_request_header(x, STR("authorization"));
	const struct secret *token;

	if (conf->token.kind == TORON_SECRET_NONE)
		return true;
	token = &(*conf->slot)->secret;
	if (shown.len > scheme.len && str_eq_nocase(str_slice(shown, 0, scheme.len), scheme) &&
		is_same(str_trim(str_slice(shown, scheme.len, shown.len)), (struct str){ token->ptr, token->len }))
		return true;
	toron_respond_error(x, 401, &ask, 1);
	return false;
}
