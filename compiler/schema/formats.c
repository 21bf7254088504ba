/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Units, names, paths and patterns of the config language. */
#include "schema/formats.h"

#include "automata/automata.h"
#include "base/check.h"
#include "base/duration.h"
#include "base/str.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
	unsigned char low = ascii_lower((unsigned char)c);

	return low >= 'a' && low <= 'z';
}

/* ---- units ---- */

bool unit_parse(struct str unit, struct str s, uint64_t *value_out)
{
	struct rate rate;
	uint32_t ppm;

	if (str_eq(unit, STR("duration")))
		return duration_parse(s, value_out);
	if (str_eq(unit, STR("size")))
		return size_parse(s, value_out);
	if (str_eq(unit, STR("rate"))) {
		if (!rate_parse(s, &rate) || rate.period_ms == 0)
			return false;
		*value_out = rate.n > UINT64_MAX / 1000000000
				     ? UINT64_MAX
				     : rate.n * 1000000000 / rate.period_ms;
		return true;
	}
	if (!str_eq(unit, STR("percent")) || !percent_parse(s, &ppm))
		return false;
	*value_out = ppm;
	return true;
}

static const struct unit_kind {
	struct str name;
	const char *phrase;
	const char *examples[3]; /* with the number in front */
	const char *units;
} unit_kinds[] = {
	{ STR_INIT("duration"), "a duration such as 5s", { "ms", "s", "m" }, "ms, s, m, h, d" },
	{ STR_INIT("size"), "a size such as 16KiB", { "B", "KiB", "MiB" },
		"B, kB, KiB, MB, MiB, GB, GiB" },
	{ STR_INIT("rate"), "a rate such as 100/s", { "/s", "/m", "/h" }, "/s, /m, /h" },
	{ STR_INIT("percent"), "a share such as 20%", { "%", NULL, NULL }, "%" },
};

static const struct unit_kind *find_unit(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(unit_kinds); i++) {
		if (str_eq(unit_kinds[i].name, name))
			return &unit_kinds[i];
	}
	return NULL;
}

const char *unit_phrase(struct str unit)
{
	const struct unit_kind *kind = find_unit(unit);

	return kind == NULL ? NULL : kind->phrase;
}

/* "16384B or 16KiB": whoever writes so many without a unit means bytes. */
static struct str bytes_missing(struct arena *a, struct str number, uint64_t n)
{
	struct str plain = arena_printf(a, "%lluB", (unsigned long long)n),
		   shorter = size_format(a, n);

	return arena_printf(a, "'" STR_FMT "' has no unit; write " STR_FMT "%s" STR_FMT,
		STR_ARG(number), STR_ARG(plain), str_eq(plain, shorter) ? "" : " or ",
		STR_ARG(str_eq(plain, shorter) ? STR("") : shorter));
}

struct str unit_missing(struct arena *a, struct str unit, struct str number)
{
	const struct unit_kind *kind = find_unit(unit);
	struct str text = arena_printf(a, "'" STR_FMT "' has no unit; write ", STR_ARG(number));
	uint64_t n;

	if (kind != NULL && !str_to_u64(number, UINT64_MAX, &n))
		return arena_printf(a, "'" STR_FMT "' is not %s", STR_ARG(number), kind->phrase);
	if (str_eq(unit, STR("size")) && n >= 1000)
		return bytes_missing(a, number, n);
	for (size_t i = 0;
		kind != NULL && i < ARRAY_LEN(kind->examples) && kind->examples[i] != NULL; i++) {
		bool is_last = i + 1 == ARRAY_LEN(kind->examples) || kind->examples[i + 1] == NULL;

		text = arena_printf(a, STR_FMT "%s" STR_FMT "%s", STR_ARG(text),
			i == 0    ? ""
			: is_last ? " or "
				  : ", ",
			STR_ARG(number), kind->examples[i]);
	}
	return text;
}

