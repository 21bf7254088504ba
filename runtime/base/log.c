/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define LOG_LINE_MOST 4096
#define LOG_BYTES_PER_SECOND (64u << 10)

static enum log_level log_least = LOG_INFO;
static enum log_format log_form = LOG_TEXT;

/* The rate limit: bytes that left in the current second, and lines that did not. */
static _Atomic uint64_t window_second;
static _Atomic uint32_t window_bytes;
static _Atomic uint64_t lines_dropped;

void log_setup(enum log_level least, enum log_format format)
{
	log_least = least;
	log_form = format;
}

bool log_enabled(enum log_level level)
{
	return level >= log_least;
}

struct line {
	size_t len;
	char text[LOG_LINE_MOST];
};

static void add(struct line *l, const char *s, size_t n)
{
	size_t room = sizeof(l->text) - 4 - l->len; /* "}, quote, newline always fit */

	if (n > room)
		n = room;
	memcpy(l->text + l->len, s, n);
	l->len += n;
}

/* Controls, quotes and backslashes are escaped as in JSON; one escape is kept whole or left out. */
static void add_escaped(struct line *l, const char *s, bool quotes)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		char escape[8];
		int n;

		if (c >= 0x20 && c != 0x7f && !(quotes && (c == '"' || c == '\\'))) {
			add(l, s, 1);
			continue;
		}
		n = c >= 0x20 && c != 0x7f ? snprintf(escape, sizeof(escape), "\\%c", c)
					   : snprintf(escape, sizeof(escape), "\\u%04x", c);
		if (l->len + (size_t)n <= sizeof(l->text) - 4)
			add(l, escape, (size_t)n);
	}
}

static bool within_rate(size_t n)
{
	uint64_t now = clock_monotonic_us() / 1000000u;
	uint64_t seen = atomic_load_explicit(&window_second, memory_order_relaxed);

	if (seen != now && atomic_compare_exchange_strong(&window_second, &seen, now))
		atomic_store_explicit(&window_bytes, 0, memory_order_relaxed);
	return atomic_fetch_add_explicit(&window_bytes, (uint32_t)n, memory_order_relaxed) + n <=
	       LOG_BYTES_PER_SECOND;
}

static void put(const struct line *l)
{
	ssize_t n;

	do
		n = write(STDERR_FILENO, l->text, l->len);
	while (n < 0 && errno == EINTR);
}

static void format_line(
	struct line *l, enum log_level level, const char *event, const char *message)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	char stamp[CLOCK_RFC3339_LEN];
	bool json = log_form == LOG_JSON;

	clock_rfc3339(clock_wall_us(), stamp);
	l->len = 0;
	if (json)
		add(l, "{\"time\":\"", 9);
	add(l, stamp, sizeof(stamp));
	add(l, json ? "\",\"level\":\"" : " ", json ? 11 : 1);
	add(l, names[level], strlen(names[level]));
	add(l, json ? "\",\"event\":\"" : " ", json ? 11 : 1);
	add_escaped(l, event, json);
	add(l, json ? "\",\"message\":\"" : " ", json ? 13 : 1);
	add_escaped(l, message, json);
	memcpy(l->text + l->len, json ? "\"}\n" : "\n", json ? 3 : 1);
	l->len += json ? 3 : 1;
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
	char message[LOG_LINE_MOST];
	struct line l;
	uint64_t dropped;
	va_list args;

	if (!log_enabled(level))
		return;
	va_start(args, format);
	if (vsnprintf(message, sizeof(message), format, args) < 0)
		message[0] = '\0';
	va_end(args);
	format_line(&l, level, event, message);
	if (!within_rate(l.len)) {
		atomic_fetch_add_explicit(&lines_dropped, 1, memory_order_relaxed);
		return;
	}
	dropped = atomic_exchange_explicit(&lines_dropped, 0, memory_order_relaxed);
	if (dropped > 0) {
		struct line note;

		snprintf(message, sizeof(message), "%llu lines were left out",
			(unsigned long long)dropped);
		format_line(&note, LOG_WARN, "log-rate-limited", message);
		put(&note);
	}
	put(&l);
}
