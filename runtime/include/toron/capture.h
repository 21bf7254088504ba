/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A regular expression that tells what its groups took, as a program of steps: what toronc makes of `rewrite: {regex: ...}`, and the
 * gateway runs. Its texts are ASCII, as normalised paths are; it stands for the whole text. */
#pragma once

#include <stdint.h>

/* Bounds of the work for one byte of a text, and of the memory of a run. */
#define TORON_CAPTURE_STEPS  256u
#define TORON_CAPTURE_GROUPS 9u

enum toron_step_kind {
	TORON_STEP_END,
	TORON_STEP_BYTE, /* takes the byte `value` */
	TORON_STEP_SET,  /* takes a byte of sets[value] */
	TORON_STEP_FORK, /* `next` is preferred to `other` */
	TORON_STEP_MARK, /* notes the place: value 2 * group is where it begins, + 1 where it ends */
};
struct toron_step {
	uint8_t kind, value;
	uint16_t next, other;
};
struct toron_capture {
	const struct toron_step *steps;
	const uint8_t (*sets)[16]; /* bit b & 7 of byte b >> 3 */
	uint16_t n_steps, n_sets, start;
	uint16_t n_groups;         /* without group 0, the whole */
};
