/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "auth/jwt.h"

#include "auth/json_text.h"
#include "base/err.h"
#include "base/str.h"

/* A NumericDate claim (RFC 7519 section 2), which may have a fraction. False when it is there and
 * is no number. */
static bool read_date(const json_t *claims, const char *name, double *date_out, bool *found_out)
{
	const json_t *value = json_object_get(claims, name);

	*found_out = value != NULL;
	if (value == NULL)
		return true;
	*date_out = json_number_value(value);
	return json_is_number(value);
}

/* NULL, or why not now. RFC 7519 sections 4.1.4 to 4.1.6. */
static const char *check_times(const json_t *claims, const struct jwt_policy *policy, double now)
{
	double leeway = policy->leeway_s, exp = 0, nbf = 0, iat = 0;
	bool has_exp, has_nbf, has_iat;

	if (!read_date(claims, "exp", &exp, &has_exp) ||
		!read_date(claims, "nbf", &nbf, &has_nbf) ||
		!read_date(claims, "iat", &iat, &has_iat))
		return "a time in the token is no number";
	if (!has_exp && policy->require_exp)
		return "the token has no expiry";
	if (has_exp && now >= exp + leeway)
		return "the token has expired";
	if (has_nbf && now + leeway < nbf)
		return "the token is not valid yet";
	if (has_iat && now + leeway < iat)
		return "the token comes from the future";
	return NULL;
}

static bool is_wanted_audience(const json_t *value, const struct jwt_policy *policy)
{
	struct str audience;

	if (!json_is_string(value))
		return false;
	audience = (struct str){ json_string_value(value), json_string_length(value) };
	for (uint32_t i = 0; i < policy->n_audience; i++)
		if (str_eq(audience, policy->audience[i]))
			return true;
	return false;
}

static bool has_audience(const json_t *aud, const struct jwt_policy *policy)
{
	const json_t *one;
	size_t i;

	json_array_foreach(aud, i, one) if (is_wanted_audience(one, policy)) return true;
	return is_wanted_audience(aud, policy);
}

static const char *check_claims(const json_t *claims, const struct jwt_policy *policy, double now)
{
	const char *why = check_times(claims, policy, now);

	if (why != NULL)
		return why;
	if (policy->issuer.len != 0 && !str_eq(json_text_member(claims, "iss"), policy->issuer))
		return "the token has another issuer";
	if (policy->n_audience != 0 && !has_audience(json_object_get(claims, "aud"), policy))
		return "the token is for another audience";
	if (json_object_get(claims, "sub") != NULL && json_text_member(claims, "sub").ptr == NULL)
		return "the subject in the token is no string";
	return NULL;
}

int jwt_verify(const struct jwt_keys *keys, const struct jwt_policy *policy, struct str token,
	uint64_t now_s, struct jwt_result *out)
{
	struct jws_payload payload;
	int err;

	*out = (struct jwt_result){ 0 };
	err = jws_verify(keys, policy->algs, token, &payload, &out->why);
	if (err != 0)
		return err;
	out->claims = json_text_parse((struct str){ (char *)payload.bytes, payload.len });
	if (out->claims == NULL) {
		out->why = "the claims are malformed";
		return ERR_PROTOCOL;
	}
	out->why = check_claims(out->claims, policy, (double)now_s);
	if (out->why != NULL) {
		json_decref(out->claims);
		out->claims = NULL;
		return ERR_INVALID;
	}
	out->subject = json_text_member(out->claims, "sub");
	return 0;
}
