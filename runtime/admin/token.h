/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Who may ask the gateway about itself: whoever shows the token (RFC 6750), or everybody where there is none. toron_admin_start
 * (toron/mw.h) reads it at boot. */
#pragma once

#include <stdbool.h>

#include "toron/mw.h"

/* False: the answer (401) has been prepared. */
bool admin_admit(struct exchange *x, const struct toron_admin *conf);
