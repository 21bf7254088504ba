/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "schema/schema.h"

#include <check.h>

#include "base/check.h"
#include "base/str.h"
#include "schema/formats.h"
#include "schema/inner.h"
#include "schema/net_text.h"
#include "schema/pattern.h"
#include "schema/uri_ref.h"

static struct arena arena;
static struct diags diags;

static void setup(void)
{
	arena_init_unbounded(&arena);
	diag_init(&diags, &arena);
}

static void teardown(void)
{
	arena_fini(&arena);
}

static struct node *read_text(const char *name, const char *text)
{
	enum tree_format format = TREE_JSON;
	struct node *n;

	tree_format_of(str_of(name), &format);
	n = tree_read(&arena, &diags, diag_add_source(&diags, str_of(name), str_of(text)), format);
	ck_assert_msg(n != NULL, "cannot read %s", text);
	return n;
}

static struct schema *compile(const char *text)
{
	return schema_compile(&arena, &diags, read_text("schema.json", text), NULL, NULL);
}

static bool is_valid(const char *schema_text, const char *text)
{
	struct schema *s = compile(schema_text);
	size_t before = diags.n_errors;
	bool ok;

	ck_assert_msg(s != NULL, "schema refused: %s", schema_text);
	ok = schema_validate(&arena, &diags, s, read_text("doc.json", text));
	/* What is refused is reported, and what is taken is not. */
	ck_assert_msg(ok == (diags.n_errors == before), "%s: %s", schema_text, text);
	return ok;
}

/* The text of the last report, or "". */
static const char *last_report(void)
{
	return diags.n == 0 ? "" : arena_cstr(&arena, diags.at[diags.n - 1].text);
}

static const char *last_code(void)
{
	return diags.n == 0 ? "" : diag_kind(diags.at[diags.n - 1].id)->code;
}

static const char *last_note(void)
{
	const struct diag *d = diags.n == 0 ? NULL : &diags.at[diags.n - 1];

	return d == NULL || d->n_notes == 0 ? "" : arena_cstr(&arena, d->notes[0].text);
}

