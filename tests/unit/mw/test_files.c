/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The action files: names, opening below a root in both ways, media types, and answers from embedded tables. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mime.h"
#include "http/answer.h"
#include "mw/files_body.h"
#include "mw/files_open.h"
#include "mw/files_path.h"
#include "toron/files.h"
#include "unit/http/hand_made.h"

/* ---- names ---- */

/* want NULL: refused; a "/" at its end: a folder. */
static void expect_name(const char *path, unsigned strip, bool hidden, const char *want)
{
	struct files_path out = { 0 };
	struct arena a;
	bool ok;

	arena_init(&a, NULL, 0, 1 << 16);
	ok = files_path_map(&a, str_of(path), strip, hidden, &out);
	ck_assert_msg(ok == (want != NULL), "%s", path);
	if (ok) {
		ck_assert_uint_eq(strlen(out.name.ptr), out.name.len);
		ck_assert_str_eq(arena_printf(&a, "%s%s", out.name.ptr, out.is_folder ? "/" : "").ptr, want);
	}
	arena_fini(&a);
}

START_TEST(names)
{
	expect_name("/", 0, false, "/");
	expect_name("/a", 0, false, "a");
	expect_name("/a/b.html", 0, false, "a/b.html");
	expect_name("/a/b/", 0, false, "a/b/");
	expect_name("/a%20b", 0, false, "a b");
	expect_name("/%C3%A9", 0, false, "\xc3\xa9");
	expect_name("/static", 1, false, "");
	expect_name("/static/", 1, false, "/");
	expect_name("/static/a/b", 1, false, "a/b");
	expect_name("/a/b/c", 2, false, "c");
	expect_name("/a", 2, false, "");
	expect_name("/..a/b..", 0, true, "..a/b..");
	expect_name("/...", 0, true, "...");
	/* Decoded once: this is a file whose name has percent signs. */
	expect_name("/%252e%252e/a", 0, false, "%2e%2e/a");
	expect_name("/%5C..%5Ca", 0, false, "\\..\\a");
}
END_TEST

START_TEST(refused_names)
{
	expect_name("/../a", 0, true, NULL);
	expect_name("/a/..", 0, true, NULL);
	expect_name("/a/../b", 0, true, NULL);
	expect_name("/./a", 0, true, NULL);
	expect_name("/%2e%2e/a", 0, true, NULL);
	expect_name("/%2E./a", 0, true, NULL);
	expect_name("/..%2Fa", 0, true, NULL);
	expect_name("/a%2f..%2fb", 0, true, NULL);
	expect_name("/a%00", 0, true, NULL);
	expect_name("/a%0a", 0, true, NULL);
	expect_name("/a%7F", 0, true, NULL);
	expect_name("/a%", 0, true, NULL);
	expect_name("/a%4", 0, true, NULL);
	expect_name("/a%zz", 0, true, NULL);
	expect_name("//a", 0, true, NULL);
	expect_name("/a//b", 0, true, NULL);
	expect_name("/a//", 0, true, NULL);
	expect_name("/static//a", 1, true, NULL);
	expect_name("a", 0, true, NULL);
}
END_TEST

START_TEST(hidden_names)
{
	expect_name("/.git/config", 0, false, NULL);
	expect_name("/a/.htaccess", 0, false, NULL);
	expect_name("/%2Egit/config", 0, false, NULL);
	expect_name("/.git/config", 0, true, ".git/config");
	expect_name("/.well-known/acme", 0, false, ".well-known/acme");
	expect_name("/a/.well-known/acme", 0, false, NULL);
	expect_name("/.well-known/.a", 0, false, NULL);
}
END_TEST

START_TEST(long_names)
{
	char text[6000];

	memset(text, 'a', sizeof(text));
	text[0] = '/';
	text[257] = '\0';
	expect_name(text, 0, false, NULL);
	text[256] = '\0';
	expect_name(text, 0, false, text + 1);
	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i < sizeof(text); i += 100)
		text[i] = '/';
	text[4097] = '\0';
	expect_name(text, 0, false, NULL);
}
END_TEST

/* ---- opening ---- */

static char root[] = "/tmp/toron-files-XXXXXX";
static char inside[64], outside[64];

