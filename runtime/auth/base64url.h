/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* base64url without padding (RFC 4648 section 5, RFC 7515 section 2), decoding only. */
#pragma once

#include <stddef.h>

#include "toron/str.h"

/* At most this many bytes come out of `len` characters. */
#define BASE64URL_DECODED(len) ((len) / 4 * 3 + 2)

/* The number of bytes written to out, or ERR_INVALID (a character outside the alphabet, padding, an
 * impossible length, unused bits that are not 0: each sequence of bytes has one spelling) or
 * ERR_LIMIT (more than room bytes). */
ptrdiff_t base64url_decode(struct str s, unsigned char *out, size_t room);
