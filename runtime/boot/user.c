/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "boot/user.h"

#include <errno.h>
#include <grp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"

#define FIELDS_MOST 7

/* The colon-separated fields of a line; how many. */
static size_t fields_of(struct str line, struct str fields[FIELDS_MOST])
{
	size_t n = 0;

	if (line.len > 0 && line.ptr[line.len - 1] == '\n')
		line.len--;
	while (n < FIELDS_MOST && str_split(&line, ':', &fields[n]))
		n++;
	return n;
}

typedef void line_fn(void *state, const struct str *fields, size_t n);

static bool each_line(const char *path, line_fn *fn, void *state)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	if (f == NULL) {
		log_event(LOG_ERROR, "user-failed", "%s: %s", path, strerror(errno));
		return false;
	}
	while ((len = getline(&line, &cap, f)) >= 0) {
		struct str fields[FIELDS_MOST];
		size_t n = fields_of((struct str){ line, (size_t)len }, fields);

		fn(state, fields, n);
	}
	free(line);
	fclose(f);
	return true;
}

struct search {
	struct str name;
	uint64_t number;    /* UINT64_MAX: the name is none */
	struct user *out;
	char login[256];    /* of the entry that was found */
	bool by_name, by_number;
};

/* name:password:uid:gid:gecos:home:shell, passwd(5) */
static void passwd_line(void *state, const struct str *fields, size_t n)
{
	struct search *s = state;
	uint64_t uid, gid;
	bool is_name;

	if (n < 4 || s->by_name || fields[0].len == 0 || fields[0].len >= sizeof(s->login) ||
	    !str_to_u64(fields[2], UINT32_MAX - 1, &uid) || !str_to_u64(fields[3], UINT32_MAX - 1, &gid))
		return;
	is_name = str_eq(fields[0], s->name);
	if (!is_name && (uid != s->number || s->by_number))
		return;
	s->by_name = is_name;
	s->by_number = true;
	s->out->uid = (uid_t)uid;
	s->out->gid = (gid_t)gid;
	memcpy(s->login, fields[0].ptr, fields[0].len);
	s->login[fields[0].len] = '\0';
}

static void add_group(struct user *u, gid_t gid)
{
	for (size_t i = 0; i < u->n_groups; i++) {
		if (u->groups[i] == gid)
			return;
	}
	if (u->n_groups < USER_MAX_GROUPS)
		u->groups[u->n_groups++] = gid;
}

/* name:password:gid:member,member, group(5) */
static void group_line(void *state, const struct str *fields, size_t n)
{
	struct search *s = state;
	struct str members, member;
	uint64_t gid;

	if (n < 4 || !str_to_u64(fields[2], UINT32_MAX - 1, &gid))
		return;
	members = fields[3];
	while (str_split(&members, ',', &member)) {
		if (str_eq(member, str_of(s->login)))
			add_group(s->out, (gid_t)gid);
	}
}

bool user_find(const char *name, const char *passwd_path, const char *group_path, struct user *out)
{
	struct search s = { .name = str_of(name), .out = out };

	*out = (struct user){ 0 };
	if (!str_to_u64(s.name, UINT32_MAX - 1, &s.number))
		s.number = UINT64_MAX;
	if (!each_line(passwd_path, passwd_line, &s))
		return false;
	if (!s.by_name && !s.by_number) {
		log_event(LOG_ERROR, "user-failed", "there is no user '%s' in %s", name, passwd_path);
		return false;
	}
	add_group(out, out->gid);
	return each_line(group_path, group_line, &s);
}

static bool failed(const char *name, const char *what)
{
	log_event(LOG_ERROR, "user-failed", "cannot become user '%s': %s: %s", name, what, strerror(errno));
	return false;
}

static bool is_become(const struct user *u)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (getresuid(&ruid, &euid, &suid) != 0 || getresgid(&rgid, &egid, &sgid) != 0)
		return false;
	if (ruid != u->uid || euid != u->uid || suid != u->uid)
		return false;
	if (rgid != u->gid || egid != u->gid || sgid != u->gid)
		return false;
	/* The way back must be closed. */
	return u->uid == 0 || (setuid(0) != 0 && seteuid(0) != 0);
}

bool user_become(const char *name)
{
	struct user u;

	if (!user_find(name, "/etc/passwd", "/etc/group", &u))
		return false;
	if (geteuid() != 0) {
		if (geteuid() != u.uid)
			log_event(LOG_WARN, "user-ignored",
				"started without root's rights: stays user %lu and does not become '%s'",
				(unsigned long)geteuid(), name);
		return true;
	}
	if (setgroups(u.n_groups, u.groups) != 0)
		return failed(name, "setgroups");
	if (setresgid(u.gid, u.gid, u.gid) != 0)
		return failed(name, "setresgid");
	if (setresuid(u.uid, u.uid, u.uid) != 0)
		return failed(name, "setresuid");
	if (!is_become(&u)) {
		errno = EPERM;
		return failed(name, "the old rights are still there");
	}
	return true;
}
