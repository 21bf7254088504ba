/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The formats that JSON Schema names (Validation section 7.3), for schemas that assert them.
 * Those of international host names are not among them: they stay annotations. */
#include "automata/automata.h"
#include "base/check.h"
#include "base/str.h"
#include "schema/formats.h"
#include "schema/net_text.h"
#include "schema/uri_ref.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	unsigned char low = ascii_lower((unsigned char)c);

	return is_digit(c) || (low >= 'a' && low <= 'f');
}

static bool is_alpha(char c)
{
	unsigned char low = ascii_lower((unsigned char)c);

	return low >= 'a' && low <= 'z';
}

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* Exactly n digits off the front of *s. */
static bool take_digits(struct str *s, size_t n, unsigned *value_out)
{
	unsigned value = 0;

	if (s->len < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!is_digit(s->ptr[i]))
			return false;
		value = value * 10 + (unsigned)(s->ptr[i] - '0');
	}
	*s = str_slice(*s, n, s->len);
	*value_out = value;
	return true;
}

static bool take_char(struct str *s, const char *set)
{
	if (s->len == 0 || !is_one_of(s->ptr[0], set))
		return false;
	*s = str_slice(*s, 1, s->len);
	return true;
}

/* ---- RFC 3339 ---- */

static bool take_date(struct str *s)
{
	static const unsigned char days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	unsigned year, month, day;
	bool is_leap;

	if (!take_digits(s, 4, &year) || !take_char(s, "-") || !take_digits(s, 2, &month) ||
		!take_char(s, "-") || !take_digits(s, 2, &day))
		return false;
	is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] &&
	       !(month == 2 && day == 29 && !is_leap);
}

/* The offset in minutes east of UTC. */
static bool take_offset(struct str *s, int *minutes_out)
{
	unsigned hours, minutes;
	bool is_west;

	*minutes_out = 0;
	if (take_char(s, "Zz"))
		return true;
	is_west = s->len > 0 && s->ptr[0] == '-';
	if (!take_char(s, "+-") || !take_digits(s, 2, &hours) || !take_char(s, ":") ||
		!take_digits(s, 2, &minutes))
		return false;
	*minutes_out = (int)(hours * 60 + minutes) * (is_west ? -1 : 1);
	return hours <= 23 && minutes <= 59;
}

static bool take_time(struct str *s)
{
	unsigned hour, minute, second, digit;
	int offset;

	if (!take_digits(s, 2, &hour) || !take_char(s, ":") || !take_digits(s, 2, &minute) ||
		!take_char(s, ":") || !take_digits(s, 2, &second))
		return false;
	if (take_char(s, ".")) {
		if (!take_digits(s, 1, &digit))
			return false;
		while (take_digits(s, 1, &digit))
			;
	}
	if (hour > 23 || minute > 59 || second > 60 || !take_offset(s, &offset))
		return false;
	/* A leap second is the last of a day in UTC. */
	return second < 60 || ((int)(hour * 60 + minute) - offset + 2 * 1440) % 1440 == 1439;
}

static bool is_date(struct str s)
{
	return take_date(&s) && s.len == 0;
}

static bool is_time(struct str s)
{
	return take_time(&s) && s.len == 0;
}

static bool is_date_time(struct str s)
{
	return take_date(&s) && take_char(&s, "Tt") && take_time(&s) && s.len == 0;
}

/* Digits and one of `units`, which must follow each other without a gap: after years come
 * months, not days. */
static bool take_elements(struct str *s, const char *units, unsigned *count_out)
{
	const char *next = units;
	unsigned digit;

	*count_out = 0;
	while (s->len > 0 && is_digit(s->ptr[0])) {
		const char *at;

		while (take_digits(s, 1, &digit))
			;
		at = s->len == 0 || s->ptr[0] == '\0' ? NULL : strchr(next, s->ptr[0]);
		if (at == NULL || (*count_out > 0 && at != next))
			return false;
		*s = str_slice(*s, 1, s->len);
		next = at + 1;
		(*count_out)++;
	}
	return true;
}