/* What people write for a unit, and what it is here. */
static const struct {
	struct str unit, written;
	const char *meant;
} aliases[] = {
	{ STR_INIT("duration"), STR_INIT("sec"), "s" },
	{ STR_INIT("duration"), STR_INIT("secs"), "s" },
	{ STR_INIT("duration"), STR_INIT("second"), "s" },
	{ STR_INIT("duration"), STR_INIT("seconds"), "s" },
	{ STR_INIT("duration"), STR_INIT("msec"), "ms" },
	{ STR_INIT("duration"), STR_INIT("millis"), "ms" },
	{ STR_INIT("duration"), STR_INIT("milliseconds"), "ms" },
	{ STR_INIT("duration"), STR_INIT("min"), "m" },
	{ STR_INIT("duration"), STR_INIT("mins"), "m" },
	{ STR_INIT("duration"), STR_INIT("minute"), "m" },
	{ STR_INIT("duration"), STR_INIT("minutes"), "m" },
	{ STR_INIT("duration"), STR_INIT("hr"), "h" },
	{ STR_INIT("duration"), STR_INIT("hour"), "h" },
	{ STR_INIT("duration"), STR_INIT("hours"), "h" },
	{ STR_INIT("duration"), STR_INIT("day"), "d" },
	{ STR_INIT("duration"), STR_INIT("days"), "d" },
	{ STR_INIT("size"), STR_INIT("b"), "B" },
	{ STR_INIT("size"), STR_INIT("bytes"), "B" },
	{ STR_INIT("size"), STR_INIT("k"), "KiB" },
	{ STR_INIT("size"), STR_INIT("kb"), "KiB" },
	{ STR_INIT("size"), STR_INIT("kib"), "KiB" },
	{ STR_INIT("size"), STR_INIT("m"), "MiB" },
	{ STR_INIT("size"), STR_INIT("mb"), "MiB" },
	{ STR_INIT("size"), STR_INIT("mib"), "MiB" },
	{ STR_INIT("size"), STR_INIT("g"), "GiB" },
	{ STR_INIT("size"), STR_INIT("gb"), "GiB" },
	{ STR_INIT("size"), STR_INIT("gib"), "GiB" },
	{ STR_INIT("rate"), STR_INIT("/sec"), "/s" },
	{ STR_INIT("rate"), STR_INIT("/second"), "/s" },
	{ STR_INIT("rate"), STR_INIT("rps"), "/s" },
	{ STR_INIT("rate"), STR_INIT("r/s"), "/s" },
	{ STR_INIT("rate"), STR_INIT("req/s"), "/s" },
	{ STR_INIT("rate"), STR_INIT("/min"), "/m" },
	{ STR_INIT("rate"), STR_INIT("/minute"), "/m" },
	{ STR_INIT("rate"), STR_INIT("r/m"), "/m" },
	{ STR_INIT("rate"), STR_INIT("/hour"), "/h" },
};

static const char *find_alias(struct str unit, struct str written)
{
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
		if (str_eq(aliases[i].unit, unit) && str_eq_nocase(aliases[i].written, written))
			return aliases[i].meant;
	}
	return NULL;
}

/* "5 s", "1h 30m": true, with the fault filled in. */
static bool is_unit_but_for_blanks(
	struct arena *a, const struct unit_kind *kind, struct str s, struct format_fault *fault)
{
	char *out = arena_bytes(a, s.len + 1);
	size_t len = 0;
	uint64_t value;

	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] != ' ' && s.ptr[i] != '\t')
			out[len++] = s.ptr[i];
	}
	if (len == s.len || !unit_parse(kind->name, (struct str){ out, len }, &value))
		return false;
	fault->text = arena_printf(a, "'" STR_FMT "' has a space in it; write " STR_FMT, STR_ARG(s), (int)len, out);
	return true;
}

