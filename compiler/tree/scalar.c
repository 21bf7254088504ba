/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tree/scalar.h"

#include <math.h>

#include "base/check.h"
#include "base/str.h"
#include "tree/build.h"

static bool is_one_of(struct str s, const char *const *words)
{
	for (; *words != NULL; words++) {
		if (str_eq(s, str_of(*words)))
			return true;
	}
	return false;
}

static const char *const null_words[] = { "", "~", "null", "Null", "NULL", NULL };
static const char *const true_words[] = { "true", "True", "TRUE", NULL };
static const char *const false_words[] = { "false", "False", "FALSE", NULL };
static const char *const inf_words[] = { ".inf", ".Inf", ".INF", NULL };
static const char *const nan_words[] = { ".nan", ".NaN", ".NAN", NULL };
static const char *const yaml11_words[] = { "yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON",
	"Off", "OFF", NULL };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t digits_from(struct str s, size_t at)
{
	while (at < s.len && is_digit(s.ptr[at]))
		at++;
	return at;
}

static bool is_based(struct str s, char letter, unsigned base)
{
	if (s.len < 3 || s.ptr[0] != '0' || s.ptr[1] != letter)
		return false;
	for (size_t i = 2; i < s.len; i++) {
		unsigned char c = ascii_lower((unsigned char)s.ptr[i]);
		bool letter_digit = base == 16 && c >= 'a' && c <= 'f';

		if (!letter_digit && !(c >= '0' && c < '0' + (base < 10 ? base : 10)))
			return false;
	}
	return true;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_decimal(struct str s, bool *is_int_out)
{
	size_t at = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+'), begin = at, end;

	at = digits_from(s, at);
	*is_int_out = at == s.len;
	if (at == begin && (at + 1 >= s.len || s.ptr[at] != '.' || !is_digit(s.ptr[at + 1])))
		return false;
	if (at < s.len && s.ptr[at] == '.')
		at = digits_from(s, at + 1);
	if (at < s.len && (s.ptr[at] == 'e' || s.ptr[at] == 'E')) {
		at++;
		at += at < s.len && (s.ptr[at] == '-' || s.ptr[at] == '+');
		end = digits_from(s, at);
		if (end == at)
			return false;
		at = end;
	}
	return at == s.len;
}

static enum scalar_remark resolve_based(struct node *n, struct str s, unsigned base)
{
	struct str digits = str_slice(s, 2, s.len);

	n->kind = NODE_INT;
	if (build_parse_int(digits, base, &n->integer))
		return SCALAR_OK;
	n->kind = NODE_FLOAT;
	n->real = 0;
	for (size_t i = 0; i < digits.len; i++) {
		unsigned char c = ascii_lower((unsigned char)digits.ptr[i]);

		n->real = n->real * base + (c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return isfinite(n->real) ? SCALAR_OK : SCALAR_TOO_LARGE;
}

static enum scalar_remark resolve_decimal(struct node *n, struct str s, bool is_int)
{
	size_t sign = s.ptr[0] == '-' || s.ptr[0] == '+';

	n->kind = NODE_INT;
	if (is_int && build_parse_int(s, 10, &n->integer))
		return s.len > sign + 1 && s.ptr[sign] == '0' ? SCALAR_LEADING_ZERO : SCALAR_OK;
	n->kind = NODE_FLOAT;
	return build_parse_float(s, &n->real) ? SCALAR_OK : SCALAR_TOO_LARGE;
}

enum scalar_remark scalar_resolve(struct node *n, struct str s)
{
	bool negative = s.len > 0 && s.ptr[0] == '-';
	struct str unsigned_part = str_slice(s, negative || (s.len > 0 && s.ptr[0] == '+'), s.len);
	enum scalar_remark remark = SCALAR_OK;
	bool is_int;

	n->text = s;
	if (is_one_of(s, null_words)) {
		n->kind = NODE_NULL;
	} else if (is_one_of(s, true_words) || is_one_of(s, false_words)) {
		n->kind = NODE_BOOL;
		n->boolean = ascii_lower((unsigned char)s.ptr[0]) == 't';
	} else if (is_based(s, 'o', 8)) {
		remark = resolve_based(n, s, 8);
	} else if (is_based(s, 'x', 16)) {
		remark = resolve_based(n, s, 16);
	} else if (is_decimal(s, &is_int)) {
		remark = resolve_decimal(n, s, is_int);
	} else if (is_one_of(unsigned_part, inf_words)) {
		n->kind = NODE_FLOAT;
		n->real = negative ? -(double)INFINITY : (double)INFINITY;
	} else if (is_one_of(s, nan_words)) {
		n->kind = NODE_FLOAT;
		n->real = (double)NAN;
	} else {
		n->kind = NODE_STRING;
		remark = is_one_of(s, yaml11_words) ? SCALAR_BOOLEAN_WORD : SCALAR_OK;
	}
	if (remark == SCALAR_TOO_LARGE)
		n->kind = NODE_STRING;
	return remark;
}
