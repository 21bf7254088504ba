/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fuzzes the action files: a request's path and fields, against an embedded site, and against a directory with links beside secrets.
 *
 * The first line is a request target as it came, with digits in front: how paths are normalised, and how many segments are
 * stripped. Each other line is a field, "name: value"; names are lowered as a codec does. Whatever happens, nothing outside the
 * root is opened, and what is sent is as long as was said. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit/http/hand_made.h"
#include "base/check.h"
#include "base/uri.h"
#include "mw/files_open.h"
#include "mw/files_path.h"
#include "toron/files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct toron_file_variant variants[] = {
	{ TORON_CODING_BR, STR_INIT("compressed, it says"), STR_INIT("\"b\"") },
	{ TORON_CODING_ZSTD, STR_INIT(""), STR_INIT("\"z\"") },
};
static const struct toron_file files[] = {
	{ .path = STR_INIT("a/index.html"), .type = STR_INIT("text/html"), .bytes = STR_INIT("home"), .etag = STR_INIT("\"1\"") },
	{ .path = STR_INIT("empty"), .type = STR_INIT("text/plain"), .bytes = STR_INIT(""), .etag = STR_INIT("\"2\"") },
	{ .path = STR_INIT("f"), .type = STR_INIT("text/plain"), .bytes = STR_INIT("0123456789abcdefghijklmnopqrstuvwxyz"),
		.etag = STR_INIT("\"3\""), .variants = variants, .n_variants = 2 },
};
static const struct str indexes[] = { STR_INIT("index.html") };
static const enum toron_coding codings[] = { TORON_CODING_BR, TORON_CODING_GZIP, TORON_CODING_ZSTD };
static const struct toron_files embedded = { .origin = "fuzz", .at = files, .n_at = 3, .indexes = indexes, .n_indexes = 1,
	.codings = codings, .n_codings = 3, .cache_control = STR_INIT("no-cache") };
static const struct toron_files with_fallback = { .origin = "fuzz", .at = files, .n_at = 3, .fallback = STR_INIT("f") };

/* ---- a directory, and what must not be reached from it ---- */

static char top[] = "/tmp/toron-fuzz-XXXXXX", root[64];

static void make(const char *name, const char *target, mode_t kind)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	if (kind == S_IFDIR) {
		CHECK(mkdir(path, 0755) == 0);
	} else if (kind == S_IFLNK) {
		CHECK(symlink(target, path) == 0);
	} else {
		fd = open(path, O_WRONLY | O_CREAT, 0644);
		CHECK(fd >= 0 && write(fd, target, strlen(target)) == (ssize_t)strlen(target));
		close(fd);
	}
}

static void remove_tree(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", top);
	if (system(command) != 0)
		fprintf(stderr, "%s is left behind\n", top);
}

static void make_tree(void)
{
	if (root[0] != '\0')
		return;
	CHECK(mkdtemp(top) != NULL);
	atexit(remove_tree);
	snprintf(root, sizeof(root), "%s/r", top);
	make("r", NULL, S_IFDIR);
	make("r/a", NULL, S_IFDIR);
	make("f", "secret", S_IFREG);
	make("r/f", "f", S_IFREG);
	make("r/a/f", "af", S_IFREG);
	make("r/.f", "hidden", S_IFREG);
	make("r/o", "../f", S_IFLNK);
	make("r/p", "..", S_IFLNK);
	make("r/b", "a", S_IFLNK);
	make("r/a/u", "../f", S_IFLNK);
	make("r/e", "/etc", S_IFLNK);
}

/* What a descriptor leads to lies in the root. */
static void check_inside(int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	CHECK(len > 0);
	path[len] = '\0';
	CHECK(strncmp(path, root, strlen(root)) == 0 && path[strlen(root)] == '/');
}

static void open_both_ways(const struct files_path *path)
{
	for (int no_links = 0; no_links < 2; no_links++) {
		struct files_opened a = { .fd = -1 }, b = { .fd = -1 };
		int error = files_open(root, path->name.ptr, no_links, &a);

		CHECK(files_open_walk(root, path->name.ptr, no_links, &b) == error);
		CHECK(error != 0 || (a.is_folder == b.is_folder && a.length == b.length));
		if (error != 0 || a.is_folder)
			continue;
		check_inside(a.fd);
		check_inside(b.fd);
		close(a.fd);
		close(b.fd);
	}
}

