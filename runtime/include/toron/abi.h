/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The version of the ABI between libtoron.a and what toronc emits (and C plugins).
 *
 * Generated code states the version it was made for and refuses to compile against another major one. A change that
 * removes or reorders anything raises MAJOR; an addition raises MINOR.
 *
 * Changes:
 *   1.0  listeners, routers, chains, http1 backends, respond, redirect, echo, headers, rate-limit, jwt, request-id.
 *   1.1  forwarding fields and trusted proxies, error formats and pages, retry policies, forms of the access log;
 *        files; rewrites.
 *   1.2  TLS on both sides, certificates; HTTP/2 on both sides; rewrites by regular expressions;
 *        client certificates in matches; buffering of requests and responses; WebSockets that are looked into; grpc-web;
 *        retries by grpc-status; how slow clients and servers may be.
 *   2.0  conditions stand with the candidates, as do methods; lists of candidates are ended by TORON_NO_ROUTE; host lists are in order of rank.
 *        Backends whose servers choose the version.
 *   2.1  metrics, and an admin listener that serves them; lists of revoked certificates for backends;
 *        active health checks; balancing by the client's address;
 *        how much and how long is read from clients behind an early answer; how long lines of the access log wait; limits of
 *        bodies by route. */
#pragma once

#define TORON_ABI_MAJOR 2
#define TORON_ABI_MINOR 1