static const struct {
	const char *schema, *valid, *invalid;
} keyword_cases[] = {
	{ "{\"type\": \"integer\"}", "1.0", "1.5" },
	{ "{\"type\": [\"null\", \"string\"]}", "null", "false" },
	{ "{\"enum\": [1, [2, {\"a\": null}]]}", "[2.0, {\"a\": null}]", "[2, {\"a\": 0}]" },
	{ "{\"const\": {\"a\": 1, \"b\": 2}}", "{\"b\": 2, \"a\": 1}", "{\"a\": 1}" },
	{ "{\"multipleOf\": 0.0001}", "0.0075", "0.00751" },
	{ "{\"multipleOf\": 3}", "-9", "-10" },
	{ "{\"minimum\": 9007199254740993}", "9007199254740993", "9007199254740992" },
	{ "{\"exclusiveMaximum\": 3}", "2.9", "3" },
	{ "{\"maxLength\": 2}", "\"\\u00e9\\u00e9\"", "\"abc\"" },
	{ "{\"minLength\": 1}", "\"a\"", "\"\"" },
	{ "{\"pattern\": \"a+\"}", "\"xaay\"", "\"xy\"" },
	{ "{\"pattern\": \"^a|b$\"}", "\"xb\"", "\"xa\"" },
	{ "{\"required\": [\"a\"]}", "{\"a\": null}", "{\"b\": 1}" },
	{ "{\"minProperties\": 1, \"maxProperties\": 1}", "{\"a\": 1}", "{\"a\": 1, \"b\": 2}" },
	{ "{\"properties\": {\"a\": true}, \"patternProperties\": {\"^x\": {\"type\": "
	  "\"string\"}}, "
	  "\"additionalProperties\": false}",
		"{\"a\": 1, \"xy\": \"s\"}", "{\"xy\": 1}" },
	{ "{\"propertyNames\": {\"maxLength\": 1}}", "{\"a\": 1}", "{\"ab\": 1}" },
	{ "{\"dependentRequired\": {\"a\": [\"b\"]}}", "{\"b\": 1}", "{\"a\": 1}" },
	{ "{\"dependentSchemas\": {\"a\": {\"required\": [\"b\"]}}}", "{\"a\": 1, \"b\": 1}",
		"{\"a\": 1}" },
	{ "{\"prefixItems\": [{\"type\": \"string\"}], \"items\": {\"type\": \"integer\"}}",
		"[\"a\", 1]", "[\"a\", \"b\"]" },
	{ "{\"contains\": {\"const\": 1}, \"minContains\": 2, \"maxContains\": 2}", "[1, 2, 1]",
		"[1, 1, 1]" },
	{ "{\"uniqueItems\": true}", "[1, true, \"1\", [1]]",
		"[{\"a\": 1, \"b\": 2}, {\"b\": 2, \"a\": 1.0}]" },
	{ "{\"allOf\": [{\"minimum\": 1}, {\"maximum\": 3}]}", "2", "4" },
	{ "{\"anyOf\": [{\"type\": \"string\"}, {\"minimum\": 5}]}", "\"a\"", "4" },
	{ "{\"oneOf\": [{\"multipleOf\": 2}, {\"multipleOf\": 3}]}", "4", "6" },
	{ "{\"not\": {\"type\": \"string\"}}", "1", "\"a\"" },
	{ "{\"if\": {\"type\": \"string\"}, \"then\": {\"minLength\": 2}, \"else\": {\"minimum\": "
	  "2}}",
		"2", "\"a\"" },
	{ "{\"$ref\": \"#/$defs/a~1b%25\", \"$defs\": {\"a/b%\": {\"type\": \"null\"}}}", "null",
		"1" },
	{ "{\"$ref\": \"#x\", \"$defs\": {\"a\": {\"$anchor\": \"x\", \"type\": \"null\"}}}",
		"null", "1" },
	{ "{\"properties\": {\"a\": {\"$ref\": \"#\"}}, \"additionalProperties\": false}",
		"{\"a\": {\"a\": {}}}", "{\"a\": {\"a\": {\"b\": 1}}}" },
	{ "{\"allOf\": [{\"properties\": {\"a\": true}}], \"unevaluatedProperties\": false}",
		"{\"a\": 1}", "{\"b\": 1}" },
	{ "{\"anyOf\": [{\"prefixItems\": [true, true]}], \"unevaluatedItems\": false}", "[1, 2]",
		"[1, 2, 3]" },
};

START_TEST(keywords)
{
	ck_assert(is_valid(keyword_cases[_i].schema, keyword_cases[_i].valid));
	ck_assert(!is_valid(keyword_cases[_i].schema, keyword_cases[_i].invalid));
}
END_TEST

/* A tree that may be extended with strict nodes: the dynamic anchor of the outermost resource wins. */
START_TEST(dynamic_references)
{
	static const char strict[] =
		"{\"$id\": \"http://x.test/strict\", \"$dynamicAnchor\": \"node\", \"$ref\": "
		"\"tree\", \"unevaluatedProperties\": false, "
		"\"$defs\": {\"tree\": {\"$id\": \"tree\", \"$dynamicAnchor\": \"node\", \"type\": "
		"\"object\", \"properties\": {"
		"\"data\": true, \"children\": {\"type\": \"array\", \"items\": {\"$dynamicRef\": "
		"\"#node\"}}}}}}";

	ck_assert(is_valid(strict, "{\"children\": [{\"data\": 1}]}"));
	ck_assert(!is_valid(strict, "{\"children\": [{\"daat\": 1}]}"));
	ck_assert_str_eq(last_report(), "'daat' is not allowed here");
}
END_TEST

struct remote {
	struct node *root;
	unsigned n_asked;
};

static const struct node *look_up(void *ctx, struct str uri)
{
	struct remote *r = ctx;

	r->n_asked++;
	return str_eq(uri, STR("http://x.test/dir/other.json")) ? r->root : NULL;
}

