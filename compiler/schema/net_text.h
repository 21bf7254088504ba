/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Addresses, ranges and hosts as written in a config. The formats check them, and the model
 * reads them with the same functions. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "toron/str.h"

/* A numeric IPv4 or IPv6 address, without brackets; v4 as ::ffff:a.b.c.d. */
bool net_text_ip(struct str s, uint8_t addr_out[16], bool *is_v4_out);
/* "10.0.0.0/8", "2001:db8::/32" or one address; bits of 128. False if it is none; bits beyond
 * the prefix are not looked at. */
bool net_text_cidr(struct str s, uint8_t addr_out[16], uint8_t *bits_out, bool *is_v4_out);
/* A host name by RFC 1123 (underscores are let pass), at most 253 bytes, a trailing dot allowed. */
bool net_text_host(struct str s);
