/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/err.h"

#include <errno.h>

const char *err_text(int err)
{
	switch (err) {
	case 0: return "no error";
	case ERR_AGAIN: return "would block";
	case ERR_CLOSED: return "closed by the peer";
	case ERR_RESET: return "connection reset";
	case ERR_REFUSED: return "connection refused";
	case ERR_UNREACHABLE: return "unreachable";
	case ERR_TIMEOUT: return "timed out";
	case ERR_NO_MEMORY: return "out of memory";
	case ERR_LIMIT: return "over a limit";
	case ERR_PROTOCOL: return "protocol error";
	case ERR_INVALID: return "invalid";
	case ERR_NOT_FOUND: return "not found";
	case ERR_UNTRUSTED: return "not trusted";
	default: return "system error";
	}
}

int err_of_errno(int system_errno)
{
	switch (system_errno) {
	case 0: return 0;
	case EAGAIN: return ERR_AGAIN;
	case ECONNRESET: case EPIPE: case ECONNABORTED: case ENOTCONN: return ERR_RESET;
	case ECONNREFUSED: return ERR_REFUSED;
	case ENETUNREACH: case EHOSTUNREACH: case EHOSTDOWN: case ENETDOWN: case EADDRNOTAVAIL:
		return ERR_UNREACHABLE;
	case ETIMEDOUT: return ERR_TIMEOUT;
	case ENOMEM: case ENOBUFS: case EMFILE: case ENFILE: return ERR_NO_MEMORY;
	case EINVAL: case EAFNOSUPPORT: return ERR_INVALID;
	default: return ERR_SYSTEM;
	}
}
