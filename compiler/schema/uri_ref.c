/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "schema/uri_ref.h"

#include <string.h>

#include "base/str.h"

/* The part of *rest before the first of `stops`; ptr is never NULL. */
static struct str take_until(struct str *rest, const char *stops)
{
	size_t i = 0;
	while (i < rest->len && strchr(stops, rest->ptr[i]) == NULL)
		i++;
	struct str part = { rest->ptr, i };
	rest->ptr += i;
	rest->len -= i;
	return part;
}

static bool is_scheme(struct str s)
{
	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = ascii_lower((unsigned char)s.ptr[i]);
		bool is_tail = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
		if (!(c >= 'a' && c <= 'z') && (i == 0 || !is_tail))
			return false;
	}
	return true;
}

struct uri_ref uri_ref_split(struct str s)
{
	struct uri_ref u = { .path = STR_INIT("") };
	if (s.ptr == NULL)
		return u;
	struct str rest = s;
	struct str scheme = take_until(&rest, ":/?#");
	if (rest.len > 0 && rest.ptr[0] == ':' && is_scheme(scheme)) {
		u.scheme = scheme;
		rest = str_slice(rest, 1, rest.len);
	} else {
		rest = s;
	}
	if (str_starts(rest, STR("//"))) {
		rest = str_slice(rest, 2, rest.len);
		u.authority = take_until(&rest, "/?#");
	}
	u.path = take_until(&rest, "?#");
	if (rest.len > 0 && rest.ptr[0] == '?') {
		rest = str_slice(rest, 1, rest.len);
		u.query = take_until(&rest, "#");
	}
	if (rest.len > 0 && rest.ptr[0] == '#')
		u.fragment = (struct str){ rest.ptr + 1, rest.len - 1 };
	return u;
}

/* RFC 3986 section 5.2.4, on whole segments: `out` has room for path.len bytes. */
static size_t remove_dots(struct str path, char *out)
{
	size_t n = 0;
	struct str rest = path;
	bool is_last = rest.len == 0;
	bool is_absolute = str_starts(rest, STR("/"));
	if (is_absolute) {
		out[n++] = '/';
		rest = str_slice(rest, 1, rest.len);
	}
	while (!is_last) {
		size_t at = str_find_char(rest, '/');
		struct str segment = { rest.ptr, at };
		is_last = at == rest.len;
		rest = is_last ? (struct str){ rest.ptr + at, 0 }
			       : str_slice(rest, at + 1, rest.len);
		if (str_eq(segment, STR(".")))
			continue;
		if (str_eq(segment, STR(".."))) {
			n -= n > (is_absolute ? 1u : 0u);
			while (n > 0 && out[n - 1] != '/')
				n--;
			continue;
		}
		if (segment.len > 0)
			memcpy(out + n, segment.ptr, segment.len);
		n += segment.len;
		if (!is_last)
			out[n++] = '/';
	}
	return n;
}

/* RFC 3986 section 5.2.3. */
static struct str merge_paths(struct arena *a, const struct uri_ref *base, struct str path)
{
	if (base->authority.ptr != NULL && base->path.len == 0)
		return arena_printf(a, "/" STR_FMT, STR_ARG(path));
	size_t cut = base->path.len;
	while (cut > 0 && base->path.ptr[cut - 1] != '/')
		cut--;
	return arena_printf(a, STR_FMT STR_FMT, (int)cut, base->path.ptr, STR_ARG(path));
}

static struct str without_dots(struct arena *a, struct str path)
{
	char *out = arena_bytes(a, path.len + 1);
	return (struct str){ out, remove_dots(path, out) };
}

static struct str compose(struct arena *a, const struct uri_ref *u)
{
	return arena_printf(a, STR_FMT "%s%s" STR_FMT STR_FMT "%s" STR_FMT, STR_ARG(u->scheme),
		u->scheme.ptr != NULL ? ":" : "", u->authority.ptr != NULL ? "//" : "",
		STR_ARG(u->authority), STR_ARG(u->path), u->query.ptr != NULL ? "?" : "",
		STR_ARG(u->query));
}

struct str uri_ref_resolve(
	struct arena *a, struct str base, struct str ref, struct str *fragment_out)
{
	struct uri_ref b = uri_ref_split(base), r = uri_ref_split(ref), t = r;
	*fragment_out = r.fragment;
	if (r.scheme.ptr == NULL) {
		t.scheme = b.scheme;
		if (r.authority.ptr == NULL) {
			t.authority = b.authority;
			if (r.path.len == 0) {
				t.path = b.path;
				t.query = r.query.ptr != NULL ? r.query : b.query;
				return compose(a, &t);
			}
			if (r.path.ptr[0] != '/')
				t.path = merge_paths(a, &b, r.path);
		}
	}
	t.path = without_dots(a, t.path);
	return compose(a, &t);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	unsigned char low = ascii_lower((unsigned char)c);
	return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

struct str uri_ref_unescape(struct arena *a, struct str s)
{
	char *out = arena_bytes(a, s.len + 1);
	size_t n = 0;
	for (size_t i = 0; i < s.len; i++) {
		bool is_escape = s.ptr[i] == '%' && i + 2 < s.len && hex_value(s.ptr[i + 1]) >= 0 &&
				 hex_value(s.ptr[i + 2]) >= 0;
		if (!is_escape) {
			out[n++] = s.ptr[i];
			continue;
		}
		out[n++] = (char)(hex_value(s.ptr[i + 1]) << 4 | hex_value(s.ptr[i + 2]));
		i += 2;
	}
	return (struct str){ out, n };
}

static struct str unescape_token(struct arena *a, struct str s)
{
	char *out = arena_bytes(a, s.len + 1);
	size_t n = 0;
	for (size_t i = 0; i < s.len; i++) {
		bool is_escape = s.ptr[i] == '~' && i + 1 < s.len &&
				 (s.ptr[i + 1] == '0' || s.ptr[i + 1] == '1');
		out[n++] = is_escape ? (s.ptr[i + 1] == '1' ? '/' : '~') : s.ptr[i];
		i += is_escape;
	}
	return (struct str){ out, n };
}

static const struct node *nth_child(const struct node *n, uint64_t index)
{
	const struct node *c = n->first;
	for (uint64_t i = 0; c != NULL && i < index; i++)
		c = c->next;
	return c;
}

const struct node *json_pointer_find(struct arena *a, const struct node *root, struct str pointer)
{
	const struct node *n = root;
	if (pointer.len == 0)
		return n;
	if (pointer.ptr[0] != '/')
		return NULL;
	struct str rest = str_slice(pointer, 1, pointer.len), part;
	while (n != NULL && str_split(&rest, '/', &part)) {
		uint64_t index;
		if (n->kind == NODE_SEQ)
			n = str_to_u64(part, UINT32_MAX, &index) ? nth_child(n, index) : NULL;
		else
			n = node_get(n, unescape_token(a, part));
	}
	return n;
}
