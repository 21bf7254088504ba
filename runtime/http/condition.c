/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http/condition.h"

#include "http/date.h"

static bool is_weak(struct str etag)
{
	return str_starts(etag, STR("W/"));
}

static struct str opaque(struct str etag)
{
	return is_weak(etag) ? str_slice(etag, 2, etag.len) : etag;
}

static bool tags_agree(struct str a, struct str b, bool is_strong)
{
	if (is_strong && (is_weak(a) || is_weak(b)))
		return false;
	return str_eq(opaque(a), opaque(b));
}

/* Takes an entity tag off the front: [W/] DQUOTE *etagc DQUOTE. A tag may hold commas. */
static bool take_tag(struct str *rest, struct str *tag_out)
{
	size_t at = is_weak(*rest) ? 2 : 0, end;

	if (at >= rest->len || rest->ptr[at] != '"')
		return false;
	end = at + 1 + str_find_char(str_slice(*rest, at + 1, rest->len), '"');
	if (end >= rest->len)
		return false;
	*tag_out = str_slice(*rest, 0, end + 1);
	*rest = str_slice(*rest, end + 1, rest->len);
	return true;
}

static struct str skip_separators(struct str s)
{
	while (s.len > 0 && (s.ptr[0] == ',' || s.ptr[0] == ' ' || s.ptr[0] == '\t'))
		s = str_slice(s, 1, s.len);
	return s;
}

bool condition_list_has(struct str list, struct str etag, bool is_strong)
{
	struct str rest, tag;

	if (str_eq(str_trim(list), STR("*")))
		return true;
	if (etag.ptr == NULL)
		return false;
	for (rest = skip_separators(list); rest.len > 0; rest = skip_separators(rest)) {
		if (!take_tag(&rest, &tag))
			return false;
		if (tags_agree(tag, etag, is_strong))
			return true;
	}
	return false;
}

/* Over all fields of that name; *is_there_out: there is one. */
static bool any_has(const struct fields *f, struct str name, struct str etag, bool is_strong, bool *is_there_out)
{
	bool has = false;

	*is_there_out = false;
	for (unsigned i = 0; i < f->n; i++) {
		if (!str_eq(f->at[i].name, name))
			continue;
		*is_there_out = true;
		has = has || condition_list_has(f->at[i].value, etag, is_strong);
	}
	return has;
}

static bool date_of(const struct fields *f, struct str name, int64_t now_s, int64_t *out)
{
	const struct field *found = fields_find(f, name);

	return found != NULL && date_parse(found->value, now_s, out);
}

enum condition_verdict condition_check(const struct fields *f, const struct condition_validators *v, int64_t now_s)
{
	bool is_there, has;
	int64_t date;

	has = any_has(f, STR("if-match"), v->etag, true, &is_there);
	if (is_there ? !has
		     : v->has_modified && date_of(f, STR("if-unmodified-since"), now_s, &date) && v->modified_s > date)
		return CONDITION_FAILED;
	has = any_has(f, STR("if-none-match"), v->etag, false, &is_there);
	if (is_there ? has
		     : v->has_modified && date_of(f, STR("if-modified-since"), now_s, &date) && v->modified_s <= date)
		return CONDITION_NOT_MODIFIED;
	return CONDITION_GO;
}

bool condition_range_holds(const struct fields *f, const struct condition_validators *v, int64_t now_s)
{
	const struct field *found = fields_find(f, STR("if-range"));
	struct str rest, tag;
	int64_t date;

	if (found == NULL)
		return true;
	rest = found->value;
	if (take_tag(&rest, &tag))
		return rest.len == 0 && v->etag.ptr != NULL && tags_agree(tag, v->etag, true);
	/* A date is a strong validator only where the entity tag is one, too: it says nothing of two changes within a second. */
	return v->has_modified && !is_weak(v->etag) && date_parse(found->value, now_s, &date) && date == v->modified_s;
}
