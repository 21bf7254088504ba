/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* SHA-256 (FIPS 180-4), for the names and the integrity of cache entries. Not for secrets: nothing here is constant-time. */
#pragma once

#include <stdint.h>

#include "toron/str.h"

#define SHA256_BYTES 32
#define SHA256_HEX 64

struct sha256 {
	uint32_t state[8];
	uint64_t n_bytes;
	unsigned char block[64];
};

void sha256_init(struct sha256 *h);
void sha256_add(struct sha256 *h, struct str bytes);
/* The length and then the bytes, so that ("ab", "c") and ("a", "bc") differ. */
void sha256_add_field(struct sha256 *h, struct str bytes);
/* Ends the hash; h needs sha256_init before it is used again. */
void sha256_final(struct sha256 *h, uint8_t digest_out[SHA256_BYTES]);
/* Lower case, NUL-terminated. */
void sha256_hex(const uint8_t digest[SHA256_BYTES], char hex_out[SHA256_HEX + 1]);
