/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* model -> diagnostics: what no schema can see. References with "did you mean", duplicate names
 * and addresses, values that contradict each other, unused definitions, security lints. Reports
 * only; needs no network, file or environment. */
#pragma once

#include "diag/diag.h"
#include "model/model.h"

/* The listener that this server is, by its address and port; NULL if it is none of this gateway, as far as numbers tell. */
const struct m_listener *check_own_listener(const struct model *m, const struct m_server *s);

void check_model(struct arena *a, struct diags *d, const struct model *m);
