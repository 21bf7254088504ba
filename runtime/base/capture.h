/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Runs a struct toron_capture over a text: all ways through the program side by side, the preferred one first, so that time is
 * linear in the text and nothing is ever tried twice. Used by gateways, and by toronc where it must know what they do. Any thread. */
#pragma once

#include <stdbool.h>

#include "toron/capture.h"
#include "toron/str.h"

/* True if the program takes the whole text. groups_out[0 .. n_groups] are then slices of it, as Perl, RE2 and their kin choose
 * them (leftmost, then greedy or not as it is written; of a repeated group the last turn); ptr NULL: the group took no part. Text of
 * less than 2^32 bytes. */
bool capture_run(const struct toron_capture *c, struct str text, struct str groups_out[TORON_CAPTURE_GROUPS + 1]);
