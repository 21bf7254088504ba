/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The rate-limit middleware. What comes too fast is answered with 429, Retry-After (RFC 9110
 * section 10.2.3) and the fields of draft-ietf-httpapi-ratelimit-headers:
 *
 *   ratelimit-policy: "strict";q=10;w=1      ten requests in a second
 *   ratelimit: "strict";r=0;t=1              none now, one in a second
 *
 * Sources are counted by address; of IPv6 by the /64, since that is what one client is given. A
 * request without the header field or claim that is counted by counts for its source. */
#include "mw/rate_store.h"

#include "base/log.h"
#include "http/exchange.h"
#include "toron/mw.h"

int toron_rate_limit_start(const void *data)
{
	const struct toron_rate_limit *conf = data;

	if (*conf->store != NULL)
		return 0;
	*conf->store = rate_store_new(conf->n, conf->period_ms, conf->burst, conf->max_keys);
	if (*conf->store != NULL)
		return 0;
	log_event(LOG_ERROR, "no-memory", "%s: rate-limit \"%s\" has no memory for %u keys",
		conf->origin, conf->name, (unsigned)conf->max_keys);
	return -1;
}

/* Kinds of keys are told apart by their first byte, which is put before `value`. */
static struct str tagged(struct exchange *x, char tag, struct str value)
{
	char *key = arena_bytes(&x->arena, value.len + 1);

	if (key == NULL)
		return STR_NONE;
	key[0] = tag;
	if (value.len != 0)
		memcpy(key + 1, value.ptr, value.len);
	return (struct str){ key, value.len + 1 };
}

static struct str limit_key(struct exchange *x, const struct toron_rate_limit *conf)
{
	struct str value = STR_NONE;

	switch (conf->key) {
	case TORON_KEY_SOURCE:
		return exchange_client_key(x);
	case TORON_KEY_ROUTE:
		return (struct str){ (const char *)&x->route, sizeof(x->route) };
	case TORON_KEY_HEADER:
		value = toron_request_header(x, conf->key_arg);
		break;
	case TORON_KEY_CLAIM:
		value = toron_claim(x, conf->key_arg);
		break;
	}
	return value.ptr == NULL ? tagged(x, 's', exchange_client_key(x)) : tagged(x, 'v', value);
}

static uint64_t seconds(uint64_t ms)
{
	return ms <= 1000 ? 1 : ms / 1000 + (ms % 1000 != 0);
}

/* The name as a structured-field string (RFC 9651 section 3.3.3). */
static struct str quoted(struct exchange *x, const char *name)
{
	size_t len = strlen(name), n = 0;
	char *text = arena_bytes(&x->arena, 2 * len + 2);

	if (text == NULL)
		return STR("\"\"");
	text[n++] = '"';
	for (size_t i = 0; i < len; i++) {
		if (name[i] == '"' || name[i] == '\\')
			text[n++] = '\\';
		if (name[i] >= 0x20 && name[i] < 0x7f)
			text[n++] = name[i];
	}
	text[n++] = '"';
	return (struct str){ text, n };
}

static enum toron_verdict refuse(
	struct exchange *x, const struct toron_rate_limit *conf, const struct rate_answer *answer)
{
	struct str name = quoted(x, conf->name);
	unsigned long long wait = seconds(answer->wait_ms), quota = conf->n,
			   window = seconds(conf->period_ms);
	struct toron_header headers[] = {
		{ STR_INIT("retry-after"), arena_printf(&x->arena, "%llu", wait) },
		{ STR_INIT("ratelimit-policy"), arena_printf(&x->arena, STR_FMT ";q=%llu;w=%llu",
							STR_ARG(name), quota, window) },
		{ STR_INIT("ratelimit"),
			arena_printf(&x->arena, STR_FMT ";r=0;t=%llu", STR_ARG(name), wait) },
	};

	return toron_respond_error(x, 429, headers, x->arena.overflow ? 0 : ARRAY_LEN(headers));
}

enum toron_verdict toron_rate_limit_request(struct exchange *x, const struct toron_rate_limit *conf)
{
	struct str key = limit_key(x, conf);
	struct rate_answer answer;

	if (key.ptr == NULL) /* over budget: the exchange ends */
		return TORON_NEXT;
	answer = rate_store_take(*conf->store, key, toron_now_ms(x));
	return answer.allowed ? TORON_NEXT : refuse(x, conf, &answer);
}
