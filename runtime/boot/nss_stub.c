/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The doors to name service and conversion modules, shut. GnuTLS, c-ares and libunistring contain calls that make a static glibc
 * load modules of whatever release it runs on, and that crashes. A gateway never needs what they ask for, so each
 * function here answers "not found". Built into libnssstub.a, which static links name before libc: the
 * linker takes these, and libc's own, with the module loader behind them, stay out of the binary. */
#include <errno.h>
#include <iconv.h>
#include <netdb.h>
#include <pwd.h>
#include <stddef.h>

/* GnuTLS: the home directory, for a trust-on-first-use store that a gateway never opens. */
int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t length, struct passwd **result_out)
{
	(void)uid;
	(void)entry;
	(void)buffer;
	(void)length;
	*result_out = NULL;
	return ENOENT;
}

/* c-ares, up to 1.18 the first, then the others: service names; ours are numbers. */
struct servent *getservbyname(const char *name, const char *protocol)
{
	(void)name;
	(void)protocol;
	return NULL;
}

struct servent *getservbyport(int port, const char *protocol)
{
	(void)port;
	(void)protocol;
	return NULL;
}

int getservbyname_r(const char *name, const char *protocol, struct servent *entry, char *buffer, size_t length,
	struct servent **result_out)
{
	(void)name;
	(void)protocol;
	(void)entry;
	(void)buffer;
	(void)length;
	*result_out = NULL;
	return ENOENT;
}

int getservbyport_r(int port, const char *protocol, struct servent *entry, char *buffer, size_t length,
	struct servent **result_out)
{
	(void)port;
	(void)protocol;
	(void)entry;
	(void)buffer;
	(void)length;
	*result_out = NULL;
	return ENOENT;
}

/* libunistring: text in the locale's encoding; ours is UTF-8, which it converts by itself. */
iconv_t iconv_open(const char *to, const char *from)
{
	(void)to;
	(void)from;
	errno = EINVAL;
	return (iconv_t)-1;
}

size_t iconv(iconv_t cd, char **in, size_t *in_left, char **out, size_t *out_left)
{
	(void)cd;
	(void)in;
	(void)in_left;
	(void)out;
	(void)out_left;
	errno = EBADF;
	return (size_t)-1;
}

int iconv_close(iconv_t cd)
{
	(void)cd;
	errno = EBADF;
	return -1;
}
