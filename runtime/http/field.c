/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http/field.h"

static const struct str names[] = {
	[FIELD_OTHER] = STR_INIT(""),
#define FIELD(token, name) [FIELD_##token] = STR_INIT(name),
#include "http/field.def"
#undef FIELD
};

struct str field_token_name(enum field_token t)
{
	return names[t];
}

/* Each compares with a constant of known length, which needs no call. */
#define FIELD(token, name) \
	static inline enum field_token is_##token(const char *p) \
	{ \
		return memcmp(p, name, sizeof(name) - 1) == 0 ? FIELD_##token : FIELD_OTHER; \
	}
#include "http/field.def"
#undef FIELD

/* By length and one telling byte; at most one comparison. */
enum field_token field_token(struct str name)
{
	const char *p = name.ptr;

	switch (name.len) {
	case 2: return is_TE(p);
	case 3: return is_VIA(p);
	case 4: return p[0] == 'h' ? is_HOST(p) : is_DATE(p);
	case 6:
		switch (p[0]) {
		case 'a': return is_ACCEPT(p);
		case 'c': return is_COOKIE(p);
		case 'e': return is_EXPECT(p);
		default: return is_SERVER(p);
		}
	case 7: return p[0] == 'u' ? is_UPGRADE(p) : is_TRAILER(p);
	case 8: return is_LOCATION(p);
	case 9: return p[0] == 'f' ? is_FORWARDED(p) : is_X_REAL_IP(p);
	case 10:
		switch (p[0]) {
		case 'c': return is_CONNECTION(p);
		case 'k': return is_KEEP_ALIVE(p);
		default: return is_USER_AGENT(p);
		}
	case 12: return p[0] == 'c' ? is_CONTENT_TYPE(p) : is_MAX_FORWARDS(p);
	case 14: return is_CONTENT_LENGTH(p);
	case 15: return is_X_FORWARDED_FOR(p);
	case 16:
		switch (p[12]) {
		case 'h': return is_X_FORWARDED_HOST(p);
		case 'p': return is_X_FORWARDED_PORT(p);
		default: return is_PROXY_CONNECTION(p);
		}
	case 17: return p[0] == 'x' ? is_X_FORWARDED_PROTO(p) : is_TRANSFER_ENCODING(p);
	case 18: return is_PROXY_AUTHENTICATE(p);
	case 19: return is_PROXY_AUTHORIZATION(p);
	default: return FIELD_OTHER;
	}
}

bool fields_grow(struct fields *f, struct arena *a)
{
	unsigned cap = f->cap == 0 ? 32 : 2u * f->cap;
	struct field *at;

	if (cap > UINT16_MAX)
		return false;
	at = arena_alloc(a, cap * sizeof(*at));
	if (at == NULL)
		return false;
	if (f->n != 0)
		memcpy(at, f->at, f->n * sizeof(*at));
	f->at = at;
	f->cap = (uint16_t)cap;
	return true;
}

bool fields_add(struct fields *f, struct arena *a, struct str name, struct str value)
{
	return fields_append(f, a, &(struct field){ .name = name, .value = value, .token = (uint16_t)field_token(name) });
}

bool fields_set(struct fields *f, struct arena *a, struct str name, struct str value)
{
	for (unsigned i = 0; i < f->n; i++) {
		if (!str_eq(f->at[i].name, name))
			continue;
		struct field kept = f->at[i];

		fields_remove(f, name);
		kept.value = value;
		kept.is_line = false;
		f->at[f->n++] = kept; /* at least one was removed, so there is room */
		return true;
	}
	return fields_add(f, a, name, value);
}

void fields_remove(struct fields *f, struct str name)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < f->n; i++)
		if (!str_eq(f->at[i].name, name))
			f->at[kept++] = f->at[i];
	f->n = (uint16_t)kept;
}

void fields_remove_token(struct fields *f, enum field_token t)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < f->n; i++)
		if (f->at[i].token != t)
			f->at[kept++] = f->at[i];
	f->n = (uint16_t)kept;
}

bool field_is_respelt(struct str name, struct str want)
{
	bool differs = false;

	if (name.len != want.len)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == want.ptr[i])
			continue;
		if (name.ptr[i] != '_' || want.ptr[i] != '-')
			return false;
		differs = true;
	}
	return differs;
}

void fields_remove_respelt(struct fields *f, struct str name)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < f->n; i++)
		if (!field_is_respelt(f->at[i].name, name))
			f->at[kept++] = f->at[i];
	f->n = (uint16_t)kept;
}

const struct field *fields_find(const struct fields *f, struct str name)
{
	for (unsigned i = 0; i < f->n; i++)
		if (str_eq(f->at[i].name, name))
			return &f->at[i];
	return NULL;
}

const struct field *fields_search_token(const struct fields *f, enum field_token t)
{
	for (unsigned i = 0; i < f->n; i++)
		if (f->at[i].token == t)
			return &f->at[i];
	return NULL;
}

bool field_next_member(struct str *rest, struct str *member_out)
{
	struct str part;

	while (str_split(rest, ',', &part)) {
		*member_out = str_trim(part);
		if (member_out->len != 0)
			return true;
	}
	return false;
}

bool fields_has_member(const struct fields *f, enum field_token t, struct str member)
{
	for (unsigned i = 0; i < f->n; i++) {
		if (f->at[i].token != t)
			continue;
		struct str rest = f->at[i].value, got;

		while (field_next_member(&rest, &got))
			if (str_eq_nocase(got, member))
				return true;
	}
	return false;
}

enum trailer_use field_trailer_use(enum field_token t)
{
	switch (t) {
	case FIELD_CONTENT_LENGTH: case FIELD_TRANSFER_ENCODING: case FIELD_HOST: case FIELD_CONNECTION:
	case FIELD_UPGRADE: case FIELD_TE: case FIELD_TRAILER: case FIELD_EXPECT:
		return TRAILER_REFUSED;
	case FIELD_KEEP_ALIVE: case FIELD_PROXY_CONNECTION: case FIELD_PROXY_AUTHENTICATE:
	case FIELD_PROXY_AUTHORIZATION: case FIELD_MAX_FORWARDS: case FIELD_COOKIE: case FIELD_VIA: case FIELD_FORWARDED:
	case FIELD_X_FORWARDED_FOR: case FIELD_X_FORWARDED_HOST: case FIELD_X_FORWARDED_PROTO:
		return TRAILER_DROPPED;
	default:
		return TRAILER_KEPT;
	}
}

bool field_is_token(struct str s)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		bool ok = (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
			  (c != 0 && strchr(others, c) != NULL);

		if (!ok)
			return false;
	}
	return s.len != 0;
}

bool field_is_value(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}