static void put(const char *folder, const char *name, const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void put_link(const char *name, const char *target)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", inside, name);
	ck_assert_int_eq(symlink(target, path), 0);
}

static void put_folder(const char *folder, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	ck_assert_int_eq(mkdir(path, 0755), 0);
}

static void make_tree(void)
{
	char fifo[128];

	memcpy(root + sizeof(root) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(inside, sizeof(inside), "%s/in", root);
	snprintf(outside, sizeof(outside), "%s/out", root);
	put_folder(root, "in");
	put_folder(root, "out");
	put_folder(root, "in/a");
	put_folder(root, "in/a/b");
	put(inside, "f", "f");
	put(inside, "a/g", "gg");
	put(inside, "a/b/h", "hhh");
	put(outside, "secret", "secret");
	put_link("to-f", "f");
	put_link("to-a", "a");
	put_link("a/up", "../f");
	put_link("a/b/round", "../../to-a/b/../g");
	put_link("out", "../out/secret");
	put_link("out-folder", "../out");
	put_link("absolute", outside);
	put_link("own-absolute", inside);
	put_link("loop", "loop");
	put_link("loop-a", "loop-b");
	put_link("loop-b", "loop-a");
	put_link("a/climb", "../../in/f");
	put_link("gone", "nothing");
	snprintf(fifo, sizeof(fifo), "%s/fifo", inside);
	ck_assert_int_eq(mkfifo(fifo, 0644), 0);
}

static void remove_tree(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	ck_assert_int_eq(system(command), 0);
}

typedef int opener(const char *, const char *, bool, struct files_opened *);

/* want: bytes of the file; -1: a folder; -2: not there. */
static void expect_opened(opener *open_fn, const char *name, bool no_links, int want)
{
	struct files_opened f = { .fd = -1 };
	int error = open_fn(inside, name, no_links, &f);

	ck_assert_msg(want == -2 ? error == ENOENT : error == 0, "%s: %d (%s)", name, error, strerror(error));
	if (error != 0)
		return;
	ck_assert_msg(f.is_folder == (want == -1), "%s", name);
	ck_assert_int_eq(f.fd >= 0, want >= 0);
	if (want >= 0)
		ck_assert_int_eq((int)f.length, want);
	if (f.fd >= 0)
		close(f.fd);
}

static void check_opening(opener *open_fn)
{
	static const struct {
		const char *name;
		int links, no_links;
	} cases[] = {
		{ "", -1, -1 }, { "f", 1, 1 }, { "a", -1, -1 }, { "a/g", 2, 2 }, { "a/b/h", 3, 3 }, { "x", -2, -2 },
		{ "f/x", -2, -2 }, { "a/x", -2, -2 }, { "to-f", 1, -2 }, { "to-a", -1, -2 }, { "to-a/g", 2, -2 },
		{ "to-a/b/h", 3, -2 }, { "a/up", 1, -2 }, { "a/b/round", 2, -2 }, { "to-a/b/round", 2, -2 },
		{ "out", -2, -2 }, { "out-folder", -2, -2 }, { "out-folder/secret", -2, -2 }, { "absolute", -2, -2 },
		{ "absolute/secret", -2, -2 }, { "own-absolute/f", -2, -2 }, { "loop", -2, -2 }, { "loop-a", -2, -2 },
		{ "loop-a/x", -2, -2 }, { "a/climb", -2, -2 }, { "gone", -2, -2 }, { "fifo", -2, -2 }, { "to-f/x", -2, -2 },
	};

	make_tree();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		expect_opened(open_fn, cases[i].name, false, cases[i].links);
		expect_opened(open_fn, cases[i].name, true, cases[i].no_links);
	}
	remove_tree();
	/* The root itself is gone. */
	expect_opened(open_fn, "f", false, -2);
}

START_TEST(opening)
{
	check_opening(files_open);
}
END_TEST

START_TEST(opening_by_walking)
{
	check_opening(files_open_walk);
}
END_TEST

/* A folder that may be entered but not listed is one; a file that may not be read, and what lies behind a folder that may not be
 * entered, are denied. */
