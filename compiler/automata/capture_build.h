/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Makes a regex with groups into the program that base/capture.h runs. */
#pragma once

#include "automata/automata.h"
#include "toron/capture.h"

enum capture_status {
	CAPTURE_OK,
	CAPTURE_BAD_REGEX,       /* *error_out says why */
	CAPTURE_TOO_MANY_STEPS,  /* more than TORON_CAPTURE_STEPS */
	CAPTURE_TOO_MANY_GROUPS, /* more than TORON_CAPTURE_GROUPS */
};

/* Everything in `a`. What only bytes beyond ASCII would match is left out. */
enum capture_status capture_build(struct arena *a, struct str regex, struct toron_capture *out, struct re_error *error_out);
