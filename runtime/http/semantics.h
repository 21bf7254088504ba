/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What HTTP messages mean, in one place for every codec: request targets, hosts, hop-by-hop fields, forwarding fields, dates. Codecs know
 * only syntax and framing. Called by exchange.c and by actions. */
#pragma once

#include "http/exchange.h"

/* Understands a request whose head a codec has filled in: method, authority, host, path, query; strips what is hop-by-hop and
 * adds the forwarding fields. FAULT_NONE or why it is refused. */
enum fault semantics_request(struct exchange *x);
/* Takes away what a request's trailers say about whom it comes from: some servers join them to the head. Nobody is believed in these. */
void semantics_request_trailers(struct exchange *x);
/* As semantics_request for a response head from a back leg: strips hop-by-hop fields, adds Date to a final one. */
void semantics_response(struct exchange *x);
/* RFC 9110 section 9.2.2, plus methods that only read. */
bool semantics_is_idempotent(uint32_t method_bit);
/* The reason phrase of a status ("Not Found"), or "". */
struct str semantics_reason(uint16_t status);
/* The bit of a method (enum toron_method). */
uint32_t semantics_method_bit(const struct toron_gateway *g, struct str method);