static void check_permissions(opener *open_fn)
{
	static const struct {
		const char *name;
		mode_t mode;
	} modes[] = { { "a/g", 0 }, { "a/b", 0600 }, { "a", 0311 }, { "", 0311 } };
	struct files_opened f;
	char path[256];

	make_tree();
	ck_assert_int_eq(chmod(root, 0711), 0);
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		snprintf(path, sizeof(path), "%s/%s", inside, modes[i].name);
		ck_assert_int_eq(chmod(path, modes[i].mode), 0);
	}
	if (geteuid() == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	expect_opened(open_fn, "", false, -1);
	expect_opened(open_fn, "a", false, -1);
	expect_opened(open_fn, "to-a", false, -1);
	expect_opened(open_fn, "to-a", true, -2);
	expect_opened(open_fn, "f", false, 1);
	ck_assert_int_eq(open_fn(inside, "a/g", false, &f), EACCES);
	ck_assert_int_eq(open_fn(inside, "a/b/h", false, &f), EACCES);
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
	for (size_t i = ARRAY_LEN(modes); i > 0; i--) {
		snprintf(path, sizeof(path), "%s/%s", inside, modes[i - 1].name);
		ck_assert_int_eq(chmod(path, 0700), 0);
	}
	remove_tree();
}

START_TEST(permissions)
{
	check_permissions(files_open);
	check_permissions(files_open_walk);
}
END_TEST

START_TEST(no_descriptor_is_lost)
{
	int before = dup(0), after;

	close(before);
	check_opening(files_open);
	check_opening(files_open_walk);
	after = dup(0);
	close(after);
	ck_assert_int_eq(before, after);
}
END_TEST

/* ---- media types ---- */

START_TEST(media_types)
{
	ck_assert_text(mime_of(STR("index.html")), "text/html; charset=utf-8");
	ck_assert_text(mime_of(STR("a.b/LOGO.PNG")), "image/png");
	ck_assert_text(mime_of(STR("a.tar.gz")), "application/gzip");
	ck_assert_text(mime_of(STR("3.3gp")), "video/3gpp");
	ck_assert_text(mime_of(STR("x.zst")), "application/zstd");
	ck_assert_text(mime_of(STR("x.unknown")), MIME_UNKNOWN);
	ck_assert_text(mime_of(STR("a.png/b")), MIME_UNKNOWN);
	ck_assert_text(mime_of(STR(".html")), MIME_UNKNOWN);
	ck_assert_text(mime_of(STR("a/.html")), MIME_UNKNOWN);
	ck_assert_text(mime_of(STR("html")), MIME_UNKNOWN);
	ck_assert_text(mime_of(STR("a.")), MIME_UNKNOWN);
	ck_assert_text(mime_of(STR("")), MIME_UNKNOWN);
}
END_TEST

START_TEST(media_types_are_sorted)
{
	static const char *const endings[] = {
#define MIME(ending, type) ending,
#include "base/mime.def"
#undef MIME
	}, *const types[] = {
#define MIME(ending, type) type,
#include "base/mime.def"
#undef MIME
	};
	char name[64];

	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		ck_assert(i == 0 || strcmp(endings[i - 1], endings[i]) < 0);
		snprintf(name, sizeof(name), "x.%s", endings[i]);
		ck_assert_text(mime_of(str_of(name)), types[i]);
	}
}
END_TEST

/* ---- answers from memory ---- */

static struct hand_made h;
static struct exchange *x;

static void setup(void)
{
	x = hand_made_init(&h);
}

static void teardown(void)
{
	hand_made_fini(&h);
}

static const struct toron_file_variant small[] = {
	{ TORON_CODING_BR, STR_INIT("br-bytes"), STR_INIT("\"b\"") },
	{ TORON_CODING_GZIP, STR_INIT("gz"), STR_INIT("\"g\"") },
};
static const struct toron_file embedded[] = {
	{ .path = STR_INIT("a-b"), .type = STR_INIT("text/plain"), .bytes = STR_INIT("between"), .etag = STR_INIT("\"0\"") },
	{ .path = STR_INIT("a/index.html"), .type = STR_INIT("text/html"), .bytes = STR_INIT("folder"),
		.etag = STR_INIT("\"1\"") },
	{ .path = STR_INIT("empty"), .type = STR_INIT("text/plain"), .bytes = STR_INIT(""), .etag = STR_INIT("\"2\"") },
	{ .path = STR_INIT("f"), .type = STR_INIT("text/plain"), .bytes = STR_INIT("0123456789"), .etag = STR_INIT("\"3\""),
		.variants = small, .n_variants = 2 },
};
static const struct str indexes[] = { STR_INIT("index.htm"), STR_INIT("index.html") };
static const enum toron_coding codings[] = { TORON_CODING_BR, TORON_CODING_GZIP };
static const struct toron_files site = { .origin = "t", .at = embedded, .n_at = 4, .indexes = indexes, .n_indexes = 2,
	.codings = codings, .n_codings = 2, .cache_control = STR_INIT("no-cache") };
