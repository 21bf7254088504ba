/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The access log: one line an exchange, gathered per worker and written once a loop turn or every 64 KiB. A sink that does not keep up
 * costs lines, never the exchange: they are dropped and counted; the process log tells, and so does the next JSON line ("dropped"). */
#pragma once

#include <stdint.h>

#include "http/exchange.h"
#include "toron/gateway.h"

struct access_log;

/* Opens the sink ("stdout", "stderr" or a file, appended); the fd, or ERR_* (errno kept). Before privileges are dropped. */
int access_log_open(const struct toron_log *conf);
/* Opens the path again, after it was moved away, and puts it in place of fd in all threads at once; no line is lost. Nothing happens to
 * a log that is no regular file. 0 or ERR_* (errno kept): fd is as before. */
int access_log_reopen(int fd, const struct toron_log *conf);
/* One a worker; the fd is shared. */
struct access_log *access_log_new(struct worker *w, int fd, const struct toron_log *conf);
void access_log_free(struct access_log **log); /* flushes */
/* The exchange_observer that writes to worker->access. */
void access_log_exchange(struct exchange *x);
