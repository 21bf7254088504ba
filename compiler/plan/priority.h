/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the TLS library is told to negotiate: a GnuTLS priority string, made when the gateway is compiled. */
#pragma once

#include "base/arena.h"
#include "model/tls_policy.h"

/* A listener's. The server chooses: suites in the order of the policy, X25519 first. */
struct str priority_of_listener(struct arena *a, const struct tls_policy *p);
/* A backend's: all that is good enough. */
struct str priority_of_backend(struct arena *a);
