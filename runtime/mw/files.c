/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The action files: finds the file that a path means, embedded or on disk, chooses a representation of it, and answers with all of
 * it, with parts, or with what a condition asks for (RFC 9110 sections 12 to 15). */
#include "toron/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mime.h"
#include "http/accept.h"
#include "http/condition.h"
#include "http/exchange.h"
#include "mw/files_open.h"
#include "mw/files_path.h"
#include "mw/files_reply.h"

#define CODINGS_MOST 4
/* A file that was changed this short ago may be changed again within its time stamp's resolution. */
#define FRESH_US 2000000u

static const struct {
	struct str token, ending;
} codings[] = {
	[TORON_CODING_IDENTITY] = { STR_INIT("identity"), STR_INIT("") },
	[TORON_CODING_BR] = { STR_INIT("br"), STR_INIT(".br") },
	[TORON_CODING_GZIP] = { STR_INIT("gzip"), STR_INIT(".gz") },
	[TORON_CODING_ZSTD] = { STR_INIT("zstd"), STR_INIT(".zst") },
};

int toron_files_start(const void *data)
{
	const struct toron_files *conf = data;
	int fd;

	if (conf->root == NULL)
		return 0;
	fd = open(conf->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		log_event(LOG_ERROR, "files-root", "%s: cannot open the directory '%s': %s", conf->origin, conf->root,
			strerror(errno));
		return -1;
	}
	close(fd);
	return 0;
}

/* ---- what is there ---- */

enum look { LOOK_FILE, LOOK_FOLDER, LOOK_NONE, LOOK_DENIED, LOOK_BUSY };

/* A request on its way to a file. */
struct seek {
	struct exchange *x;
	const struct toron_files *conf;
	const struct toron_file *embedded; /* of the last LOOK_FILE; NULL: on disk */
	struct files_reply reply;          /* filled in by LOOK_FILE */
};

