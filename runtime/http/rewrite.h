/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A route's rewrite: sets the request's path and authority, which is what a backend is sent. What
 * was matched (x->path, x->host) stays as it is, for templates, path parameters and the log. */
#pragma once

#include <stdbool.h>

#include "http/exchange.h"

/* Called once, between the chain and the action. False: what came out is no path or host, or the
 * exchange is out of memory; nothing is changed then. */
bool rewrite_apply(struct exchange *x, const struct toron_rewrite *r);
