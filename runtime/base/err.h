/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What functions of the runtime return: 0 or one of these. Calls that move bytes return a count >= 0 or one of these. */
#pragma once

enum err {
	ERR_AGAIN = -1,       /* would block; the watcher is armed where the function says so */
	ERR_CLOSED = -2,      /* the peer closed in an orderly way, where that is not a count of 0 */
	ERR_RESET = -3,       /* connection reset, broken pipe */
	ERR_REFUSED = -4,
	ERR_UNREACHABLE = -5,
	ERR_TIMEOUT = -6,
	ERR_NO_MEMORY = -7,   /* also: over budget, out of descriptors */
	ERR_LIMIT = -8,       /* a configured limit */
	ERR_PROTOCOL = -9,    /* the peer broke a rule */
	ERR_INVALID = -10,    /* a bad argument or config value */
	ERR_NOT_FOUND = -11,
	ERR_SYSTEM = -12,     /* any other failure of the operating system */
	ERR_UNTRUSTED = -13,  /* the peer is not whom it says to be, or its certificate is no good */
};

const char *err_text(int err);
/* The err for an errno of a socket call. */
int err_of_errno(int system_errno);
