/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Listening sockets: one a listener and worker (SO_REUSEPORT), so that workers share nothing.
 * Bound before privileges are dropped. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loop/worker.h"
#include "net/addr.h"

struct toron_listener;

struct listen_socket;
/* A new connection; the fd is non-blocking, close-on-exec and TCP_NODELAY, and belongs to the
 * callee. */
typedef void listen_accept_fn(struct worker *w, const struct toron_listener *l, int fd, const struct addr *peer);

/* Binds and listens (a dual-stack socket when conf->address is NULL). Returns the fd or ERR_*
 * (errno kept). */
int listen_bind(const struct toron_listener *conf);
/* Whether somebody listens there already: 0, or ERR_* (errno kept). SO_REUSEPORT would share the
 * traffic with another process of the same user without a word. Not for port 0. */
int listen_probe(const struct toron_listener *conf);
/* Takes the fd over and accepts from now on, at most 64 connections a wake-up. Out of
 * descriptors: logs, pauses for 100 ms, goes on. */
struct listen_socket *listen_open(struct worker *w, const struct toron_listener *conf, int fd, listen_accept_fn *accept);
/* Stops accepting: connections that the kernel has queued already are still accepted first. */
void listen_close(struct listen_socket **s);