START_TEST(other_documents_are_looked_up)
{
	struct remote r = { .root = read_text(
				    "other.json", "{\"$defs\": {\"s\": {\"type\": \"string\"}}}") };
	const struct node *root =
		read_text("schema.json", "{\"$id\": \"http://x.test/dir/main.json\", "
					 "\"prefixItems\": [{\"$ref\": \"other.json#/$defs/s\"}, "
					 "{\"$ref\": \"./x/../other.json#/$defs/s\"}]}");
	struct schema *s = schema_compile(&arena, &diags, root, look_up, &r);

	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(r.n_asked, 1);
	ck_assert(schema_validate(&arena, &diags, s, read_text("a.json", "[\"a\", \"b\"]")));
	ck_assert(!schema_validate(&arena, &diags, s, read_text("b.json", "[\"a\", 1]")));
}
END_TEST

START_TEST(the_meta_schema_is_at_hand)
{
	static const char meta[] = "{\"$ref\": \"https://json-schema.org/draft/2020-12/schema\"}";

	ck_assert(is_valid(meta, "{\"properties\": {\"a\": {\"minLength\": 2}}}"));
	ck_assert(!is_valid(meta, "{\"properties\": {\"a\": {\"minLength\": -1}}}"));
}
END_TEST

static const char *const wrong_schemas[] = {
	"{\"type\": \"text\"}",
	"{\"$ref\": \"#/nowhere\"}",
	"{\"$ref\": \"http://x.test/none\"}",
	"{\"minLength\": -1}",
	"{\"pattern\": \"(\"}",
	"{\"items\": 5}",
	"{\"required\": \"a\"}",
	"{\"multipleOf\": 0}",
	"{\"allOf\": {}}",
};

START_TEST(wrong_schemas_are_refused)
{
	ck_assert_ptr_null(compile(wrong_schemas[_i]));
	ck_assert_str_eq(last_code(), "T0100");
}
END_TEST

START_TEST(endless_references_end)
{
	ck_assert(!is_valid("{\"$ref\": \"#\"}", "1"));
	ck_assert_str_eq(last_code(), "T0113");
	ck_assert(!is_valid("{\"anyOf\": [{\"$ref\": \"#\"}, {\"$ref\": \"#\"}]}", "1"));
	ck_assert_str_eq(last_code(), "T0113");
}
END_TEST

START_TEST(formats_are_asserted_on_demand)
{
	struct schema *s = compile("{\"format\": \"ipv4\"}");

	ck_assert(schema_validate(&arena, &diags, s, read_text("a.json", "\"x\"")));
	schema_assert_formats(s);
	ck_assert(!schema_validate(&arena, &diags, s, read_text("b.json", "\"x\"")));
	ck_assert(schema_validate(&arena, &diags, s, read_text("c.json", "\"192.0.2.1\"")));
	/* Ours always are. */
	ck_assert(!is_valid("{\"format\": \"x-duration\"}", "\"soon\""));
}
END_TEST

#define LISTENER \
	"{\"title\": \"a listener\", \"additionalProperties\": false, \"required\": [\"port\"], " \
	"\"properties\": " \
	"{\"port\": {\"type\": \"integer\"}, \"name\": {\"type\": \"string\"}, " \
	"\"limits\": {\"title\": \"limits\", \"additionalProperties\": false, \"properties\": " \
	"{\"body\": true}}}}"