static bool fail_unit(
	struct arena *a, const struct unit_kind *kind, struct str s, struct format_fault *fault)
{
	size_t digits = 0;
	struct str number, written;
	const char *meant;
	uint64_t one;

	while (digits < s.len && (is_digit(s.ptr[digits]) || s.ptr[digits] == '.'))
		digits++;
	number = str_slice(s, 0, digits);
	written = str_trim(str_slice(s, digits, s.len));
	fault->text = arena_printf(a, "'" STR_FMT "' is not %s", STR_ARG(s), kind->phrase);
	if (digits > 0 && str_find_char(number, '.') < number.len && kind->examples[1] != NULL)
		fault->note = STR("the number in front of a unit is a whole one; write it with a smaller unit");
	if (digits == 0 || str_find_char(number, '.') < number.len)
		return false;
	fault->id = DIAG_NO_UNIT;
	if (written.len == 0) {
		fault->text = unit_missing(a, kind->name, number);
		return false;
	}
	if (is_unit_but_for_blanks(a, kind, s, fault))
		return false;
	if (unit_parse(kind->name, arena_printf(a, "1" STR_FMT, STR_ARG(written)), &one)) {
		fault->id = DIAG_OUT_OF_RANGE;
		fault->text = arena_printf(a, "'" STR_FMT "' is too much%s", STR_ARG(s),
			kind->examples[1] == NULL ? ": 100% is all" : "");
		return false;
	}
	meant = find_alias(kind->name, written);
	fault->text = arena_printf(
		a, "unknown unit '" STR_FMT "' in '" STR_FMT "'", STR_ARG(written), STR_ARG(s));
	fault->note = meant != NULL ? arena_printf(a, "write " STR_FMT "%s", STR_ARG(number), meant)
				    : arena_printf(a, "the units are %s", kind->units);
	return false;
}

#define UNIT_CHECK(function, unit) \
	static bool function(struct arena *a, struct str s, struct format_fault *fault) \
	{ \
		uint64_t value; \
		return unit_parse(STR(unit), s, &value) || \
		       fail_unit(a, find_unit(STR(unit)), s, fault); \
	}
UNIT_CHECK(check_duration, "duration")
UNIT_CHECK(check_size, "size")
UNIT_CHECK(check_percent, "percent")

static bool check_rate(struct arena *a, struct str s, struct format_fault *fault)
{
	struct rate rate;

	if (!rate_parse(s, &rate))
		return fail_unit(a, find_unit(STR("rate")), s, fault);
	if (rate.n > 0)
		return true;
	fault->id = DIAG_OUT_OF_RANGE;
	fault->text = STR("a rate of 0 would refuse everything");
	return false;
}

/* ---- names ---- */

