/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The command line of a gateway. Called by toron_main, once. */
#pragma once

#include <stdint.h>

#include "toron/gateway.h"

struct options {
	bool check_only;
	uint32_t workers; /* 0: not given */
};

enum options_next {
	OPTIONS_RUN,   /* *out is what to do */
	OPTIONS_DONE,  /* answered on standard output */
	OPTIONS_WRONG, /* a complaint is on standard error */
	OPTIONS_FAILED, /* standard output could not be written */
};

enum options_next options_read(const struct toron_gateway *g, int argc, char **argv, struct options *out);
