/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Content negotiation: how much a client wants a content coding (RFC 9110 section 12.5.3). */
#pragma once

#include "http/field.h"

/* The weight of a coding ("br") in thousandths: 0 is not acceptable. Without an Accept-Encoding field every coding is acceptable,
 * but none is asked for: 0 for all but "identity". identity weighs 1 unless the client gives it another weight, so that any coding
 * which it asks for comes first. */
unsigned accept_encoding_weight(const struct fields *f, struct str coding);
