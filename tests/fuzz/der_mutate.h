/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Mutations that know DER and PEM: something happens to one element, and the lengths around it, the base64 and the lines stay right. What
 * the libraries refuse at the first byte tells nothing about the rest. */
#pragma once

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define DER_DEEP 12
#define DER_MOST 32768u

/* libFuzzer's; where inputs are only replayed, there is none, and nobody asks for it. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max) __attribute__((weak));

enum der_deed { DER_DROP, DER_REPEAT, DER_CONTENT, DER_EMPTY, DER_GROW, DER_TAG, DER_LENGTH, DER_DEEDS };

struct der_work {
	enum der_deed deed;
	unsigned at;       /* the element that it happens to, counted as they begin */
	unsigned seen;
	unsigned random;
	bool overflow;
	struct der_piece { uint8_t at[DER_MOST]; size_t len; } pieces[DER_DEEP + 1];
};

/* The header of the element at p, and how long its content is; 0: none that fits. */
static inline size_t der_header(const uint8_t *p, size_t len, size_t *content_out)
{
	size_t n = 0, bytes;

	if (len < 2 || (p[0] & 0x1f) == 0x1f)
		return 0;
	if (p[1] < 0x80) {
		*content_out = p[1];
		return (size_t)p[1] + 2 <= len ? 2 : 0;
	}
	bytes = p[1] & 0x7fu;
	if (bytes == 0 || bytes > 3 || len < 2 + bytes)
		return 0;
	for (size_t i = 0; i < bytes; i++)
		n = n << 8 | p[2 + i];
	*content_out = n;
	return n <= len - 2 - bytes ? 2 + bytes : 0;
}

/* Whether elements fill it. */
static inline bool der_is_whole(const uint8_t *p, size_t len)
{
	size_t content, head;

	for (size_t at = 0; at < len; at += head + content)
		if ((head = der_header(p + at, len - at, &content)) == 0)
			return false;
	return len != 0;
}

static inline void der_add(struct der_work *w, struct der_piece *to, const void *bytes, size_t len)
{
	if (len > DER_MOST - to->len) {
		w->overflow = true;
		return;
	}
	if (len != 0)
		memcpy(to->at + to->len, bytes, len);
	to->len += len;
}

static inline void der_wrap(struct der_work *w, struct der_piece *to, uint8_t tag, const uint8_t *content, size_t len, size_t told)
{
	uint8_t head[5] = { tag };
	size_t n = 1;

	if (told < 0x80) {
		head[n++] = (uint8_t)told;
	} else {
		size_t bytes = told > 0xffff ? 3 : told > 0xff ? 2 : 1;

		head[n++] = (uint8_t)(0x80 | bytes);
		while (bytes-- > 0)
			head[n++] = (uint8_t)(told >> 8 * bytes);
	}
	der_add(w, to, head, n);
	der_add(w, to, content, len);
}

static inline void der_do(struct der_work *w, struct der_piece *to, const uint8_t *e, size_t head, size_t len)
{
	static uint8_t content[DER_MOST];
	size_t n = len < sizeof(content) / 64 ? len : sizeof(content) / 64;

	memcpy(content, e + head, n);
	switch (w->deed) {
	case DER_REPEAT:
		for (unsigned i = 0; i <= 1 + w->random % 40; i++)
			der_add(w, to, e, head + len);
		break;
	case DER_CONTENT: der_wrap(w, to, e[0], content, n = LLVMFuzzerMutate(content, n, n + 16), n); break;
	case DER_EMPTY: der_wrap(w, to, e[0], NULL, 0, 0); break;
	case DER_GROW:
		for (size_t i = n; i != 0 && i < n * (w->random % 64); i++)
			content[i] = content[i % n];
		n *= n != 0 && w->random % 64 > 1 ? w->random % 64 : 1;
		der_wrap(w, to, e[0], content, n, n);
		break;
	case DER_TAG: der_wrap(w, to, (uint8_t)w->random, e + head, len, len); break;
	case DER_LENGTH: der_wrap(w, to, e[0], e + head, len, w->random % (len + 3)); break;
	default: break;
	}
}

/* Where inner elements begin in the content: after the byte that a bit string begins with; -1: there are none. Extensions and keys are
 * octet strings of DER. */