static const struct toron_files app = { .origin = "t", .at = embedded, .n_at = 4, .indexes = indexes, .n_indexes = 2,
	.fallback = STR_INIT("f") };
static const struct toron_files nothing = { .origin = "t" };

/* The status; a field may be given. */
static unsigned request_of(const struct toron_files *files, const char *path, const char *name, const char *value)
{
	const struct toron_files_route route = { files, 0 };

	x->chain_answered = false;
	x->request.head.n = 0;
	x->path = str_of(path);
	if (name != NULL)
		hand_made_field(&h, name, value);
	toron_action_files(x, &route);
	return x->response.status;
}

START_TEST(embedded_files)
{
	ck_assert_uint_eq(request_of(&site, "/f", NULL, NULL), 200);
	ck_assert_text(hand_made_answer_body(&h), "0123456789");
	ck_assert_text(hand_made_answer_field(&h, "content-type"), "text/plain");
	ck_assert_text(hand_made_answer_field(&h, "etag"), "\"3\"");
	ck_assert_text(hand_made_answer_field(&h, "vary"), "accept-encoding");
	ck_assert_text(hand_made_answer_field(&h, "cache-control"), "no-cache");
	ck_assert_text(hand_made_answer_field(&h, "accept-ranges"), "bytes");
	ck_assert_text(hand_made_answer_field(&h, "last-modified"), "");
	ck_assert_uint_eq(request_of(&site, "/empty", NULL, NULL), 200);
	ck_assert_int_eq(x->response.length, 0);
	ck_assert_uint_eq(request_of(&site, "/empty", "range", "bytes=0-"), 416);
	ck_assert_text(hand_made_answer_field(&h, "content-range"), "bytes */0");
	ck_assert_uint_eq(request_of(&site, "/x", NULL, NULL), 404);
	ck_assert_uint_eq(request_of(&site, "/f/", NULL, NULL), 404);
	ck_assert_uint_eq(request_of(&site, "/f/x", NULL, NULL), 404);
	ck_assert_uint_eq(request_of(&nothing, "/f", NULL, NULL), 404);
	ck_assert_uint_eq(request_of(&nothing, "/", NULL, NULL), 404);
}
END_TEST

START_TEST(embedded_folders)
{
	ck_assert_uint_eq(request_of(&site, "/a/", NULL, NULL), 200);
	ck_assert_text(hand_made_answer_body(&h), "folder");
	x->query = STR("q=1");
	ck_assert_uint_eq(request_of(&site, "/a", NULL, NULL), 301);
	ck_assert_text(hand_made_answer_field(&h, "location"), "/a/?q=1");
	ck_assert_uint_eq(request_of(&site, "/", NULL, NULL), 404);
	ck_assert_uint_eq(request_of(&site, "/e", NULL, NULL), 404);
}
END_TEST

START_TEST(fallbacks)
{
	ck_assert_uint_eq(request_of(&app, "/orders/7", NULL, NULL), 200);
	ck_assert_text(hand_made_answer_body(&h), "0123456789");
	ck_assert_text(hand_made_answer_field(&h, "vary"), "");
	ck_assert_uint_eq(request_of(&app, "/", NULL, NULL), 200);
	ck_assert_uint_eq(request_of(&app, "/a-b", NULL, NULL), 200);
	ck_assert_text(hand_made_answer_body(&h), "between");
	/* What can be no file is not the application's either. */
	ck_assert_uint_eq(request_of(&app, "/.git/config", NULL, NULL), 404);
}
END_TEST