/* The first file whose path is not before `name`. */
static uint32_t lower_bound(const struct toron_files *conf, struct str name)
{
	uint32_t from = 0, to = conf->n_at;

	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (str_cmp(conf->at[middle].path, name) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* Whether something lies below the folder. Between "a" and "a/" there may be others: "a-b". */
static bool has_folder(struct seek *s, struct str name)
{
	struct str prefix = arena_printf(&s->x->arena, STR_FMT "/", STR_ARG(name));
	uint32_t i;

	if (name.len == 0)
		return true;
	i = lower_bound(s->conf, prefix);
	return prefix.ptr != NULL && i < s->conf->n_at && str_starts(s->conf->at[i].path, prefix);
}

static enum look look_embedded(struct seek *s, struct str name)
{
	uint32_t i = lower_bound(s->conf, name);
	const struct toron_file *f;

	if (i == s->conf->n_at || !str_eq(s->conf->at[i].path, name))
		return has_folder(s, name) ? LOOK_FOLDER : LOOK_NONE;
	f = &s->conf->at[i];
	s->embedded = f;
	s->reply.bytes = f->bytes;
	s->reply.length = f->bytes.len;
	s->reply.validators = (struct condition_validators){ .etag = f->etag };
	s->reply.type = f->type;
	return LOOK_FILE;
}

/* The validators of a file on disk. One that was changed just now gets a weak tag (RFC 9110 section 8.8.1). */
static struct condition_validators disk_validators(struct seek *s, const struct files_opened *f, enum toron_coding coding)
{
	uint64_t now = toron_wall_us(s->x);
	uint64_t modified = f->modified_s < 0 ? 0 : (uint64_t)f->modified_s * 1000000 + f->modified_ns / 1000;
	bool is_fresh = modified + FRESH_US > now;
	struct str ending = codings[coding].ending;

	return (struct condition_validators){
		.etag = arena_printf(&s->x->arena, "%s\"%" PRIx64 ".%x-%" PRIx64 STR_FMT "\"", is_fresh ? "W/" : "",
			(uint64_t)f->modified_s, (unsigned)f->modified_ns, f->length, STR_ARG(ending)),
		.has_modified = f->modified_s >= 0,
		/* Not later than the Date of the response (section 8.8.2.1). */
		.modified_s = modified > now ? (int64_t)(now / 1000000) : f->modified_s,
	};
}

static struct str type_on_disk(const struct toron_files *conf, struct str name)
{
	struct str ending = mime_ending(name);

	for (uint32_t i = 0; ending.ptr != NULL && i < conf->n_types; i++)
		if (str_eq_nocase(conf->types[i].ending, ending))
			return conf->types[i].type;
	return mime_of(name);
}

static enum look look_of_error(int error)
{
	switch (error) {
	case ENOENT:
		return LOOK_NONE;
	case EACCES: case EPERM:
		return LOOK_DENIED;
	default:
		return LOOK_BUSY;
	}
}

static enum look look_on_disk(struct seek *s, struct str name, enum toron_coding coding)
{
	struct files_opened f;
	int error = files_open(s->conf->root, name.ptr, s->conf->no_links, &f);

	if (error != 0)
		return look_of_error(error);
	if (f.is_folder)
		return LOOK_FOLDER;
	files_reply_close(&s->reply);
	s->reply.fd = f.fd;
	s->reply.length = f.length;
	s->reply.validators = disk_validators(s, &f, coding);
	if (coding == TORON_CODING_IDENTITY)
		s->reply.type = type_on_disk(s->conf, name);
	return LOOK_FILE;
}

/* `name` ends in NUL. */
static enum look look(struct seek *s, struct str name)
{
	s->reply.name = name;
	return s->conf->root == NULL ? look_embedded(s, name) : look_on_disk(s, name, TORON_CODING_IDENTITY);
}

static enum look look_index(struct seek *s, struct str folder)
{
	for (uint32_t i = 0; i < s->conf->n_indexes; i++) {
		struct str name = arena_printf(&s->x->arena, STR_FMT "%s" STR_FMT, STR_ARG(folder), folder.len == 0 ? "" : "/",
			STR_ARG(s->conf->indexes[i]));
		enum look found = name.ptr == NULL ? LOOK_BUSY : look(s, name);

		if (found != LOOK_NONE && found != LOOK_FOLDER)
			return found;
	}
	return LOOK_NONE;
}

/* ---- which representation ---- */

static bool take_coding(struct seek *s, enum toron_coding coding)
{
	struct str name;

	for (uint32_t i = 0; s->embedded != NULL && i < s->embedded->n_variants; i++) {
		const struct toron_file_variant *v = &s->embedded->variants[i];

		if (v->coding != coding)
			continue;
		s->reply.bytes = v->bytes;
		s->reply.length = v->bytes.len;
		s->reply.validators.etag = v->etag;
		return true;
	}
	if (s->embedded != NULL)
		return false;
	name = arena_printf(&s->x->arena, STR_FMT STR_FMT, STR_ARG(s->reply.name), STR_ARG(codings[coding].ending));
	return name.ptr != NULL && look_on_disk(s, name, coding) == LOOK_FILE;
}

/* The coding that the client wants most, of those that are there; among equals, the one that the config names first. */
static void negotiate(struct seek *s)
{
	const struct fields *f = &s->x->request.head;
	unsigned weights[CODINGS_MOST], identity = accept_encoding_weight(f, codings[TORON_CODING_IDENTITY].token);
	uint32_t n = s->conf->n_codings < CODINGS_MOST ? s->conf->n_codings : CODINGS_MOST;

	s->reply.varies = n > 0;
	for (uint32_t i = 0; i < n; i++)
		weights[i] = accept_encoding_weight(f, codings[s->conf->codings[i]].token);
	for (uint32_t tried = 0; tried < n; tried++) {
		uint32_t best = 0;

		for (uint32_t i = 1; i < n; i++)
			if (weights[i] > weights[best])
				best = i;
		if (weights[best] == 0 || weights[best] < identity)
			return;
		weights[best] = 0;
		if (take_coding(s, s->conf->codings[best])) {
			s->reply.coding = codings[s->conf->codings[best]].token;
			return;
		}
	}
}

/* ---- the action ---- */

static void refuse(struct seek *s, uint16_t status)
{
	files_reply_close(&s->reply);
	toron_respond_error(s->x, status, NULL, 0);
}

/* A folder's address ends in "/", so that relative links in its index lead where they should. */
static void redirect_to_folder(struct exchange *x)
{
	struct str query = x->query;
	struct toron_header location = { .name = STR_INIT("location") };

	location.value = arena_printf(&x->arena, STR_FMT "/%s" STR_FMT, STR_ARG(x->path), query.ptr == NULL ? "" : "?",
		STR_ARG(query));
	if (location.value.ptr == NULL)
		toron_respond_error(x, 503, NULL, 0);
	else
		toron_respond(x, 301, STR_NONE, STR(""), &location, 1);
}

static void answer(struct seek *s, enum look found)
{
	if (found == LOOK_NONE && s->conf->fallback.ptr != NULL)
		found = look(s, s->conf->fallback);
	switch (found) {
	case LOOK_FILE:
		negotiate(s);
		files_reply_send(s->x, &s->reply);
		return;
	case LOOK_DENIED:
		refuse(s, 403);
		return;
	case LOOK_BUSY:
		refuse(s, 503);
		return;
	case LOOK_FOLDER:
	case LOOK_NONE:
		refuse(s, 404);
		return;
	}
}

void toron_action_files(struct exchange *x, const void *data)
{
	static const struct toron_header allow = { STR_INIT("allow"), STR_INIT("GET, HEAD") };
	const struct toron_files_route *route = data;
	struct seek s = { .x = x, .conf = route->files,
		.reply = { .fd = -1, .cache_control = route->files->cache_control } };
	struct files_path path;
	enum look found;

	if ((x->method_bit & (TORON_GET | TORON_HEAD)) == 0) {
		toron_respond_error(x, 405, &allow, 1);
		return;
	}
	if (!files_path_map(&x->arena, x->path, route->strip, s.conf->hidden, &path)) {
		refuse(&s, x->arena.overflow ? 503 : 404);
		return;
	}
	found = path.is_folder && path.name.len != 0 ? LOOK_FOLDER : look(&s, path.name);
	if (found == LOOK_FOLDER && !path.is_folder) {
		redirect_to_folder(x);
		return;
	}
	answer(&s, found == LOOK_FOLDER ? look_index(&s, path.name) : found);
}
