/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The syntax of gRPC-Web (PROTOCOL-WEB of gRPC): messages are framed as in gRPC, trailers are one more frame behind them, and the text
 * form is base64, with padding wherever something had to go out at once. Everything is incremental and keeps a few bytes. */
#pragma once

#include <nettle/base64.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/field.h"

#define GRPC_HEAD 5u /* flags, length */
#define GRPC_TRAILERS 0x80u

/* Where messages end: zero before the first. */
struct grpc_stream {
	uint8_t n_head;      /* bytes of the head that have come */
	uint32_t left;       /* of the message, or being put together */
};
/* How many of the bytes belong to the present message; *ends_out: it ends with them. n > 0. */
size_t grpc_stream_take(struct grpc_stream *s, const uint8_t *bytes, size_t n, bool *ends_out);

/* The frame that holds the trailers; write returns behind its end. */
size_t grpc_web_trailers_size(const struct fields *f);
uint8_t *grpc_web_trailers_write(uint8_t *p, const struct fields *f);

/* Decodes one run of base64 after the other. Init with grpc_web_text_init. `to` has room for BASE64_DECODE_LENGTH(n) bytes. The number
 * of bytes, or ERR_INVALID. */
ptrdiff_t grpc_web_text_decode(struct base64_decode_ctx *c, uint8_t *to, const char *from, size_t n);
/* Whether the text may end here. */
bool grpc_web_text_is_whole(const struct base64_decode_ctx *c);
