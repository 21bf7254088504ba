/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "auth/base64url.h"

#include <stdint.h>

#include "base/err.h"

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

ptrdiff_t base64url_decode(struct str s, unsigned char *out, size_t room)
{
	size_t len = s.len / 4 * 3 + (s.len % 4 == 0 ? 0 : s.len % 4 - 1);
	uint32_t bits = 0;
	unsigned n_bits = 0;
	size_t n = 0;

	if (s.len % 4 == 1)
		return ERR_INVALID;
	if (len > room)
		return ERR_LIMIT;
	for (size_t i = 0; i < s.len; i++) {
		int value = value_of(s.ptr[i]);

		if (value < 0)
			return ERR_INVALID;
		bits = bits << 6 | (uint32_t)value;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			out[n++] = (unsigned char)(bits >> n_bits);
			bits &= (1u << n_bits) - 1;
		}
	}
	return bits == 0 ? (ptrdiff_t)n : ERR_INVALID;
}