static inline int der_inner_at(uint8_t tag, const uint8_t *content, size_t len)
{
	if ((tag & 0x20) != 0)
		return 0;
	if (tag == 4 && der_is_whole(content, len))
		return 0;
	return tag == 3 && len > 1 && content[0] == 0 && der_is_whole(content + 1, len - 1) ? 1 : -1;
}

static inline void der_walk(struct der_work *w, unsigned depth, const uint8_t *p, size_t len)
{
	struct der_piece *to = &w->pieces[depth];
	size_t content, head;

	to->len = 0;
	for (size_t at = 0; at < len; at += head + content) {
		int inner;

		head = der_header(p + at, len - at, &content);
		if (head == 0) {
			der_add(w, to, p + at, len - at);
			return;
		}
		if (w->seen++ == w->at) {
			der_do(w, to, p + at, head, content);
			continue;
		}
		inner = depth < DER_DEEP ? der_inner_at(p[at], p + at + head, content) : -1;
		if (inner < 0) {
			der_add(w, to, p + at, head + content);
			continue;
		}
		der_walk(w, depth + 1, p + at + head + inner, content - (size_t)inner);
		if (inner == 1 && w->pieces[depth + 1].len < DER_MOST) {
			memmove(w->pieces[depth + 1].at + 1, w->pieces[depth + 1].at, w->pieces[depth + 1].len++);
			w->pieces[depth + 1].at[0] = 0;
		}
		der_wrap(w, to, p[at], w->pieces[depth + 1].at, w->pieces[depth + 1].len, w->pieces[depth + 1].len);
	}
}

/* The new size; 0: it did not go. */
static inline size_t der_mutate(const uint8_t *data, size_t size, uint8_t *into, size_t room, unsigned seed)
{
	static struct der_work w;

	/* First it is only counted. */
	w.at = UINT32_MAX;
	w.seen = 0;
	w.overflow = false;
	der_walk(&w, 0, data, size);
	if (w.seen == 0)
		return 0;
	w.at = seed % w.seen;
	w.deed = (seed >> 12) % DER_DEEDS;
	w.random = seed >> 16;
	w.seen = 0;
	der_walk(&w, 0, data, size);
	if (w.overflow || w.pieces[0].len > room)
		return 0;
	memcpy(into, w.pieces[0].at, w.pieces[0].len);
	return w.pieces[0].len;
}

static inline const char *pem_find(const char *from, const char *end, const char *what)
{
	return from == NULL ? NULL : memmem(from, (size_t)(end - from), what, strlen(what));
}

/* Something happens to the DER of one of the blocks. The new size; 0: it did not go. */
static inline size_t pem_mutate(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static uint8_t der[DER_MOST];
	const char *text = (const char *)data, *end = text + size, *begin = NULL, *stop;
	gnutls_datum_t block, bytes, pem;
	unsigned n = 0, skip;
	char label[64];
	size_t len, tail;

	for (const char *b = text; (b = pem_find(b, end, "-----BEGIN ")) != NULL; b++)
		n++;
	if (n == 0)
		return 0;
	skip = seed % n;
	for (begin = text; (begin = pem_find(begin, end, "-----BEGIN ")) != NULL && skip-- > 0; begin++)
		;
	stop = pem_find(begin + 11, end, "-----");
	if (stop == NULL || (size_t)(stop - begin - 11) >= sizeof(label))
		return 0;
	memcpy(label, begin + 11, (size_t)(stop - begin - 11));
	label[stop - begin - 11] = '\0';
	stop = pem_find(pem_find(stop, end, "-----END "), end, "\n");
	if (stop == NULL)
		return 0;
	block = (gnutls_datum_t){ (unsigned char *)(uintptr_t)begin, (unsigned)(stop - begin) };
	if (gnutls_pem_base64_decode2(label, &block, &bytes) != 0)
		return 0;
	len = der_mutate(bytes.data, bytes.size, der, sizeof(der), seed / n);
	gnutls_free(bytes.data);
	if (len == 0 || gnutls_pem_base64_encode2(label, &(gnutls_datum_t){ der, (unsigned)len }, &pem) != 0)
		return 0;
	tail = (size_t)(end - stop);
	len = (size_t)(begin - text) + pem.size + tail;
	if (len <= max) {
		memmove(data + (begin - text) + pem.size, stop, tail);
		memcpy(data + (begin - text), pem.data, pem.size);
	}
	gnutls_free(pem.data);
	return len <= max ? len : 0;
}