static const struct {
	const char *schema, *text, *report, *note;
} report_cases[] = {
	{ LISTENER, "{\"port\": \"80a\"}", "expected a number for 'port', got a string \"80a\"",
		"" },
	{ LISTENER, "{\"port\": \"80\"}", "expected a number for 'port', got a string \"80\"",
		"without quotes it is a number: 80" },
	{ LISTENER, "{\"port\": 1, \"nmae\": \"a\"}", "unknown key 'nmae' in a listener",
		"did you mean 'name'?" },
	/* Missing because misspelt: said once. */
	{ LISTENER, "{\"prot\": 1}", "unknown key 'prot' in a listener", "did you mean 'port'?" },
	{ LISTENER, "{}", "missing key 'port' in a listener", "" },
	{ LISTENER, "{\"port\": 1, \"body\": 2}", "unknown key 'body' in a listener",
		"'body' is a key of 'limits'" },
	{ LISTENER, "{\"port\": 1, \"limits\": {\"name\": 1}}", "unknown key 'name' in limits",
		"'name' is a key of a listener" },
	{ "{\"properties\": {\"a\": {\"enum\": [\"round-robin\", \"random\"]}}}",
		"{\"a\": \"roundrobin\"}", "unknown value 'roundrobin' for 'a'",
		"did you mean 'round-robin'?" },
	{ "{\"properties\": {\"a\": {\"type\": \"string\", \"x-unit\": \"duration\", \"format\": "
	  "\"x-duration\"}}}",
		"{\"a\": 5}", "'5' has no unit; write 5ms, 5s or 5m", "" },
	/* The nearest alternative is explained. */
	{ "{\"anyOf\": [{\"type\": \"string\"}, {\"type\": \"object\", \"required\": [\"kind\", "
	  "\"x\"], \"properties\": {\"kind\": "
	  "{\"const\": \"a\"}}}, {\"type\": \"object\", \"required\": [\"kind\", \"y\"], "
	  "\"properties\": {\"kind\": {\"const\": "
	  "\"b\"}}}]}",
		"{\"kind\": \"b\"}", "missing key 'y' in this map", "" },
	{ "{\"anyOf\": [{\"type\": \"string\"}, {\"type\": \"array\"}]}", "5",
		"expected a string or a list for the document, got a number 5",
		"in quotes it is a string: \"5\"" },
	{ "{\"title\": \"a route\", \"oneOf\": [{\"required\": [\"a\"]}, {\"required\": [\"b\"]}]}",
		"{}", "a route needs one of the keys 'a' or 'b'", "" },
	{ "{\"title\": \"a route\", \"oneOf\": [{\"required\": [\"a\"]}, {\"required\": [\"b\"]}]}",
		"{\"b\": 1, \"a\": 2}", "a route cannot have both 'b' and 'a'", "'b' is here" },
	{ "{\"properties\": {\"a\": {\"x-planned\": \"TLS\"}}}", "{\"a\": 1}",
		"'a' is part of the language, but this toronc cannot honour it yet",
		"what is missing: TLS" },
	{ "{\"properties\": {\"a\": {\"enum\": [\"x\", \"y\"], \"x-planned-values\": {\"y\": "
	  "\"Y\"}}}}",
		"{\"a\": \"y\"}",
		"'y' is part of the language, but this toronc cannot honour it yet",
		"what is missing: Y" },
	{ "{\"pattern\": \"^a\", \"x-hint\": \"begin with a\"}", "\"b\"",
		"'b' is not a possible value of the document", "begin with a" },
};

START_TEST(reports)
{
	size_t before = diags.n;

	ck_assert(!is_valid(report_cases[_i].schema, report_cases[_i].text));
	ck_assert_uint_eq(diags.n, before + 1);
	ck_assert_str_eq(last_report(), report_cases[_i].report);
	ck_assert_str_eq(last_note(), report_cases[_i].note);
}
END_TEST

START_TEST(what_fails_is_poisoned_and_nothing_else)
{
	struct schema *s = compile(LISTENER);
	struct node *doc = read_text("doc.json", "{\"port\": 80, \"name\": 5, \"x\": 1}");

	ck_assert(!schema_validate(&arena, &diags, s, doc));
	ck_assert((node_get(doc, STR("name"))->flags & NODE_POISONED) != 0);
	ck_assert((node_get(doc, STR("x"))->flags & NODE_POISONED) != 0);
	ck_assert((node_get(doc, STR("port"))->flags & NODE_POISONED) == 0);
	ck_assert((doc->flags & NODE_POISONED) == 0);
	/* Reported once: a second look is silent. */
	ck_assert_uint_eq(diags.n, 2);
	schema_validate(&arena, &diags, s, doc);
	ck_assert_uint_eq(diags.n, 2);
}
END_TEST

