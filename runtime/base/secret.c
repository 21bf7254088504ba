/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"

static int fail(char why[SECRET_WHY_MAX], const char *origin, const char *what, const char *name,
	const char *detail)
{
	snprintf(why, SECRET_WHY_MAX, "%s: %s%s%s", origin == NULL ? "config" : origin, what, name,
		detail);
	return ERR_INVALID;
}

static int keep(struct str s, const char *origin, struct secret *out, char why[SECRET_WHY_MAX])
{
	out->ptr = malloc(s.len + 1);
	if (out->ptr == NULL)
		return fail(why, origin, "no memory for a secret", "", "");
	memcpy(out->ptr, s.ptr, s.len);
	out->ptr[s.len] = '\0';
	out->len = s.len;
	return 0;
}

static int read_env(
	const struct toron_secret *from, size_t most, struct secret *out, char why[SECRET_WHY_MAX])
{
	char name[257];
	const char *value;

	snprintf(name, sizeof(name), STR_FMT, STR_ARG(from->value));
	value = getenv(name);
	if (value == NULL)
		return fail(why, from->origin, "the environment has no ", name, "");
	if (value[0] == '\0')
		return fail(why, from->origin, "the environment variable ", name, " is empty");
	if (strlen(value) > most)
		return fail(why, from->origin, "the environment variable ", name, " is too long");
	return keep(str_of(value), from->origin, out, why);
}

/* Up to `most` + 1 bytes, so that a file that is too long (or grew) shows; -1 and errno on
 * failure. */
static ssize_t read_all(int fd, char *into, size_t most)
{
	size_t len = 0;

	while (len <= most) {
		ssize_t n = read(fd, into + len, most + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static size_t without_line_end(const char *text, size_t len)
{
	if (len > 0 && text[len - 1] == '\n')
		len -= len > 1 && text[len - 2] == '\r' ? 2 : 1;
	return len;
}

static int read_open(int fd, const char *path, const char *origin, size_t most, struct secret *out,
	char why[SECRET_WHY_MAX])
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return fail(why, origin, "not a regular file: ", path, "");
	out->ptr = malloc(most + 2);
	if (out->ptr == NULL)
		return fail(why, origin, "no memory for ", path, "");
	n = read_all(fd, out->ptr, most);
	if (n < 0)
		return fail(why, origin, "cannot read ", path, "");
	out->len = (size_t)n; /* to be wiped, whatever follows */
	if (out->len > most)
		return fail(why, origin, "too long: ", path, "");
	out->len = without_line_end(out->ptr, out->len);
	out->ptr[out->len] = '\0';
	return out->len == 0 ? fail(why, origin, "empty: ", path, "") : 0;
}

int secret_read_file(const char *path, const char *origin, size_t most, struct secret *out,
	char why[SECRET_WHY_MAX])
{
	/* Not blocking, or a FIFO without a writer would hang the start. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), err;
	char detail[128];

	*out = (struct secret){ 0 };
	if (fd < 0) {
		snprintf(detail, sizeof(detail), ": %s", strerror(errno));
		return fail(why, origin, "cannot open ", path, detail);
	}
	err = read_open(fd, path, origin, most, out, why);
	close(fd);
	if (err != 0)
		secret_free(out);
	return err;
}

static int read_file(
	const struct toron_secret *from, size_t most, struct secret *out, char why[SECRET_WHY_MAX])
{
	char *path = strndup(from->value.ptr, from->value.len);
	int err;

	if (path == NULL)
		return fail(why, from->origin, "no memory for a path", "", "");
	err = secret_read_file(path, from->origin, most, out, why);
	free(path);
	return err;
}

int secret_read(
	const struct toron_secret *from, size_t most, struct secret *out, char why[SECRET_WHY_MAX])
{
	*out = (struct secret){ 0 };
	switch (from->kind) {
	case TORON_SECRET_ENV:
		return read_env(from, most, out, why);
	case TORON_SECRET_FILE:
		return read_file(from, most, out, why);
	case TORON_SECRET_LITERAL:
		if (from->value.len == 0)
			return fail(why, from->origin, "the secret is empty", "", "");
		if (from->value.len > most)
			return fail(why, from->origin, "the secret is too long", "", "");
		return keep(from->value, from->origin, out, why);
	case TORON_SECRET_NONE:
		break;
	}
	return fail(why, from->origin, "there is no secret", "", "");
}

void secret_free(struct secret *s)
{
	if (s->ptr != NULL)
		explicit_bzero(s->ptr, s->len);
	free(s->ptr);
	*s = (struct secret){ 0 };
}
