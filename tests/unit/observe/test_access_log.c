/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "observe/access_log.h"
#include "observe/json_line.h"

static struct worker w;
static struct exchange x;
static int ends[2];

static const struct toron_listener listener = { .name = "web" };
static const struct toron_route route = { .name = "users" };
static const struct toron_server servers[] = { { .authority = STR_INIT("a:1") }, { .authority = STR_INIT("b:2") } };
static const struct toron_backend backend = { .name = "pool", .servers = servers, .n_servers = 2 };
static const struct toron_log conf = { .access = true, .access_path = "stdout", .access_sample_ppm = 1000000 };

static void setup(void)
{
	memset(&w, 0, sizeof(w));
	memset(&x, 0, sizeof(x));
	w.loop = loop_new();
	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	w.access = access_log_new(&w, ends[1], &conf);
	ck_assert_ptr_nonnull(w.access);
	x.worker = &w;
	x.listener = &listener;
	x.request.method = STR("GET");
	x.request.path = STR("/v1/users/7?a=b");
	x.request.version_minor = 1;
	x.host = STR("api.example.com");
	ck_assert(addr_parse(STR("192.0.2.9"), 4711, &x.source));
	x.response.status = 200;
	x.times.begun = clock_monotonic_us() - 2500;
}

static void teardown(void)
{
	access_log_free(&w.access);
	close(ends[0]);
	close(ends[1]);
	loop_free(&w.loop);
}

static void end_turn(void)
{
	loop_stop(w.loop);
	loop_run(w.loop);
}

static char line[1 << 16];

/* One line, without what changes: time and duration. */
static const char *logged(void)
{
	ssize_t n;
	char *at;

	end_turn();
	n = read(ends[0], line, sizeof(line) - 1);
	ck_assert_int_gt(n, 0);
	line[n] = '\0';
	ck_assert_int_eq(line[n - 1], '\n');
	ck_assert_int_eq(strncmp(line, "{\"time\":\"20", 11), 0);
	ck_assert_ptr_eq(strchr(line, '}'), line + n - 2);
	at = strstr(line, "\"duration_ms\":");
	ck_assert_ptr_nonnull(at);
	ck_assert_float_ge(strtod(at + 14, NULL), 2.5);
	at[14] = '#';
	memmove(at + 15, strchr(at + 15, ','), strlen(strchr(at + 15, ',')) + 1);
	return strchr(line, ',') + 1;
}

START_TEST(a_line_tells_the_exchange)
{
	access_log_exchange(&x);
	ck_assert_str_eq(logged(),
		"\"listener\":\"web\",\"client\":\"192.0.2.9:4711\",\"method\":\"GET\",\"host\":\"api.example.com\","
		"\"path\":\"/v1/users/7?a=b\",\"protocol\":\"HTTP/1.1\",\"status\":200,\"duration_ms\":#,"
		"\"request_bytes\":0,\"response_bytes\":0}\n");
}
END_TEST

START_TEST(what_was_decided_is_told_too)
{
	struct field agent = { .name = STR("user-agent"), .value = STR("curl \"8\"\t\\\x01"), .token = FIELD_USER_AGENT };

	x.route = &route;
	x.backend = &backend;
	x.server = 1;
	x.tries = 2;
	x.fault = FAULT_CONNECT_TIMEOUT;
	x.request_id = STR("abc-1");
	x.request.head = (struct fields){ .at = &agent, .n = 1, .cap = 1, .tokens = FIELD_BIT(FIELD_USER_AGENT) };
	x.request.version_minor = 0;
	x.request.body.appended = 12;
	x.response.body.sent = 34567890123;
	x.response.status = 504;
	x.times.first_byte = x.times.begun + 1007;
	access_log_exchange(&x);
	ck_assert_str_eq(logged(),
		"\"listener\":\"web\",\"client\":\"192.0.2.9:4711\",\"method\":\"GET\",\"host\":\"api.example.com\","
		"\"path\":\"/v1/users/7?a=b\",\"protocol\":\"HTTP/1.0\",\"status\":504,\"route\":\"users\","
		"\"backend\":\"pool\",\"server\":\"b:2\",\"tries\":2,\"duration_ms\":#,\"first_byte_ms\":1.007,"
		"\"request_bytes\":12,\"response_bytes\":34567890123,\"request_id\":\"abc-1\","
		"\"user_agent\":\"curl \\\"8\\\"\\u0009\\\\\\u0001\",\"fault\":\"connect-timeout\"}\n");
}
END_TEST

START_TEST(text_is_always_utf8)
{
	x.request.path = STR("/\xc3\xa9/\xff\xc0\xaf\xed\xa0\x80/\xf0\x9f\x98\x80\xe2\x82");
	access_log_exchange(&x);
	ck_assert_ptr_nonnull(strstr(logged(), "\"path\":\"/\xc3\xa9/\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd/"
					      "\xf0\x9f\x98\x80\\ufffd\\ufffd\","));
}
END_TEST

