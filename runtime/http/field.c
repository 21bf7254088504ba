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

static enum field_token token_if(struct str name, enum field_token t)
{
	return memcmp(name.ptr, names[t].ptr, name.len) == 0 ? t : FIELD_OTHER;
}

/* By length and one telling byte; at most one memcmp. */
enum field_token field_token(struct str name)
{
	switch (name.len) {
	case 2: return token_if(name, FIELD_TE);
	case 3: return token_if(name, FIELD_VIA);
	case 4: return name.ptr[0] == 'h' ? token_if(name, FIELD_HOST) : token_if(name, FIELD_DATE);
	case 6:
		switch (name.ptr[0]) {
		case 'a': return token_if(name, FIELD_ACCEPT);
		case 'c': return token_if(name, FIELD_COOKIE);
		case 'e': return token_if(name, FIELD_EXPECT);
		default: return token_if(name, FIELD_SERVER);
		}
	case 7: return name.ptr[0] == 'u' ? token_if(name, FIELD_UPGRADE) : token_if(name, FIELD_TRAILER);
	case 8: return token_if(name, FIELD_LOCATION);
	case 9: return name.ptr[0] == 'f' ? token_if(name, FIELD_FORWARDED) : token_if(name, FIELD_X_REAL_IP);
	case 10:
		switch (name.ptr[0]) {
		case 'c': return token_if(name, FIELD_CONNECTION);
		case 'k': return token_if(name, FIELD_KEEP_ALIVE);
		default: return token_if(name, FIELD_USER_AGENT);
		}
	case 12: return name.ptr[0] == 'c' ? token_if(name, FIELD_CONTENT_TYPE) : token_if(name, FIELD_MAX_FORWARDS);
	case 14: return token_if(name, FIELD_CONTENT_LENGTH);
	case 15: return token_if(name, FIELD_X_FORWARDED_FOR);
	case 16:
		switch (name.ptr[12]) {
		case 'h': return token_if(name, FIELD_X_FORWARDED_HOST);
		case 'p': return token_if(name, FIELD_X_FORWARDED_PORT);
		default: return token_if(name, FIELD_PROXY_CONNECTION);
		}
	case 17:
		return name.ptr[0] == 'x' ? token_if(name, FIELD_X_FORWARDED_PROTO)
					  : token_if(name, FIELD_TRANSFER_ENCODING);
	case 18: return token_if(name, FIELD_PROXY_AUTHENTICATE);
	case 19: return token_if(name, FIELD_PROXY_AUTHORIZATION);
	default: return FIELD_OTHER;
	}
}

bool fields_add(struct fields *f, struct arena *a, struct str name, struct str value)
{
	if (f->n == f->cap) {
		unsigned cap = f->cap == 0 ? 32 : 2u * f->cap;

		if (cap > UINT16_MAX)
			return false;
		struct field *at = arena_alloc(a, cap * sizeof(*at));

		if (at == NULL)
			return false;
		if (f->n != 0)
			memcpy(at, f->at, f->n * sizeof(*at));
		f->at = at;
		f->cap = (uint16_t)cap;
	}
	f->at[f->n++] = (struct field){ .name = name, .value = value, .token = (uint16_t)field_token(name) };
	return true;
}

bool fields_set(struct fields *f, struct arena *a, struct str name, struct str value)
{
	for (unsigned i = 0; i < f->n; i++) {
		if (!str_eq(f->at[i].name, name))
			continue;
		struct field kept = f->at[i];

		fields_remove(f, name);
		kept.value = value;
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

const struct field *fields_find(const struct fields *f, struct str name)
{
	for (unsigned i = 0; i < f->n; i++)
		if (str_eq(f->at[i].name, name))
			return &f->at[i];
	return NULL;
}

const struct field *fields_find_token(const struct fields *f, enum field_token t)
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
