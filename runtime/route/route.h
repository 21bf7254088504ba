/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Finding the route of a request in the generated tables (toron/match.h): exchange_find_route,
 * which http/exchange.h declares, and the Allow field of a 405. Reads constant tables only;
 * allocates nothing but the Allow text. */
#pragma once

#include <stdint.h>

#include "http/exchange.h"

/* The methods of `allow` (bits of enum toron_method) as the value of an Allow field, in one fixed
 * order: "GET, HEAD, POST". Lives as long as the exchange; STR_NONE over its budget. RFC 9110
 * section 10.2.1. */
struct str route_allow_text(struct exchange *x, uint32_t allow);
