/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The section `allow`: warnings that the configuration does not want to see (diag/allow.h). */
#pragma once

#include "drive/drive.h"

/* Reads the entries of the document at `root`, before the schema has seen it: what is not of their form is left to that. Codes that do not
 * exist, or are no warnings, are reported. */
void allowed_read(struct drive *v, const struct node *root);