START_TEST(defaults_are_put_in)
{
	struct schema *s = compile(
		"{\"properties\": {\"log\": {\"default\": {}, \"properties\": {\"level\": "
		"{\"$ref\": \"#/$defs/l\"}, \"x\": {\"default\": 1, "
		"\"x-planned\": \"x\"}}}, \"list\": {\"items\": {\"anyOf\": [{\"type\": "
		"\"string\"}, {\"type\": \"object\", \"properties\": "
		"{\"w\": {\"default\": 7}}}]}}}, \"$defs\": {\"l\": {\"default\": \"info\"}}}");
	struct node *doc = read_text("doc.json", "{\"list\": [\"a\", {}, {\"w\": 2}]}");
	const struct node *log, *item;

	schema_complete(&arena, &diags, s, doc);
	log = node_get(doc, STR("log"));
	ck_assert_ptr_nonnull(log);
	ck_assert((log->flags & NODE_DEFAULTED) != 0);
	ck_assert(str_eq(node_get(log, STR("level"))->text, STR("info")));
	ck_assert_ptr_null(node_get(log, STR("x")));
	item = node_get(doc, STR("list"))->first->next;
	ck_assert_int_eq(node_get(item, STR("w"))->integer, 7);
	ck_assert_int_eq(node_get(item->next, STR("w"))->integer, 2);
	ck_assert((node_get(item->next, STR("w"))->flags & NODE_DEFAULTED) == 0);
	ck_assert_uint_eq(diags.n, 0);
}
END_TEST

START_TEST(the_gateway_schema_compiles)
{
	struct schema *s = schema_gateway(&arena, &diags);
	struct node *doc = read_text(
		"g.yaml", "listeners: [{protocol: http, port: 80}]\nroutes: [{echo: {}}]\n");

	ck_assert_uint_eq(diags.n, 0);
	ck_assert_ptr_nonnull(s);
	ck_assert(schema_validate(&arena, &diags, s, doc));
	schema_complete(&arena, &diags, s, doc);
	/* A default that breaks the schema would be a fault of ours. */
	ck_assert(schema_validate(&arena, &diags, s, doc));
	ck_assert_ptr_nonnull(schema_embedded(STR("gateway.json")).ptr);
	ck_assert_ptr_null(schema_embedded(STR("../gateway.json")).ptr);
}
END_TEST

/* RFC 3986 section 5.4, against http://a/b/c/d;p?q. */
static const struct {
	const char *ref, *target;
} uri_cases[] = {
	{ "g:h", "g:h" },
	{ "g", "http://a/b/c/g" },
	{ "./g", "http://a/b/c/g" },
	{ "g/", "http://a/b/c/g/" },
	{ "/g", "http://a/g" },
	{ "//g", "http://g" },
	{ "?y", "http://a/b/c/d;p?y" },
	{ "g?y", "http://a/b/c/g?y" },
	{ "#s", "http://a/b/c/d;p?q" },
	{ ";x", "http://a/b/c/;x" },
	{ "", "http://a/b/c/d;p?q" },
	{ ".", "http://a/b/c/" },
	{ "..", "http://a/b/" },
	{ "../g", "http://a/b/g" },
	{ "../../", "http://a/" },
	{ "../../../g", "http://a/g" },
	{ "/./g", "http://a/g" },
	{ "g..", "http://a/b/c/g.." },
	{ "./g/.", "http://a/b/c/g/" },
	{ "g/../h", "http://a/b/c/h" },
};

START_TEST(uri_references)
{
	struct str fragment, target = uri_ref_resolve(&arena, STR("http://a/b/c/d;p?q"),
				     str_of(uri_cases[_i].ref), &fragment);

	ck_assert_msg(str_eq(target, str_of(uri_cases[_i].target)), "%s: " STR_FMT,
		uri_cases[_i].ref, STR_ARG(target));
	ck_assert((fragment.ptr != NULL) == (uri_cases[_i].ref[0] == '#'));
}
END_TEST

