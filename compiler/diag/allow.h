/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Warnings that a configuration allows, by code and with a reason: `allow: [{code: T0205, reason: ...}]`.
 *
 * The driver begins anew for each configuration and adds its entries once they are known; what the reader reported before that is
 * taken back. Errors cannot be allowed, nor warnings that --strict makes errors. */
#pragma once

#include "diag/diag.h"

/* A new configuration: nothing is allowed. */
void allow_begin(struct diags *d);
/* Whether the code can be allowed at all: it is one of a warning. */
bool allow_is_possible(enum diag_id id);
/* Allows the warnings of this id, those of this configuration that were reported already, too. */
void allow_add(struct diags *d, enum diag_id id, struct span at, struct str where);
/* Whether a report with this id is to be dropped; the entry counts as used then. */
bool allow_holds(struct diags *d, enum diag_id id);
/* Warns of entries that nothing was dropped for. After the last pass. */
void allow_report_unused(struct diags *d);
