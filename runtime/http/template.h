/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The parts of templates (toron/exchange.h), for those who put them together in their own way. */
#pragma once

#include "http/exchange.h"

/* As it is, control characters and all; ptr NULL: absent. TORON_PART_LOG is absent always. */
struct str template_value(struct exchange *x, const struct toron_part *p);
