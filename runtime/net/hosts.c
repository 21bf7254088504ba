/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "net/hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"

#define HOSTS_MOST ((size_t)1 << 20)

struct host {
	struct str name; /* in the text */
	struct addr addr;
	size_t order;
};

struct hosts {
	char *text;      /* owned */
	struct host *at; /* owned; by name, then in the file's order */
	size_t n, cap;
};

/* The file's first bytes; false when out of memory. */
static bool read_text(struct hosts *h, const char *path, size_t *len_out)
{
	size_t len = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	h->text = malloc(HOSTS_MOST);
	while (h->text != NULL && fd >= 0 && len < HOSTS_MOST) {
		ssize_t n = read(fd, h->text + len, HOSTS_MOST - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
	if (h->text == NULL)
		return false;
	if (len == HOSTS_MOST) {
		log_event(LOG_WARN, "hosts-too-large", "%s: only the first 1 MiB counts", path);
		/* The last line is cut. */
		while (len > 0 && h->text[len - 1] != '\n')
			len--;
	}
	*len_out = len;
	if (len == 0) {
		free(h->text);
		h->text = NULL;
	} else {
		char *fitting = realloc(h->text, len);

		h->text = fitting != NULL ? fitting : h->text;
	}
	return true;
}

static bool add_host(struct hosts *h, struct str name, const struct addr *a)
{
	if (h->n == h->cap) {
		size_t cap = h->cap == 0 ? 16 : 2 * h->cap;
		struct host *at = realloc(h->at, cap * sizeof(*at));

		if (at == NULL)
			return false;
		h->at = at;
		h->cap = cap;
	}
	h->at[h->n] = (struct host){ .name = name, .addr = *a, .order = h->n };
	h->n++;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of a line; false at its end. */
static bool next_word(struct str *line, struct str *word_out)
{
	size_t from = 0, to;

	while (from < line->len && is_blank(line->ptr[from]))
		from++;
	to = from;
	while (to < line->len && !is_blank(line->ptr[to]))
		to++;
	*word_out = str_slice(*line, from, to - from);
	*line = str_slice(*line, to, line->len);
	return word_out->len > 0;
}

static bool add_line(struct hosts *h, struct str line)
{
	struct str word;
	struct addr a;

	line.len = str_find_char(line, '#');
	if (!next_word(&line, &word) || !addr_parse(word, 0, &a))
		return true;
	while (next_word(&line, &word)) {
		if (!add_host(h, word, &a))
			return false;
	}
	return true;
}

static int by_name(const void *left, const void *right)
{
	const struct host *a = left, *b = right;
	int c = str_cmp(a->name, b->name);

	if (c != 0)
		return c;
	return a->order < b->order ? -1 : a->order > b->order;
}

struct hosts *hosts_new(const char *path)
{
	struct hosts *h = calloc(1, sizeof(*h));
	struct str rest = { NULL, 0 }, line;

	if (h == NULL || !read_text(h, path, &rest.len)) {
		hosts_free(&h);
		return NULL;
	}
	for (size_t i = 0; i < rest.len; i++)
		h->text[i] = (char)ascii_lower((unsigned char)h->text[i]);
	rest.ptr = h->text;
	while (str_split(&rest, '\n', &line)) {
		if (!add_line(h, line)) {
			hosts_free(&h);
			return NULL;
		}
	}
	if (h->n > 1)
		qsort(h->at, h->n, sizeof(*h->at), by_name);
	return h;
}

void hosts_free(struct hosts **h)
{
	if (*h == NULL)
		return;
	free((*h)->at);
	free((*h)->text);
	free(*h);
	*h = NULL;
}

/* IPv4 first: who listens on ::1 mostly listens on 127.0.0.1 too, but not the other way round. */
static size_t loopback(struct addr *out, size_t room)
{
	size_t n = 0;

	if (n < room && addr_parse(STR("127.0.0.1"), 0, &out[n]))
		n++;
	if (n < room && addr_parse(STR("::1"), 0, &out[n]))
		n++;
	return n;
}

size_t hosts_find(const struct hosts *h, struct str name, struct addr *out, size_t room)
{
	size_t from = 0, to = h->n, n = 0;

	if (name.len > 0 && name.ptr[name.len - 1] == '.')
		name.len--;
	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (str_cmp(h->at[middle].name, name) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	for (; from < h->n && n < room && str_eq(h->at[from].name, name); from++)
		out[n++] = h->at[from].addr;
	if (n == 0 && (str_eq(name, STR("localhost")) || str_ends(name, STR(".localhost"))))
		n = loopback(out, room);
	return n;
}
