/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/err.h"
#include "codec/h1/parse.h"

#define SIZE_LINE_MAX 512 /* bytes of one chunk-size line, extensions included */

/*   SIZE -> [SPACE ->] EXTENSION -> SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> SIZE ...
 *     \________________^      \-> TRAILERS (size 0)                    */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool on_size(struct h1_chunks *c, char byte)
{
	int digit = hex_value(byte);

	if (digit >= 0) {
		if (++c->digits > 15)
			return false;
		c->left = c->left << 4 | (unsigned)digit;
		return true;
	}
	if (c->digits == 0)
		return false;
	if (byte == '\r')
		c->state = H1_CHUNK_SIZE_LF;
	else if (byte == ';')
		c->state = H1_CHUNK_EXTENSION;
	else if (byte == ' ' || byte == '\t')
		c->state = H1_CHUNK_SPACE;
	else
		return false;
	return true;
}

/* Space after the size, which only an extension or the line's end may follow. */
static bool on_space(struct h1_chunks *c, char byte)
{
	if (byte == '\r')
		c->state = H1_CHUNK_SIZE_LF;
	else if (byte == ';')
		c->state = H1_CHUNK_EXTENSION;
	return byte == '\r' || byte == ';' || byte == ' ' || byte == '\t';
}

static bool on_line_end(struct h1_chunks *c, char byte)
{
	c->state = c->left == 0 ? H1_CHUNK_TRAILERS : H1_CHUNK_DATA;
	c->line = 0;
	return byte == '\n';
}

/* An extension is read over and not forwarded; what no field value may hold, it may not either. */
static bool on_extension(struct h1_chunks *c, char byte)
{
	unsigned char b = (unsigned char)byte;

	if (byte == '\r')
		c->state = H1_CHUNK_SIZE_LF;
	return byte == '\r' || byte == '\t' || (b >= 0x20 && b != 0x7f);
}

static bool on_byte(struct h1_chunks *c, char byte)
{
	switch (c->state) {
	case H1_CHUNK_SIZE:
		return ++c->line <= SIZE_LINE_MAX && on_size(c, byte);
	case H1_CHUNK_SPACE:
		return ++c->line <= SIZE_LINE_MAX && on_space(c, byte);
	case H1_CHUNK_EXTENSION:
		return ++c->line <= SIZE_LINE_MAX && on_extension(c, byte);
	case H1_CHUNK_SIZE_LF:
		return on_line_end(c, byte);
	case H1_CHUNK_DATA_CR:
		c->state = H1_CHUNK_DATA_LF;
		return byte == '\r';
	case H1_CHUNK_DATA_LF:
		c->state = H1_CHUNK_SIZE;
		c->digits = 0;
		return byte == '\n';
	default:
		return false;
	}
}

ptrdiff_t h1_chunks_step(struct h1_chunks *c, const char *bytes, size_t len)
{
	size_t taken = 0;

	while (c->state != H1_CHUNK_TRAILERS) {
		if (c->state == H1_CHUNK_DATA) {
			if (c->left != 0)
				break;
			c->state = H1_CHUNK_DATA_CR;
			continue;
		}
		if (taken == len)
			break;
		if (!on_byte(c, bytes[taken++]))
			return ERR_PROTOCOL;
	}
	return (ptrdiff_t)taken;
}