/* RFC 3339 appendix A. */
static bool is_duration(struct str s)
{
	unsigned n_date, n_time = 0, n_weeks;
	struct str weeks;

	if (!take_char(&s, "P"))
		return false;
	weeks = s;
	if (take_elements(&weeks, "W", &n_weeks) && n_weeks == 1 && weeks.len == 0)
		return true;
	if (!take_elements(&s, "YMD", &n_date))
		return false;
	if (take_char(&s, "T") && (!take_elements(&s, "HMS", &n_time) || n_time == 0))
		return false;
	return s.len == 0 && n_date + n_time > 0;
}

/* ---- addresses and names ---- */

static bool is_ipv4(struct str s)
{
	uint8_t addr[16];
	bool is_v4;

	return net_text_ip(s, addr, &is_v4) && is_v4;
}

static bool is_ipv6(struct str s)
{
	uint8_t addr[16];
	bool is_v4;

	return net_text_ip(s, addr, &is_v4) && !is_v4;
}

static bool is_hostname(struct str s)
{
	return net_text_host(s) && s.ptr[s.len - 1] != '.' && str_find_char(s, '_') == s.len;
}

static bool is_quoted_local(struct str s)
{
	if (s.len < 2 || s.ptr[0] != '"' || s.ptr[s.len - 1] != '"')
		return false;
	for (size_t i = 1; i + 1 < s.len; i++) {
		if (s.ptr[i] == '"' || (unsigned char)s.ptr[i] < 0x20)
			return false;
		i += s.ptr[i] == '\\';
	}
	return true;
}

/* RFC 5321 section 4.1.2: dot-string. */
static bool is_dot_string(struct str s, bool international)
{
	struct str atom;

	while (str_split(&s, '.', &atom)) {
		if (atom.len == 0)
			return false;
		for (size_t i = 0; i < atom.len; i++) {
			bool is_other = (atom.ptr[i] & 0x80) != 0;

			if (is_other ? !international
				     : !is_alpha(atom.ptr[i]) && !is_digit(atom.ptr[i]) &&
						!is_one_of(atom.ptr[i], "!#$%&'*+/=?^_`{|}~-"))
				return false;
		}
	}
	return true;
}

static bool is_domain(struct str s, bool international)
{
	if (s.len > 2 && s.ptr[0] == '[' && s.ptr[s.len - 1] == ']') {
		s = str_slice(s, 1, s.len - 2);
		return is_ipv4(s) ||
		       (str_starts(s, STR("IPv6:")) && is_ipv6(str_slice(s, 5, s.len)));
	}
	if (!international)
		return is_hostname(s);
	return s.len > 0 && str_find_char(s, ' ') == s.len && str_find_char(s, '@') == s.len;
}

static bool is_mailbox(struct str s, bool international)
{
	size_t at = s.len;

	while (at > 0 && s.ptr[at - 1] != '@')
		at--;
	if (at == 0)
		return false;

	struct str local = str_slice(s, 0, at - 1);

	return (is_quoted_local(local) || (local.len > 0 && is_dot_string(local, international))) &&
	       is_domain(str_slice(s, at, s.len), international);
}

static bool is_email(struct str s)
{
	return is_mailbox(s, false);
}

static bool is_idn_email(struct str s)
{
	return is_mailbox(s, true);
}

static bool is_uuid(struct str s)
{
	if (s.len != 36)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_dash ? s.ptr[i] != '-' : !is_hex(s.ptr[i]))
			return false;
	}
	return true;
}

/* ---- URIs ---- */

/* Characters of `set`, unreserved ones and escapes; bytes beyond ASCII if `international`. */
static bool is_made_of(struct str s, const char *set, bool international)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (c == '%') {
			if (i + 2 >= s.len || !is_hex(s.ptr[i + 1]) || !is_hex(s.ptr[i + 2]))
				return false;
			i += 2;
		} else if ((c & 0x80) != 0 ? !international
					   : !is_alpha(c) && !is_digit(c) &&
						     !is_one_of(c, "-._~") && !is_one_of(c, set)) {
			return false;
		}
	}
	return true;
}

#define SUB_DELIMS "!$&'()*+,;="

