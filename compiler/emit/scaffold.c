/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "emit/scaffold.h"

#include "base/check.h"

/* TEMPLATE_DIR is where the build found templates/; the assembler includes the files as they
 * are. */
#define EMBED(symbol, file) \
	__asm__(".pushsection .rodata." #symbol ", \"a\"\n" #symbol ":\n" \
		"\t.incbin \"" TEMPLATE_DIR "/" file "\"\n" #symbol "_end:\n" \
		"\t.byte 0\n" \
		".popsection\n"); \
	extern const char symbol[] __attribute__((visibility("hidden"))); \
	extern const char symbol##_end[] __attribute__((visibility("hidden")))

EMBED(scaffold_gateway, "gateway.c.in");
EMBED(scaffold_matcher, "matcher.re.in");
EMBED(scaffold_values, "values.c.in");

static struct str scaffold_text(enum scaffold s)
{
	switch (s) {
	case SCAFFOLD_GATEWAY:
		return (struct str){ scaffold_gateway,
			(size_t)(scaffold_gateway_end - scaffold_gateway) };
	case SCAFFOLD_MATCHER:
		return (struct str){ scaffold_matcher,
			(size_t)(scaffold_matcher_end - scaffold_matcher) };
	case SCAFFOLD_VALUES:
		break;
	}
	return (struct str){ scaffold_values, (size_t)(scaffold_values_end - scaffold_values) };
}

static struct str find_value(const struct scaffold_value *values, size_t n, struct str name)
{
	size_t i = 0;

	while (i < n && !str_eq(str_of(values[i].name), name))
		i++;
	CHECK(i < n);
	return values[i].value;
}

void scaffold_write(
	struct sbuf *out, enum scaffold s, const struct scaffold_value *values, size_t n_values)
{
	struct str rest = scaffold_text(s);
	struct str part;
	bool is_name = false;

	/* Between @ signs, fixed text and names alternate. */
	while (str_split(&rest, '@', &part)) {
		sbuf_add(out, is_name ? find_value(values, n_values, part) : part);
		is_name = !is_name;
	}
	CHECK(is_name);
}
