/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The paths and hosts that can reach a router at all, as languages: what normalisation leaves.
 * Proofs are confined to them, so that a route of which only other paths are taken is known to
 * take none. */
#pragma once

#include "automata/automata.h"

/* Normalised paths under a policy (bits of enum uri_policy). At most too wide: escapes that spell
 * overlong UTF-8 are among them. */
struct re *normal_paths(struct arena *a, unsigned policy);
/* Hosts as they are written in lower case: names, and IPv6 literals without brackets. */
struct re *normal_hosts(struct arena *a);