static bool is_ip_literal(struct str s)
{
	if (is_ipv6(s))
		return true;
	/* IPvFuture */
	if (s.len < 4 || ascii_lower((unsigned char)s.ptr[0]) != 'v' || !is_hex(s.ptr[1]))
		return false;
	size_t dot = str_find_char(s, '.');
	for (size_t i = 1; i < dot; i++) {
		if (!is_hex(s.ptr[i]))
			return false;
	}
	return dot + 1 < s.len && str_find_char(s, '%') == s.len &&
	       is_made_of(str_slice(s, dot + 1, s.len), SUB_DELIMS ":", false);
}

static bool is_authority(struct str s, bool international)
{
	size_t at = str_find_char(s, '@'), end;
	uint64_t port;

	if (at < s.len) {
		if (!is_made_of(str_slice(s, 0, at), SUB_DELIMS ":", international))
			return false;
		s = str_slice(s, at + 1, s.len);
	}
	if (s.len > 0 && s.ptr[0] == '[') {
		end = str_find_char(s, ']');
		if (end == s.len || !is_ip_literal(str_slice(s, 1, end - 1)))
			return false;
		end++;
	} else {
		end = str_find_char(s, ':');
		if (!is_made_of(str_slice(s, 0, end), SUB_DELIMS, international))
			return false;
	}
	s = str_slice(s, end, s.len);
	return s.len <= 1
		       ? s.len == 0 || s.ptr[0] == ':'
		       : s.ptr[0] == ':' && str_to_u64(str_slice(s, 1, s.len), UINT64_MAX, &port);
}

static bool is_uri_ref(struct str s, bool international, bool absolute)
{
	struct uri_ref u = uri_ref_split(s);
	size_t first = str_find_char(u.path, '/');

	if (memchr(s.ptr == NULL ? "" : s.ptr, '\0', s.len) != NULL ||
		(absolute && u.scheme.ptr == NULL))
		return false;
	/* What looks like a scheme and is none: "1http:", "bar,baz:". */
	if (u.scheme.ptr == NULL && u.authority.ptr == NULL &&
		str_find_char(str_slice(u.path, 0, first), ':') < first)
		return false;
	return (u.authority.ptr == NULL || is_authority(u.authority, international)) &&
	       is_made_of(u.path, SUB_DELIMS ":@/", international) &&
	       is_made_of(u.query, SUB_DELIMS ":@/?", international) &&
	       is_made_of(u.fragment, SUB_DELIMS ":@/?", international);
}

static bool is_uri(struct str s)
{
	return is_uri_ref(s, false, true);
}

static bool is_uri_reference(struct str s)
{
	return is_uri_ref(s, false, false);
}

static bool is_iri(struct str s)
{
	return is_uri_ref(s, true, true);
}

static bool is_iri_reference(struct str s)
{
	return is_uri_ref(s, true, false);
}

/* RFC 6570: varname [":" max-length | "*"]. */
static bool is_varspec(struct str s)
{
	size_t colon = str_find_char(s, ':');
	struct str name = str_slice(s, 0, colon), part;
	uint64_t max_len;

	if (colon < s.len) {
		struct str digits = str_slice(s, colon + 1, s.len);

		if (digits.len == 0 || digits.ptr[0] == '0' || !str_to_u64(digits, 9999, &max_len))
			return false;
	} else if (str_ends(name, STR("*"))) {
		name.len--;
	}
	if (name.len == 0)
		return false;
	while (str_split(&name, '.', &part)) {
		if (part.len == 0 || str_find_char(part, '-') < part.len ||
			str_find_char(part, '~') < part.len || !is_made_of(part, "", false))
			return false;
	}
	return true;
}

static bool is_template_literal(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.ptr[i] <= 0x20 || s.ptr[i] == 0x7f ||
			is_one_of(s.ptr[i], "\"<>\\^`}"))
			return false;
		if (s.ptr[i] == '%' &&
			(i + 2 >= s.len || !is_hex(s.ptr[i + 1]) || !is_hex(s.ptr[i + 2])))
			return false;
	}
	return true;
}