START_TEST(variants)
{
	request_of(&site, "/f", "accept-encoding", "gzip, br");
	ck_assert_text(hand_made_answer_field(&h, "content-encoding"), "br");
	ck_assert_text(hand_made_answer_body(&h), "br-bytes");
	ck_assert_text(hand_made_answer_field(&h, "etag"), "\"b\"");
	ck_assert_text(hand_made_answer_field(&h, "content-type"), "text/plain");
	request_of(&site, "/f", "accept-encoding", "gzip, br;q=0.9");
	ck_assert_text(hand_made_answer_field(&h, "content-encoding"), "gzip");
	request_of(&site, "/f", "accept-encoding", "gzip;q=0.5, identity");
	ck_assert_text(hand_made_answer_field(&h, "content-encoding"), "");
	request_of(&site, "/f", "accept-encoding", "gzip, identity");
	ck_assert_text(hand_made_answer_field(&h, "content-encoding"), "gzip");
	request_of(&site, "/f", "accept-encoding", "zstd");
	ck_assert_text(hand_made_answer_body(&h), "0123456789");
	/* A file without siblings is what it is. */
	request_of(&site, "/a-b", "accept-encoding", "br");
	ck_assert_text(hand_made_answer_body(&h), "between");
	ck_assert_text(hand_made_answer_field(&h, "vary"), "accept-encoding");
	/* Conditions and ranges are about the representation that was chosen. */
	x->chain_answered = false;
	x->request.head.n = 0;
	hand_made_field(&h, "accept-encoding", "br");
	hand_made_field(&h, "if-none-match", "\"3\"");
	hand_made_field(&h, "range", "bytes=3-");
	x->path = STR("/f");
	toron_action_files(x, &(const struct toron_files_route){ &site, 0 });
	ck_assert_uint_eq(x->response.status, 206);
	ck_assert_text(hand_made_answer_body(&h), "bytes");
	ck_assert_text(hand_made_answer_field(&h, "content-encoding"), "br");
}
END_TEST

START_TEST(parts)
{
	ck_assert_uint_eq(request_of(&site, "/f", "range", "bytes=2-4"), 206);
	ck_assert_text(hand_made_answer_body(&h), "234");
	ck_assert_text(hand_made_answer_field(&h, "content-range"), "bytes 2-4/10");
	ck_assert_uint_eq(request_of(&site, "/f", "range", "bytes=20-"), 416);
	ck_assert_text(hand_made_answer_field(&h, "content-range"), "bytes */10");
	ck_assert_uint_eq(request_of(&site, "/f", "range", "lines=1-2"), 200);
	x->method_bit = TORON_HEAD;
	ck_assert_uint_eq(request_of(&site, "/f", "range", "bytes=2-4"), 200);
	ck_assert_int_eq(x->response.length, 10);
	ck_assert(x->response.bodiless);
}
END_TEST

START_TEST(conditions)
{
	ck_assert_uint_eq(request_of(&site, "/f", "if-none-match", "\"3\""), 304);
	ck_assert_text(hand_made_answer_field(&h, "etag"), "\"3\"");
	ck_assert_text(hand_made_answer_field(&h, "cache-control"), "no-cache");
	ck_assert_text(hand_made_answer_field(&h, "vary"), "accept-encoding");
	ck_assert_text(hand_made_answer_field(&h, "content-type"), "");
	ck_assert_int_eq(x->response.length, -1);
	ck_assert_uint_eq(request_of(&site, "/f", "if-match", "\"0\""), 412);
	ck_assert_uint_eq(request_of(&site, "/f", "if-match", "\"3\""), 200);
}
END_TEST

START_TEST(methods)
{
	static const uint32_t others[] = { TORON_POST, TORON_PUT, TORON_DELETE, TORON_OPTIONS, TORON_PATCH, TORON_METHOD_OTHER };

	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		x->method_bit = others[i];
		ck_assert_uint_eq(request_of(&site, "/f", NULL, NULL), 405);
		ck_assert_text(hand_made_answer_field(&h, "allow"), "GET, HEAD");
	}
}
END_TEST

/* ---- answers from disk ---- */

static bool front_takes;

static void front_quiet(struct leg *leg)
{
	(void)leg;
}

static void front_head(struct leg *leg, const struct msg *m)
{
	(void)leg;
	(void)m;
}

static void front_reset(struct leg *leg, enum fault fault)
{
	(void)leg;
	(void)fault;
}

