/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Our own answers: a local back leg that gives a response which is complete from the start and takes the request's body to nowhere. */
#pragma once

#include "http/exchange.h"

/* Fills in x->response; the answer starts at answer_start. body is borrowed until the exchange ends. */
void answer_prepare(struct exchange *x, uint16_t status, struct str content_type, struct str body,
	const struct toron_header *headers, size_t n_headers);
/* The standard answer for a status, as the configured page or in the configured format; in error.c. */
void answer_prepare_error(struct exchange *x, uint16_t status, const struct toron_header *headers, size_t n_headers);
/* Attaches the answering leg and reports the response. x may be freed when it returns. */
void answer_start(struct exchange *x);
/* A back leg that lets the rest of the request's body go nowhere, in place of one that has let go early. */
void answer_sink(struct exchange *x);

/* For actions whose content comes bit by bit. Between toron_respond() with an empty body and its own return an action may name a leg
 * of its own (which lives until its reset) to answer in place of ours: once the head has been reported, its room op is called with
 * nothing to write before it returns (exchange_more follows by itself), and then whenever the front has released bytes, from inside the
 * front's writing: there the leg defers what it does. It appends to x->response.body and ends it by exchange_end, then stays until its
 * reset op, which is always called. x->response.length is the action's to set. */
void answer_attach(struct exchange *x, struct leg *leg);
/* The more op of such legs: takes the request's body to nowhere. */
void answer_drop_request(struct leg *leg);