static bool is_uri_template(struct str s)
{
	while (s.len > 0) {
		size_t open = str_find_char(s, '{');
		struct str expression, spec;
		size_t close;

		if (!is_template_literal(str_slice(s, 0, open)))
			return false;
		if (open == s.len)
			return true;
		s = str_slice(s, open + 1, s.len);
		close = str_find_char(s, '}');
		if (close == s.len)
			return false;
		expression = str_slice(s, 0, close);
		s = str_slice(s, close + 1, s.len);
		take_char(&expression, "+#./;?&");
		while (str_split(&expression, ',', &spec)) {
			if (!is_varspec(spec))
				return false;
		}
	}
	return true;
}

/* ---- JSON pointers ---- */

static bool is_json_pointer(struct str s)
{
	if (s.len == 0)
		return true;
	if (s.ptr[0] != '/')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '~' && (i + 1 == s.len || !is_one_of(s.ptr[i + 1], "01")))
			return false;
	}
	return true;
}

static bool is_relative_json_pointer(struct str s)
{
	size_t n = 0;

	while (n < s.len && is_digit(s.ptr[n]))
		n++;
	if (n == 0 || (n > 1 && s.ptr[0] == '0'))
		return false;
	s = str_slice(s, n, s.len);
	return str_eq(s, STR("#")) || is_json_pointer(s);
}

/* ---- the table ---- */

static bool fail(struct arena *a, struct str s, const char *what, struct format_fault *fault)
{
	fault->text =
		arena_printf(a, "'" STR_FMT "' is not %s", STR_ARG(str_utf8_cut(s, 80)), what);
	return false;
}

#define CHECK_BY(function, phrase) \
	static bool check_##function(struct arena *a, struct str s, struct format_fault *fault) \
	{ \
		return is_##function(s) || fail(a, s, phrase, fault); \
	}
CHECK_BY(date, "a date such as 2024-02-29")
CHECK_BY(time, "a time with an offset such as 08:30:06Z")
CHECK_BY(date_time, "a date and time such as 2024-02-29T08:30:06Z")
CHECK_BY(duration, "an ISO 8601 duration such as P1DT12H")
CHECK_BY(ipv4, "an IPv4 address")
CHECK_BY(ipv6, "an IPv6 address")
CHECK_BY(hostname, "a host name")
CHECK_BY(email, "an e-mail address")
CHECK_BY(idn_email, "an e-mail address")
CHECK_BY(uuid, "a UUID")
CHECK_BY(uri, "a URI")
CHECK_BY(uri_reference, "a URI reference")
CHECK_BY(iri, "an IRI")
CHECK_BY(iri_reference, "an IRI reference")
CHECK_BY(uri_template, "a URI template")
CHECK_BY(json_pointer, "a JSON pointer")
CHECK_BY(relative_json_pointer, "a relative JSON pointer")

static bool check_regex(struct arena *a, struct str s, struct format_fault *fault)
{
	struct re_error error = { 0 };

	if (s.len == 0 || re_parse(a, s, &error) != NULL)
		return true;
	return fail(a, s, "a regular expression that can be used here", fault);
}

const struct format formats_standard[] = {
	{ STR_INIT("date"), check_date },
	{ STR_INIT("time"), check_time },
	{ STR_INIT("date-time"), check_date_time },
	{ STR_INIT("duration"), check_duration },
	{ STR_INIT("ipv4"), check_ipv4 },
	{ STR_INIT("ipv6"), check_ipv6 },
	{ STR_INIT("hostname"), check_hostname },
	{ STR_INIT("email"), check_email },
	{ STR_INIT("idn-email"), check_idn_email },
	{ STR_INIT("uuid"), check_uuid },
	{ STR_INIT("uri"), check_uri },
	{ STR_INIT("uri-reference"), check_uri_reference },
	{ STR_INIT("iri"), check_iri },
	{ STR_INIT("iri-reference"), check_iri_reference },
	{ STR_INIT("uri-template"), check_uri_template },
	{ STR_INIT("json-pointer"), check_json_pointer },
	{ STR_INIT("relative-json-pointer"), check_relative_json_pointer },
	{ STR_INIT("regex"), check_regex },
	{ { NULL, 0 }, NULL },
};
