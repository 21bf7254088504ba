/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "schema/inner.h"

#include "base/str.h"

/* One step through a quoted string as written: how many bytes of the file make how many bytes of
 * text. */
struct step {
	size_t raw, text;
};

static size_t utf8_len_of(uint32_t code)
{
	return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

static uint32_t hex_of(struct str s)
{
	uint32_t value = 0;

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = ascii_lower((unsigned char)s.ptr[i]);

		value = value << 4 | (uint32_t)(c >= 'a' ? c - 'a' + 10 : c - '0');
	}
	return value;
}

static struct step step_escape(struct str rest)
{
	size_t digits;

	switch (rest.len > 1 ? rest.ptr[1] : '\0') {
	case 'x':
		digits = 2;
		break;
	case 'u':
		digits = 4;
		break;
	case 'U':
		digits = 8;
		break;
	default:
		return (struct step){ 2, 1 };
	}

	uint32_t code = hex_of(str_slice(rest, 2, digits));

	/* A surrogate pair is two escapes of six bytes that make one of four. */
	if (digits == 4 && code >= 0xd800 && code < 0xdc00)
		return (struct step){ 12, 4 };
	return (struct step){ 2 + digits, utf8_len_of(code) };
}

static struct step step_at(struct str raw, size_t i, char quote)
{
	if (quote == '"' && raw.ptr[i] == '\\')
		return step_escape(str_slice(raw, i, raw.len));
	return (struct step){ quote == '\'' && raw.ptr[i] == '\'' ? 2 : 1, 1 };
}

/* The offset in `raw` (between quotes of kind `quote`) that text offset `at` came from. */
static size_t raw_offset(struct str raw, char quote, size_t at)
{
	size_t i = 0, text = 0;

	while (i < raw.len && text < at) {
		struct step step = step_at(raw, i, quote);

		i += step.raw;
		text += step.text;
	}
	return i < raw.len ? i : raw.len;
}

/* True if the text is what one reads off `raw` by steps. It is not behind a substitution, nor where
 * line breaks were folded. */
static bool is_plain_reading(struct str raw, char quote, struct str text)
{
	size_t i = 0, at = 0;

	while (i < raw.len && at < text.len) {
		struct step step = step_at(raw, i, quote);
		bool is_escape = step.raw > 1 && quote == '"';

		if (raw.ptr[i] == '\n' || (!is_escape && raw.ptr[i] != text.ptr[at]))
			return false;
		i += step.raw;
		at += step.text;
	}
	return i == raw.len && at == text.len;
}

struct span node_inner_span(const struct diags *d, const struct node *n, size_t at, size_t len)
{
	struct span whole = n->span;
	struct str raw;
	char quote = '\0';

	if (whole.source == 0 || whole.source >= d->n_sources || (n->flags & NODE_DEFAULTED) != 0 ||
		n->text.len > 4096)
		return whole;
	raw = str_slice(d->sources[whole.source].text, whole.begin, whole.end - whole.begin);
	if (raw.len >= 2 && (raw.ptr[0] == '"' || raw.ptr[0] == '\'') &&
		raw.ptr[raw.len - 1] == raw.ptr[0]) {
		quote = raw.ptr[0];
		raw = str_slice(raw, 1, raw.len - 2);
		whole.begin++;
	}
	if (!is_plain_reading(raw, quote, n->text))
		return n->span;
	size_t from = raw_offset(raw, quote, at), to = raw_offset(raw, quote, at + len);

	return (struct span){ whole.source, whole.begin + (uint32_t)from,
		whole.begin + (uint32_t)to };
}

void node_inner_report(struct diags *d, const struct node *n, size_t at, size_t len,
	enum diag_id id, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	diag_vreport(d, id, len == 0 && at == 0 ? n->span : node_inner_span(d, n, at, len), format,
		args);
	va_end(args);
	node_where(d, n);
}