/* For programs that split lines where Unicode does, and for terminals. */
START_TEST(a_line_stays_a_line)
{
	x.request.path = STR("/\xc2\x80\xc2\x85\xc2\x9b" "31m\xc2\xa0\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\xe2\x81\xa8\xe1\x80\xa8");
	access_log_exchange(&x);
	ck_assert_ptr_nonnull(strstr(logged(), "\"path\":\"/\\u0080\\u0085\\u009b31m\xc2\xa0\xe2\x80\xa7\\u2028\\u2029\xe2\x80\xaa\xe2\x81\xa8"
					      "\xe1\x80\xa8\","));
}
END_TEST

START_TEST(long_values_are_cut)
{
	static char path[20000];
	int n = 0;

	memset(path, '\x01', sizeof(path));
	x.request.path = (struct str){ path, sizeof(path) };
	access_log_exchange(&x);
	for (const char *at = logged(); (at = strstr(at, "\\u0001")) != NULL; at++)
		n++;
	ck_assert_int_eq(n, 4096);
}
END_TEST

START_TEST(lines_of_a_turn_are_written_together)
{
	ssize_t n;
	int lines = 0;

	for (int i = 0; i < 20; i++)
		access_log_exchange(&x);
	ck_assert_int_eq(read(ends[0], line, sizeof(line)), -1);
	ck_assert_int_eq(errno, EAGAIN);
	end_turn();
	n = read(ends[0], line, sizeof(line));
	for (ssize_t i = 0; i < n; i++)
		lines += line[i] == '\n';
	ck_assert_int_eq(lines, 20);
}
END_TEST

static void on_end(struct loop_timer *t)
{
	loop_stop(t->loop);
}

static void run_for(struct loop *l, uint64_t ms)
{
	struct loop_timer end;

	loop_timer_init(&end, l, on_end);
	loop_timer_set(&end, ms);
	loop_run(l);
	loop_timer_fini(&end);
}

static int count_lines(void)
{
	int lines = 0;
	ssize_t n;

	while ((n = read(ends[0], line, sizeof(line))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			lines += line[i] == '\n';
	}
	return lines;
}

START_TEST(a_sink_that_does_not_keep_up_costs_lines_only)
{
	int lines = 0;

	/* The pipe takes 64 KiB, the log 256 KiB; a line is some 250 bytes. */
	for (int i = 0; i < 4000; i++) {
		access_log_exchange(&x);
		if (i % 10 == 0)
			end_turn();
	}
	for (int i = 0; i < 20; i++) {
		lines += count_lines();
		run_for(w.loop, 10);
	}
	ck_assert_int_gt(lines, 1000);
	ck_assert_int_lt(lines, 2000);
	/* It recovers, and lines are whole. */
	access_log_exchange(&x);
	logged();
}
END_TEST

START_TEST(the_end_waits_for_the_sink_a_while)
{
	uint64_t begin = clock_monotonic_us();

	for (int i = 0; i < 1000; i++)
		access_log_exchange(&x);
	access_log_free(&w.access);
	ck_assert_uint_ge(clock_monotonic_us() - begin, 900000);
	ck_assert_uint_le(clock_monotonic_us() - begin, 5000000);
	ck_assert_int_gt(count_lines(), 100);
	/* Without a log there is nothing to do. */
	access_log_exchange(&x);
}
END_TEST

START_TEST(workers_do_not_cut_each_others_lines)
{
	struct worker other = { .index = 1, .loop = loop_new() };
	struct exchange y = x;
	char last = '\n';
	ssize_t n;

	other.access = access_log_new(&other, ends[1], &conf);
	y.worker = &other;
	y.request.path = STR("/other");
	for (int i = 0; i < 500; i++)
		access_log_exchange(&x);
	end_turn(); /* fills the pipe, most likely in the middle of a line */
	access_log_exchange(&y);
	run_for(other.loop, 1);
	/* Now there is room, and the other one has its chance first. */
	n = read(ends[0], line, 8192);
	run_for(other.loop, 20);
	for (int turn = 0; turn < 40; turn++) {
		run_for(w.loop, 10);
		do {
			for (ssize_t i = 0; i < n; i++) {
				ck_assert((last == '\n') == (line[i] == '{'));
				last = line[i];
			}
			n = read(ends[0], line, sizeof(line));
		} while (n > 0);
	}
	access_log_free(&other.access);
	ck_assert_int_eq(count_lines(), 1);
	loop_free(&other.loop);
}
END_TEST

START_TEST(sampling_takes_its_share)
{
	struct toron_log some = conf;
	int lines;

	access_log_free(&w.access);
	some.access_sample_ppm = 100000;
	w.access = access_log_new(&w, ends[1], &some);
	for (int i = 0; i < 2000; i++)
		access_log_exchange(&x);
	end_turn();
	lines = count_lines();
	ck_assert_int_gt(lines, 100);
	ck_assert_int_lt(lines, 320);
	access_log_free(&w.access);
	some.access_sample_ppm = 0;
	w.access = access_log_new(&w, ends[1], &some);
	for (int i = 0; i < 1000; i++)
		access_log_exchange(&x);
	end_turn();
	ck_assert_int_eq(count_lines(), 0);
}
END_TEST

START_TEST(sinks_are_opened)
{
	struct toron_log to = conf;
	char path[] = "/tmp/toron-test-log-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_eq(write(fd, "a", 1), 1);
	close(fd);
	to.access_path = path;
	fd = access_log_open(&to);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "b", 1), 1);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 2);
	close(fd);
	unlink(path);
	to.access_path = "/nonexistent/log";
	ck_assert_int_lt(access_log_open(&to), 0);
	ck_assert_int_eq(errno, ENOENT);
	to.access_path = "stderr";
	fd = access_log_open(&to);
	ck_assert_int_gt(fd, 2);
	close(fd);
}
END_TEST

