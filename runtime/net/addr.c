/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "net/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/check.h"
#include "base/str.h"

static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

_Static_assert(ADDR_TEXT_MAX >= INET6_ADDRSTRLEN &&
	ADDR_TEXT_MAX >= sizeof("[1111:2222:3333:4444:5555:6666:7777:8888%4294967295]:65535"),
	"the longest address fits");

static void set_v4(struct addr *a, const void *ip)
{
	memcpy(a->ip, v4_prefix, sizeof(v4_prefix));
	memcpy(a->ip + 12, ip, 4);
	a->is_v4 = true;
}

/* An IPv4 address inside IPv6 is the IPv4 address, so that both spellings of a client compare equal. */
static void set_v6(struct addr *a, const void *ip, uint32_t scope)
{
	memcpy(a->ip, ip, 16);
	a->is_v4 = memcmp(ip, v4_prefix, sizeof(v4_prefix)) == 0;
	a->scope = a->is_v4 ? 0 : scope;
}

bool addr_parse(struct str ip, uint16_t port, struct addr *out)
{
	char text[INET6_ADDRSTRLEN];
	size_t zone_at = str_find_char(ip, '%');
	struct addr a = { .port = port };
	uint64_t scope = 0;
	uint8_t bytes[16];

	if (ip.len == 0 || zone_at >= sizeof(text) || memchr(ip.ptr, '\0', zone_at) != NULL)
		return false;
	if (zone_at < ip.len &&
	    !str_to_u64(str_slice(ip, zone_at + 1, ip.len), UINT32_MAX, &scope))
		return false;
	memcpy(text, ip.ptr, zone_at);
	text[zone_at] = '\0';
	if (zone_at == ip.len && inet_pton(AF_INET, text, bytes) == 1)
		set_v4(&a, bytes);
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		set_v6(&a, bytes, (uint32_t)scope);
	else
		return false;
	*out = a;
	return true;
}

void addr_from_sockaddr(const struct sockaddr *sa, struct addr *out)
{
	*out = (struct addr){ 0 };
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		out->port = ntohs(in.sin_port);
		set_v4(out, &in.sin_addr);
	} else if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		out->port = ntohs(in6.sin6_port);
		set_v6(out, &in6.sin6_addr, in6.sin6_scope_id);
	}
}

socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (a->is_v4) {
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(a->port) };

		memcpy(&in.sin_addr, a->ip + 12, 4);
		memcpy(out, &in, sizeof(in));
		return sizeof(in);
	}
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(a->port),
		.sin6_scope_id = a->scope,
	};

	memcpy(&in6.sin6_addr, a->ip, 16);
	memcpy(out, &in6, sizeof(in6));
	return sizeof(in6);
}

static inline char *put_octet(char *p, uint8_t n)
{
	if (n < 10) {
		*p++ = (char)('0' + n);
		return p;
	}
	if (n >= 100) {
		unsigned hundreds = n >= 200 ? 2 : 1;

		*p++ = (char)('0' + hundreds);
		n = (uint8_t)(n - 100 * hundreds);
	}
	*p++ = (char)('0' + n / 10);
	*p++ = (char)('0' + n % 10);
	return p;
}

size_t addr_format_ip(const struct addr *a, char out[ADDR_TEXT_MAX])
{
	size_t len = 0;

	if (a->is_v4) {
		char *p = put_octet(out, a->ip[12]);

		for (int i = 13; i < 16; i++) {
			*p++ = '.';
			p = put_octet(p, a->ip[i]);
		}
		return (size_t)(p - out);
	}
	CHECK(inet_ntop(AF_INET6, a->ip, out, ADDR_TEXT_MAX) != NULL);
	len = strlen(out);
	if (a->scope != 0) {
		out[len++] = '%';
		len = (size_t)(str_put_u64(out + len, a->scope) - out);
	}
	return len;
}

size_t addr_format(const struct addr *a, char out[ADDR_TEXT_MAX])
{
	size_t len = 0;

	if (!a->is_v4)
		out[len++] = '[';
	len += addr_format_ip(a, out + len);
	if (!a->is_v4)
		out[len++] = ']';
	out[len++] = ':';
	return (size_t)(str_put_u64(out + len, a->port) - out);
}
