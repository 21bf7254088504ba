/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A socket address, small: 16 bytes of address (IPv4 mapped into ::ffff:0:0/96), a port, the family. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "toron/str.h"

struct addr {
	uint8_t ip[16];
	uint32_t scope;    /* IPv6 zone index, or 0 */
	uint16_t port;     /* host order */
	bool is_v4;
};

#define ADDR_TEXT_MAX 64 /* "[v6%zone]:port" */

/* Numeric only ("10.0.0.1", "::1", "fe80::1%2"); false on anything else. */
bool addr_parse(struct str ip, uint16_t port, struct addr *out);
void addr_from_sockaddr(const struct sockaddr *sa, struct addr *out);
socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out);
/* The IP alone ("10.0.0.1"), or with the port ("10.0.0.1:80", "[::1]:80"); returns the length, no NUL. */
size_t addr_format_ip(const struct addr *a, char out[ADDR_TEXT_MAX]);
size_t addr_format(const struct addr *a, char out[ADDR_TEXT_MAX]);
