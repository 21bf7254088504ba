/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* model -> diagnostics: what no schema can see. References with "did you mean", duplicate names
 * and addresses, values that contradict each other, unused definitions, security lints. Reports
 * only; needs no network, file or environment. */
#pragma once

#include "diag/diag.h"
#include "model/model.h"

void check_model(struct arena *a, struct diags *d, const struct model *m);