static bool front_takes_file(const struct leg *leg)
{
	(void)leg;
	return front_takes;
}

/* Starts an answer of text, a long stretch of a file, a short one and text, for a front that takes files or does not. */
static void start_pieces(bool takes)
{
	static const struct files_piece pieces[] = {
		{ .text = "ab", .len = 2 }, { .from = 100, .len = 100000 }, { .from = 7, .len = 100 }, { .text = "z", .len = 1 } };
	static const struct leg_ops ops = { "front", front_head, front_quiet, front_quiet, front_reset, front_takes_file };
	static struct leg front = { .ops = &ops };
	int fd = open("/dev/zero", O_RDONLY);

	ck_assert_int_ge(fd, 0);
	front_takes = takes;
	x->front = &front;
	h.worker.bufs = buf_pool_new(h.worker.loop, 0);
	toron_respond(x, 200, STR("a/b"), STR(""), NULL, 0);
	x->response.length = 100103;
	ck_assert(files_body_attach(x, fd, pieces, 4));
	x->running = false;
	answer_start(x);
	ck_assert_uint_eq(body_unsent(&x->response.body), 100103);
	ck_assert(x->response.body.end);
}

static void end_pieces(void)
{
	x->back->ops->reset(x->back, FAULT_NONE);
	body_fini(&x->response.body);
	ck_assert_uint_eq(buf_pool_lent(h.worker.bufs), 0);
	buf_pool_free(&h.worker.bufs);
}

START_TEST(a_front_that_takes_files_gets_the_long_ones)
{
	struct iovec iov[BODY_SEGMENTS];
	uint64_t from = 0;
	int fd = -1;

	start_pieces(true);
	ck_assert_int_eq(body_peek(&x->response.body, iov, BODY_SEGMENTS), 1);
	ck_assert_mem_eq(iov[0].iov_base, "ab", 2);
	ck_assert_uint_eq(body_peek_file(&x->response.body, 1, &fd, &from), 100000);
	ck_assert_uint_eq(from, 100);
	ck_assert_int_ge(fd, 0);
	body_sent(&x->response.body, 100002);
	ck_assert_int_eq(body_peek(&x->response.body, iov, BODY_SEGMENTS), 2);
	ck_assert_uint_eq(iov[0].iov_len, 100);
	ck_assert_uint_eq(iov[1].iov_len, 1);
	end_pieces();
}
END_TEST

START_TEST(other_fronts_get_bytes)
{
	struct iovec iov[BODY_SEGMENTS];
	size_t total = 0;
	uint64_t from;
	int n, fd;

	start_pieces(false);
	n = body_peek(&x->response.body, iov, BODY_SEGMENTS);
	for (int i = 0; i < n; i++)
		total += iov[i].iov_len;
	ck_assert_uint_eq(total, 100103);
	ck_assert_uint_eq(body_peek_file(&x->response.body, n, &fd, &from), 0);
	end_pieces();
}
END_TEST

Suite *suite_files(void)
{
	Suite *s = suite_create("files");
	TCase *names_case = tcase_create("names"), *answers = tcase_create("answers");

	tcase_add_test(names_case, names);
	tcase_add_test(names_case, refused_names);
	tcase_add_test(names_case, hidden_names);
	tcase_add_test(names_case, long_names);
	tcase_add_test(names_case, opening);
	tcase_add_test(names_case, opening_by_walking);
	tcase_add_test(names_case, permissions);
	tcase_add_test(names_case, no_descriptor_is_lost);
	tcase_add_test(names_case, media_types);
	tcase_add_test(names_case, media_types_are_sorted);
	suite_add_tcase(s, names_case);
	tcase_add_checked_fixture(answers, setup, teardown);
	tcase_add_test(answers, embedded_files);
	tcase_add_test(answers, embedded_folders);
	tcase_add_test(answers, fallbacks);
	tcase_add_test(answers, variants);
	tcase_add_test(answers, a_front_that_takes_files_gets_the_long_ones);
	tcase_add_test(answers, other_fronts_get_bytes);
	tcase_add_test(answers, parts);
	tcase_add_test(answers, conditions);
	tcase_add_test(answers, methods);
	suite_add_tcase(s, answers);
	return s;
}
