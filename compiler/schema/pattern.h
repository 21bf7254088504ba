/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* `pattern` of JSON Schema: a search for a regular expression anywhere in a string, by a DFA
 * that is built at first use. */
#pragma once

#include <stdbool.h>

#include "automata/automata.h"

struct pattern;

/* Parses the pattern; NULL and *error_out set if it is wrong. The arena must outlive the
 * pattern. */
struct pattern *pattern_new(struct arena *a, struct str text, struct re_error *error_out);
/* True if `s` has a match. A pattern that would need too large an automaton matches everything. */
bool pattern_matches(struct pattern *p, struct str s);