START_TEST(stdout_keeps_its_own_flags)
{
	int saved = dup(STDOUT_FILENO), blocking[2], fd;

	ck_assert_int_eq(pipe(blocking), 0);
	fflush(stdout);
	dup2(blocking[1], STDOUT_FILENO);
	fd = access_log_open(&conf);
	dup2(saved, STDOUT_FILENO);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(fcntl(blocking[1], F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	ck_assert_int_eq(read(blocking[0], line, 2), 1);
	close(fd);
	close(saved);
	close(blocking[0]);
	close(blocking[1]);
}
END_TEST

/* What one byte becomes; those above 0x7f alone are not UTF-8. */
static int expect_byte(char *to, size_t room, unsigned c)
{
	if (c == '"' || c == '\\')
		return snprintf(to, room, "\\%c", (int)c);
	if (c < ' ' || c == 0x7f)
		return snprintf(to, room, "\\u%04x", c);
	return c < 0x7f ? snprintf(to, room, "%c", (int)c) : snprintf(to, room, "\\ufffd");
}

/* One odd byte, or none, at `at` in `len` bytes that stand in memory of their own, so that nothing beyond them is read. */
static void check_byte(unsigned c, size_t at, size_t len)
{
	static const struct json_name name = JSON_NAME("v");
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO";
	char byte[8], wanted[80], out[JSON_NAME_MOST + JSON_LINE_TEXT(sizeof(plain))];
	int n_byte = expect_byte(byte, sizeof(byte), c);
	int n = snprintf(wanted, sizeof(wanted), "{\"v\":\"%.*s%.*s%.*s\"}\n", (int)at, plain, n_byte, byte, (int)(len - at - 1), plain + at + 1);
	char *value = malloc(len);
	struct json_line j;

	ck_assert_ptr_nonnull(value);
	memcpy(value, plain, len);
	value[at] = (char)c;
	json_line_begin(&j, out);
	json_line_text(&j, &name, (struct str){ value, len });
	ck_assert_int_eq(json_line_end(&j) - out, n);
	ck_assert_int_eq(memcmp(out, wanted, (size_t)n), 0);
	free(value);
}

/* Each byte at each place among plain ones, which are taken many at a time. */
START_TEST(each_byte_at_each_place)
{
	for (unsigned c = 0; c < 256; c++)
		for (size_t len = 1; len <= 40; len += len < 18 ? 1 : 11)
			for (size_t at = 0; at < len; at++)
				check_byte(c, at, len);
}
END_TEST

Suite *suite_access_log(void)
{
	Suite *s = suite_create("access_log");
	TCase *c = tcase_create("access_log");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_line_tells_the_exchange);
	tcase_add_test(c, each_byte_at_each_place);
	tcase_add_test(c, what_was_decided_is_told_too);
	tcase_add_test(c, text_is_always_utf8);
	tcase_add_test(c, a_line_stays_a_line);
	tcase_add_test(c, long_values_are_cut);
	tcase_add_test(c, lines_of_a_turn_are_written_together);
	tcase_add_test(c, a_sink_that_does_not_keep_up_costs_lines_only);
	tcase_add_test(c, the_end_waits_for_the_sink_a_while);
	tcase_add_test(c, workers_do_not_cut_each_others_lines);
	tcase_add_test(c, sampling_takes_its_share);
	tcase_add_test(c, sinks_are_opened);
	tcase_add_test(c, stdout_keeps_its_own_flags);
	suite_add_tcase(s, c);
	return s;
}