static const struct {
	const char *format, *text;
	bool valid;
} format_cases[] = {
	{ "x-host-pattern", "*.example.com", true },
	{ "x-host-pattern", "example.com.", true },
	{ "x-host-pattern", "[::1]", true },
	{ "x-host-pattern", "a.*.com", false },
	{ "x-host-pattern", "a:80", false },
	{ "x-host-pattern", "10.0.0.255", true },
	{ "x-host-pattern", "10.0.0.256", false },
	{ "x-host-pattern", "*.10", false },
	{ "x-host-pattern", "4.example", true },
	{ "x-host-pattern", "", false },
	{ "x-cidr", "::ffff:1.2.3.4/96", false },
	{ "x-cidr", "0.0.0.0/0", true },
	{ "x-cidr", "1.2.3.4", true },
	{ "x-cidr", "1.2.3.4/24", false },
	{ "x-cidr", "1.2.3.0/-1", false },
	{ "x-cidr", "01.2.3.4", false },
	{ "x-backend-url", "http://a", true },
	{ "x-backend-url", "http://[::1]:80/x", true },
	{ "x-backend-url", "HTTP://a/", true },
	{ "x-backend-url", "http://a:0x50", false },
	{ "x-backend-url", "http://a b", false },
	{ "x-backend-url", "http://@a", false },
	{ "x-address", "a:80", true },
	{ "x-address", "a:0", false },
	{ "x-address", "[::1]:1", true },
	{ "x-address", ":80", false },
	{ "x-path-pattern", "/a/{b}/c", true },
	{ "x-path-pattern", "/{}", false },
	{ "x-path-pattern", "/{1a}", false },
	{ "x-path-pattern", "/a}{b", false },
	{ "x-path", "/a", true },
	{ "x-path", "a", false },
	{ "x-path", "/{a}", false },
	{ "x-method", "M-SEARCH", true },
	{ "x-method", "Get", false },
	{ "x-header-name", "x y", false },
	{ "x-rate", "10/d", true },
	{ "x-rate", "10/ms", false },
	{ "x-percent", "100%", true },
	{ "x-percent", "101%", false },
	{ "date", "2024-02-29", true },
	{ "date", "2023-02-29", false },
	{ "date-time", "1990-12-31T23:59:60Z", true },
	{ "uuid", "2eb8aa08-aa98-11ea-b4aa-73b441d16380", true },
	{ "uri", "urn:x:y", true },
	{ "uri", "a b:c", false },
	{ "json-pointer", "/a~2", false },
	{ "duration", "P1Y2W", false },
	{ "email", "a@b", true },
	{ "email", "a@", false },
};

START_TEST(formats)
{
	const struct format *f = format_find(str_of(format_cases[_i].format));
	struct format_fault fault = { .id = DIAG_WRONG_FORM };
	bool ok;

	ck_assert_ptr_nonnull(f);
	ok = format_check(f, &arena, str_of(format_cases[_i].text), &fault);
	ck_assert_msg(ok == format_cases[_i].valid, "%s: %s", format_cases[_i].format,
		format_cases[_i].text);
	/* A fault always says something. */
	ck_assert(ok || fault.text.len > 0);
}
END_TEST

