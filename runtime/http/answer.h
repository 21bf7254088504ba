/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Our own answers: a local back leg that gives a response which is complete from the start and takes the request's body to nowhere. */
#pragma once

#include "http/exchange.h"

/* Fills in x->response; the answer starts at answer_start. body is borrowed until the exchange ends. */
void answer_prepare(struct exchange *x, uint16_t status, struct str content_type, struct str body,
	const struct toron_header *headers, size_t n_headers);
/* The standard answer for a status: "502 Bad Gateway\n" as text/plain. */
void answer_prepare_error(struct exchange *x, uint16_t status, const struct toron_header *headers, size_t n_headers);
/* Attaches the local leg and reports the response. x may be freed when it returns. */
void answer_start(struct exchange *x);
