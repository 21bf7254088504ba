/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a gateway must know of gRPC: which requests are calls, how long they may take, and how an error is told so that a gRPC client
 * understands it: by a status in fields, with HTTP status 200 ("PROTOCOL-HTTP2" of gRPC). Messages are nobody's business here. */
#pragma once

#include "http/exchange.h"

/* By the request's content-type: sets x->grpc and x->grpc_type. */
void grpc_recognise(struct exchange *x);
/* The time that the client gives the call, in ms; 0: it says nothing. FAULT_BAD_REQUEST: it says something else. */
enum fault grpc_timeout(const struct exchange *x, uint64_t *ms_out);
/* Before the request goes to a back leg: tells it what is left of the time. */
void grpc_offer(struct exchange *x);
/* Whether the answer to a call is nothing but one of these statuses (1 << code). */
bool grpc_answered_with(const struct exchange *x, uint32_t statuses);
/* The standard answer to a call, for a status of HTTP: no messages, and the status in the head. */
void grpc_prepare_error(struct exchange *x, uint16_t status, const struct toron_header *headers, size_t n_headers);
/* The response has begun and will not go on: puts the fault into its trailers. False: it cannot have any. */
bool grpc_trail(struct exchange *x, enum fault fault);
/* The status of a call that has ended, as the client was told; 2 (unknown) where it was told none. */
unsigned grpc_status(const struct exchange *x);
/* Before trailers become a part of the body: keeps the status that they tell for grpc_status. */
void grpc_keep_status(struct exchange *x);