/* What is said of it, and the note: NULL: none. */
static const struct {
	const char *format, *text, *says, *note;
} fault_cases[] = {
	{ "x-duration", "5 s", "'5 s' has a space in it; write 5s", NULL },
	{ "x-duration", "1h 30m", "'1h 30m' has a space in it; write 1h30m", NULL },
	{ "x-duration", "2 d", "'2 d' has a space in it; write 2d", NULL },
	{ "x-duration", "99999999999999999d", "'99999999999999999d' is too much", NULL },
	{ "x-duration", "1.5s", "'1.5s' is not a duration such as 5s", "the number in front of a unit is a whole one; write it with a smaller unit" },
	{ "x-duration", "5 parsecs", "unknown unit 'parsecs' in '5 parsecs'", "the units are ms, s, m, h, d" },
	{ "x-size", "1 GiB", "'1 GiB' has a space in it; write 1GiB", NULL },
	{ "x-size", "99999999999GiB", "'99999999999GiB' is too much", NULL },
	{ "x-percent", "101%", "'101%' is too much: 100% is all", NULL },
	{ "x-percent", "20 %", "'20 %' has a space in it; write 20%", NULL },
	{ "x-percent", "0.00001%", "'0.00001%' is not a share such as 20%", NULL },
	{ "x-ip", "fe80::1%eth0", "'fe80::1%eth0' is not a numeric IPv4 or IPv6 address",
		"an address with a zone, behind '%', cannot be used here" },
	{ "x-address", "a:99999", "'a:99999' is not host:port", "a port is a number, 1 to 65535" },
	{ "x-method", "GET\n", "a method has no control characters", NULL },
	{ "x-header-name", "x\xc3\xa9y", "'x\xc3\xa9y' cannot be a header name: '\xc3\xa9' is not allowed in it", NULL },
};

START_TEST(faults)
{
	struct format_fault fault = { .id = DIAG_WRONG_FORM };

	ck_assert(!format_check(format_find(str_of(fault_cases[_i].format)), &arena, str_of(fault_cases[_i].text), &fault));
	ck_assert_msg(str_eq(fault.text, str_of(fault_cases[_i].says)), STR_FMT, STR_ARG(fault.text));
	ck_assert_msg(str_eq(fault.note, str_of(fault_cases[_i].note)), STR_FMT, STR_ARG(fault.note));
}
END_TEST

/* Offsets in the text of a value, back to the bytes of the file. */
static const struct {
	const char *file, *text;
	size_t at, len;
	const char *raw;
} inner_cases[] = {
	{ "a.yaml", "a: plain text\n", 6, 4, "text" },
	{ "a.yaml", "a: 'it''s here'\n", 5, 4, "here" },
	{ "a.json", "{\"a\": \"x\\\\d+\"}", 1, 2, "\\\\d" },
	{ "a.json", "{\"a\": \"\\u00e9\\ud83d\\ude00z\"}", 6, 1, "z" },
	/* Folded over two lines: the whole value. */
	{ "a.yaml", "a: \"one\n  two\"\n", 4, 3, "\"one\n  two\"" },
};

START_TEST(inner_places)
{
	const struct node *n =
		node_get(read_text(inner_cases[_i].file, inner_cases[_i].text), STR("a"));
	struct span at = node_inner_span(&diags, n, inner_cases[_i].at, inner_cases[_i].len);
	struct str raw = str_slice(str_of(inner_cases[_i].text), at.begin, at.end - at.begin);

	ck_assert_msg(str_eq(raw, str_of(inner_cases[_i].raw)), "got '" STR_FMT "'", STR_ARG(raw));
}
END_TEST

Suite *suite_schema(void)
{
	Suite *s = suite_create("schema");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, keywords, 0, ARRAY_LEN(keyword_cases));
	tcase_add_test(t, dynamic_references);
	tcase_add_test(t, other_documents_are_looked_up);
	tcase_add_test(t, the_meta_schema_is_at_hand);
	tcase_add_loop_test(t, wrong_schemas_are_refused, 0, ARRAY_LEN(wrong_schemas));
	tcase_add_test(t, endless_references_end);
	tcase_add_test(t, formats_are_asserted_on_demand);
	tcase_add_loop_test(t, reports, 0, ARRAY_LEN(report_cases));
	tcase_add_test(t, what_fails_is_poisoned_and_nothing_else);
	tcase_add_test(t, defaults_are_put_in);
	tcase_add_test(t, the_gateway_schema_compiles);
	tcase_add_loop_test(t, uri_references, 0, ARRAY_LEN(uri_cases));
	tcase_add_loop_test(t, formats, 0, ARRAY_LEN(format_cases));
	tcase_add_loop_test(t, faults, 0, ARRAY_LEN(fault_cases));
	tcase_add_loop_test(t, inner_places, 0, ARRAY_LEN(inner_cases));
	suite_add_tcase(s, t);
	return s;
}
