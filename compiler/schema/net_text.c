/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "schema/net_text.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/str.h"

bool net_text_ip(struct str s, uint8_t addr_out[16], bool *is_v4_out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char text[INET6_ADDRSTRLEN];
	uint8_t v4[4];

	if (s.len == 0 || s.len >= sizeof(text) || memchr(s.ptr, '\0', s.len) != NULL)
		return false;
	memcpy(text, s.ptr, s.len);
	text[s.len] = '\0';
	*is_v4_out = inet_pton(AF_INET, text, v4) == 1;
	if (!*is_v4_out)
		return inet_pton(AF_INET6, text, addr_out) == 1;
	memcpy(addr_out, mapped, sizeof(mapped));
	memcpy(addr_out + 12, v4, sizeof(v4));
	return true;
}

bool net_text_cidr(struct str s, uint8_t addr_out[16], uint8_t *bits_out, bool *is_v4_out)
{
	size_t slash = str_find_char(s, '/');
	uint64_t bits;

	if (!net_text_ip(str_slice(s, 0, slash), addr_out, is_v4_out))
		return false;
	if (slash == s.len) {
		*bits_out = 128;
		return true;
	}
	if (!str_to_u64(str_slice(s, slash + 1, s.len), *is_v4_out ? 32 : 128, &bits))
		return false;
	*bits_out = (uint8_t)(bits + (*is_v4_out ? 96 : 0));
	return true;
}

static bool is_label(struct str s)
{
	if (s.len == 0 || s.len > 63 || s.ptr[0] == '-' || s.ptr[s.len - 1] == '-')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = ascii_lower((unsigned char)s.ptr[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
	}
	return true;
}

bool net_text_host(struct str s)
{
	struct str label;

	if (s.len > 0 && s.ptr[s.len - 1] == '.')
		s.len--;
	if (s.len == 0 || s.len > 253)
		return false;
	while (str_split(&s, '.', &label)) {
		if (!is_label(label))
			return false;
	}
	return true;
}
