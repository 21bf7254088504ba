/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/capture.h"

#include <string.h>

#define MARKS    (2 * TORON_CAPTURE_GROUPS + 2)
#define NOT_HERE UINT32_MAX

/* One way through the program, which waits at a step for the next byte. */
struct way {
	uint16_t step;
	uint32_t marks[MARKS];
};
struct ways {
	uint16_t n; /* in order of preference, each at another step */
	struct way at[TORON_CAPTURE_STEPS];
};
struct run {
	const struct toron_capture *c;
	uint32_t at;                        /* bytes that were read */
	uint32_t seen[TORON_CAPTURE_STEPS]; /* the last `at` + 1 for which a step was reached */
	struct ways ways[2];
};

/* Follows what reads nothing. A step that was reached before in this place was reached by a better way. */
static void add(struct run *r, struct ways *to, uint16_t number, uint32_t *marks)
{
	const struct toron_step *s = &r->c->steps[number];
	uint32_t before;

	if (r->seen[number] == r->at + 1)
		return;
	r->seen[number] = r->at + 1;
	switch (s->kind) {
	case TORON_STEP_FORK:
		add(r, to, s->next, marks);
		add(r, to, s->other, marks);
		return;
	case TORON_STEP_MARK:
		before = marks[s->value];
		marks[s->value] = r->at;
		add(r, to, s->next, marks);
		marks[s->value] = before;
		return;
	default:
		to->at[to->n].step = number;
		memcpy(to->at[to->n].marks, marks, sizeof(*marks) * (2 * (size_t)r->c->n_groups + 2));
		to->n++;
	}
}

static bool takes(const struct toron_capture *c, const struct toron_step *s, unsigned char byte)
{
	if (s->kind == TORON_STEP_BYTE)
		return byte == s->value;
	return s->kind == TORON_STEP_SET && byte < 0x80 && (c->sets[s->value][byte >> 3] >> (byte & 7) & 1);
}

static void step(struct run *r, struct ways *from, struct ways *to, unsigned char byte)
{
	to->n = 0;
	r->at++;
	for (uint16_t i = 0; i < from->n; i++) {
		const struct toron_step *s = &r->c->steps[from->at[i].step];

		if (takes(r->c, s, byte))
			add(r, to, s->next, from->at[i].marks);
	}
}

/* The slices between the marks of the first way that has come to the end. */
static bool finish(const struct run *r, const struct ways *ways, struct str text, struct str *groups_out)
{
	uint16_t i = 0;

	while (i < ways->n && r->c->steps[ways->at[i].step].kind != TORON_STEP_END)
		i++;
	if (i == ways->n)
		return false;
	groups_out[0] = text;
	for (uint16_t g = 1; g <= r->c->n_groups; g++) {
		uint32_t from = ways->at[i].marks[2 * g], to = ways->at[i].marks[2 * g + 1];

		groups_out[g] = to == NOT_HERE ? (struct str){ NULL, 0 } : (struct str){ text.ptr + from, to - from };
	}
	return true;
}

bool capture_run(const struct toron_capture *c, struct str text, struct str groups_out[TORON_CAPTURE_GROUPS + 1])
{
	struct run r;
	uint32_t marks[MARKS];
	unsigned now = 0;

	r.c = c;
	r.at = 0;
	memset(r.seen, 0, sizeof(r.seen));
	for (unsigned i = 0; i < MARKS; i++)
		marks[i] = NOT_HERE;
	r.ways[0].n = 0;
	add(&r, &r.ways[0], c->start, marks);
	for (size_t i = 0; i < text.len && r.ways[now].n > 0; i++) {
		step(&r, &r.ways[now], &r.ways[1 - now], (unsigned char)text.ptr[i]);
		now = 1 - now;
	}
	/* Who gave up early has not read the text. */
	return r.at == text.len && finish(&r, &r.ways[now], text, groups_out);
}