/* RFC 9110 section 5.6.2. */
static bool is_token_char(char c)
{
	return is_digit(c) || is_alpha(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool check_token(struct arena *a, struct str s, const char *what, struct format_fault *fault)
{
	fault->id = DIAG_BAD_HEADER_NAME;
	if (s.len == 0 || s.len > 256) {
		fault->text = arena_printf(a, "%s has 1 to 256 characters", what);
		return false;
	}
	for (size_t i = 0; i < s.len; i++) {
		if (is_token_char(s.ptr[i]))
			continue;
		fault->at = i;
		fault->len = 1;
		while (i + fault->len < s.len && (s.ptr[i + fault->len] & 0xc0) == 0x80)
			fault->len++;
		fault->text = (unsigned char)s.ptr[i] < 0x20
				      ? arena_printf(a, "%s has no control characters", what)
				      : arena_printf(a, "'" STR_FMT "' cannot be %s: '" STR_FMT "' is not allowed in it",
						STR_ARG(s), what, STR_ARG(str_slice(s, i, fault->len)));
		if (s.ptr[i] == ':' && i + 1 == s.len)
			fault->note = arena_printf(a, "write it without the colon: " STR_FMT,
				STR_ARG(str_slice(s, 0, i)));
		return false;
	}
	return true;
}

static bool check_header_name(struct arena *a, struct str s, struct format_fault *fault)
{
	if (check_token(a, s, "a header name", fault))
		return true;
	if (str_find_char(s, ' ') < s.len)
		fault->note = STR("words of a name are joined by '-'");
	return false;
}

static bool check_cookie_name(struct arena *a, struct str s, struct format_fault *fault)
{
	return check_token(a, s, "a cookie name", fault);
}

static bool check_method(struct arena *a, struct str s, struct format_fault *fault)
{
	bool has_lower = false;
	char *upper = arena_bytes(a, s.len + 1);

	if (!check_token(a, s, "a method", fault)) {
		fault->id = DIAG_BAD_METHOD;
		if (str_find_char(s, ' ') < s.len || str_find_char(s, ',') < s.len)
			fault->note = STR("several methods are written as a list: [GET, POST]");
		return false;
	}
	for (size_t i = 0; i < s.len; i++) {
		bool is_lower = s.ptr[i] >= 'a' && s.ptr[i] <= 'z';

		has_lower = has_lower || is_lower;
		upper[i] = is_lower ? (char)(s.ptr[i] - 'a' + 'A') : s.ptr[i];
	}
	if (!has_lower)
		return true;
	fault->id = DIAG_BAD_METHOD;
	fault->text =
		arena_printf(a, "methods are written in upper case: " STR_FMT, (int)s.len, upper);
	return false;
}

/* ---- paths and patterns ---- */

static bool fail_path(
	struct arena *a, struct format_fault *fault, size_t at, size_t len, const char *what)
{
	fault->id = DIAG_BAD_PATH;
	fault->text = str_of(what);
	fault->at = at;
	fault->len = len;
	(void)a;
	return false;
}

/* What holds for every path: the rest (dot segments, escapes) is the normaliser's, in the model. */
static bool check_path_start(struct arena *a, struct str s, struct format_fault *fault)
{
	size_t query = str_find_char(s, '?'), fragment = str_find_char(s, '#');

	if (str_starts(s, STR("http://")) || str_starts(s, STR("https://"))) {
		fault->note = STR("scheme and host are matched by 'scheme' and 'host'");
		return fail_path(a, fault, 0, 0, "a path is needed here, not a URL");
	}
	if (s.len == 0 || s.ptr[0] != '/') {
		if (s.len > 0 && (s.ptr[0] == '~' || s.ptr[0] == '^'))
			fault->note = STR("a regular expression is written {regex: \"...\"}");
		else
			fault->note = arena_printf(a, "write /" STR_FMT, STR_ARG(s));
		return fail_path(a, fault, 0, 0, "a path begins with '/'");
	}
	if (query < s.len) {
		fault->note = STR("parameters of the query are matched by 'query'");
		return fail_path(a, fault, query, s.len - query, "a path has no query");
	}
	if (fragment < s.len)
		return fail_path(a, fault, fragment, s.len - fragment,
			"a path has no fragment: clients never send it");
	return true;
}

static bool check_path(struct arena *a, struct str s, struct format_fault *fault)
{
	size_t brace = str_find_char(s, '{');

	if (!check_path_start(a, s, fault))
		return false;
	if (brace == s.len)
		return true;
	fault->note = STR("{template: ...} takes parameters; a literal brace is written %7B");
	return fail_path(a, fault, brace, s.len - brace, "an exact path has no parameters");
}

/* {name}: returns false if the segment is not a whole parameter with a good name. */
static bool is_parameter(struct str segment)
{
	if (segment.len < 3 || segment.ptr[0] != '{' || segment.ptr[segment.len - 1] != '}' ||
		is_digit(segment.ptr[1]))
		return false;
	for (size_t i = 1; i + 1 < segment.len; i++) {
		if (!is_alpha(segment.ptr[i]) && !is_digit(segment.ptr[i]) && segment.ptr[i] != '_')
			return false;
	}
	return true;
}

static bool is_earlier_segment(struct str s, size_t before, struct str segment)
{
	struct str rest = str_slice(s, 0, before), part;

	while (rest.len > 0 && str_split(&rest, '/', &part)) {
		if (str_eq(part, segment))
			return true;
	}
	return false;
}

static bool check_path_segment(
	struct arena *a, struct str s, size_t at, struct str segment, struct format_fault *fault)
{
	bool has_brace = str_find_char(segment, '{') < segment.len ||
			 str_find_char(segment, '}') < segment.len;

	if (segment.len > 1 && segment.ptr[0] == ':') {
		fault->note = arena_printf(a,
			"if a parameter is meant, write {" STR_FMT
			"}; a literal colon is written %%3A",
			STR_ARG(str_slice(segment, 1, segment.len)));
		return fail_path(a, fault, at, segment.len,
			"a segment that begins with ':' is no parameter here");
	}
	if (!has_brace)
		return true;
	if (!is_parameter(segment)) {
		fault->note = STR("a parameter fills a whole segment: /{name}/, with letters, "
				  "digits and '_' in its name");
		return fail_path(a, fault, at, segment.len, "this is not a path parameter");
	}
	if (!is_earlier_segment(s, at, segment))
		return true;
	return fail_path(a, fault, at, segment.len, "this path parameter occurs twice");
}

static bool check_path_pattern(struct arena *a, struct str s, struct format_fault *fault)
{
	struct str rest, segment;
	size_t at = 1;

	if (!check_path_start(a, s, fault))
		return false;
	rest = str_slice(s, 1, s.len);
	while (str_split(&rest, '/', &segment)) {
		if (!check_path_segment(a, s, at, segment, fault))
			return false;
		at += segment.len + 1;
	}
	return true;
}

static bool check_regex(struct arena *a, struct str s, struct format_fault *fault)
{
	struct re_error error = { 0 };

	if (re_parse(a, s, &error) != NULL)
		return true;
	fault->id = DIAG_BAD_REGEX;
	fault->at = error.at;
	fault->len = error.len > 0 ? error.len : 1;
	fault->text = arena_printf(a, "the regular expression cannot be used: %s", error.what);
	return false;
}

/* Templates are parsed by the model, which knows the route's parameters. */
static bool check_template(struct arena *a, struct str s, struct format_fault *fault)
{
	(void)a;
	(void)s;
	(void)fault;
	return true;
}

static const struct format formats_own[] = {
	{ STR_INIT("x-duration"), check_duration },
	{ STR_INIT("x-size"), check_size },
	{ STR_INIT("x-rate"), check_rate },
	{ STR_INIT("x-percent"), check_percent },
	{ STR_INIT("x-header-name"), check_header_name },
	{ STR_INIT("x-cookie-name"), check_cookie_name },
	{ STR_INIT("x-method"), check_method },
	{ STR_INIT("x-path"), check_path },
	{ STR_INIT("x-path-pattern"), check_path_pattern },
	{ STR_INIT("x-regex"), check_regex },
	{ STR_INIT("x-template"), check_template },
	{ { NULL, 0 }, NULL },
};

const struct format *format_find(struct str name)
{
	static const struct format *const tables[] = { formats_own, formats_net, formats_standard };

	for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
		for (const struct format *f = tables[t]; f->name.ptr != NULL; f++) {
			if (str_eq(f->name, name))
				return f;
		}
	}
	return NULL;
}

#define TEXT_MOST 65536 /* bytes; nothing but a template is longer, and each check and its report go over all of it */

bool format_check(const struct format *f, struct arena *a, struct str s, struct format_fault *fault)
{
	if (s.len <= TEXT_MOST || f->check == check_template || !str_starts(f->name, STR("x-")))
		return f->check(a, s, fault);
	fault->text = arena_printf(a, "a text of %zu bytes is too long here", s.len);
	return false;
}