static void check_name(struct exchange *x, unsigned strip)
{
	struct files_path path;
	struct str rest, segment;

	for (int hidden = 0; hidden < 2; hidden++) {
		if (!files_path_map(&x->arena, x->path, strip, hidden, &path))
			continue;
		CHECK(path.name.ptr[path.name.len] == '\0' && memchr(path.name.ptr, 0, path.name.len) == NULL);
		rest = path.name;
		while (rest.len != 0 && str_split(&rest, '/', &segment))
			CHECK(segment.len != 0 && !str_eq(segment, STR(".")) && !str_eq(segment, STR("..")) &&
			      (hidden || segment.ptr[0] != '.' || str_starts(path.name, STR(".well-known"))));
		open_both_ways(&path);
	}
}

/* ---- answers ---- */

/* What a leg of several pieces brings, as far as it goes without a turn of the loop. */
static void play_leg(struct exchange *x)
{
	static const struct leg_ops ops = { .name = "front" };
	struct leg *leg = x->answer_leg, front = { .ops = &ops, .x = x };
	struct body *body = &x->response.body;

	x->front = &front;
	leg->x = x;
	leg->ops->room(leg);
	CHECK(body->appended <= (uint64_t)x->response.length);
	CHECK(!body->end || body->appended == (uint64_t)x->response.length);
	leg->ops->reset(leg, FAULT_NONE);
	x->front = NULL;
}

static void check_answer(struct exchange *x)
{
	uint16_t status = x->response.status;

	CHECK(x->chain_answered);
	CHECK(status == 200 || status == 206 || status == 301 || status == 304 || status == 404 || status == 405 || status == 412 ||
	      status == 416 || (status == 503 && x->arena.overflow));
	for (unsigned i = 0; i < x->response.head.n; i++)
		CHECK(field_is_token(x->response.head.at[i].name) && field_is_value(x->response.head.at[i].value));
	if (x->answer_leg != NULL)
		play_leg(x);
	else
		CHECK(x->response.bodiless || x->response.body.appended == (uint64_t)x->response.length);
}

static void ask(struct exchange *x, const struct toron_files *conf, unsigned strip, uint32_t method)
{
	const struct toron_files_route route = { conf, strip };

	x->chain_answered = false;
	x->answer_leg = NULL;
	x->method_bit = method;
	toron_action_files(x, &route);
	check_answer(x);
}

static void add_field(struct hand_made *h, struct str line)
{
	size_t colon = str_find_char(line, ':');
	struct str name = arena_str(&h->x.arena, str_slice(line, 0, colon));
	struct str value = str_trim(str_slice(line, colon + 1, line.len));

	if (name.ptr == NULL || !field_is_token(name) || !field_is_value(value))
		return;
	for (size_t i = 0; i < name.len; i++)
		((char *)name.ptr)[i] = (char)ascii_lower((unsigned char)name.ptr[i]);
	fields_add(&h->x.request.head, &h->x.arena, name, value);
}

static unsigned take_digit(struct str *s)
{
	unsigned digit = s->len > 0 && s->ptr[0] >= '0' && s->ptr[0] <= '9' ? (unsigned)(s->ptr[0] - '0') : 0;

	*s = str_slice(*s, s->len > 0, s->len);
	return digit;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size }, line, target;
	struct hand_made h;
	struct exchange *x;
	unsigned policy, strip;

	make_tree();
	if (size == 0 || !str_split(&rest, '\n', &target))
		return 0;
	x = hand_made_init(&h);
	policy = take_digit(&target);
	strip = take_digit(&target);
	while (x->request.head.n < 100 && str_split(&rest, '\n', &line))
		add_field(&h, line);
	if (uri_normalise(&x->arena, target, policy & 7, &x->path, &x->query) == URI_OK) {
		check_name(x, strip);
		ask(x, &embedded, strip, TORON_GET);
		ask(x, &embedded, strip, TORON_HEAD);
		ask(x, &with_fallback, strip, TORON_GET);
		ask(x, &embedded, strip, TORON_POST);
	}
	hand_made_fini(&h);
	return 0;
}
