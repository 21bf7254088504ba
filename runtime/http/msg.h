/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One HTTP message, free of any version's syntax. Framing fields (content-length, transfer-encoding, connection and what it names, ...)
 * are not among `head`: codecs turn them into length, protocol and bodiless, and back. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "http/body.h"
#include "http/field.h"

enum msg_kind { MSG_REQUEST, MSG_RESPONSE };

struct msg {
	enum msg_kind kind;
	struct str method, scheme, authority; /* request; authority from the target or Host */
	struct str path;                      /* request: path and query as received; "*" for OPTIONS */
	struct str protocol;                  /* upgrade or extended CONNECT, e.g. "websocket"; ptr NULL: none */
	uint16_t status;                      /* response */
	uint8_t version_major, version_minor; /* of the sender's HTTP */
	bool bodiless;                        /* no body follows, whatever length says (HEAD, 204, 304) */
	bool takes_trailers;                  /* request: the client said so (TE), and servers of HTTP/2 are told */
	bool expect_continue;                 /* request: the client waits for 100 (Continue) */
	struct fields head, trailers;
	int64_t length;                       /* of the content; -1: unknown; 0 for a request without a body */
	struct body body;
};
