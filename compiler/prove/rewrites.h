/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rewrites that change no path that their route takes. */
#pragma once

#include "diag/diag.h"
#include "prove/reach.h"

void prove_rewrites(struct arena *a, struct diags *d, const struct plan *p, const struct reach *r);
