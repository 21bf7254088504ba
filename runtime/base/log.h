/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The process log: one line a record on standard error, as text or JSON, from any thread, written by one write(2). Not the access
 * log (observe/access_log.h). At most 64 KiB a second leave per process; what is beyond is counted and reported. */
#pragma once

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

/* Before threads start. */
void log_setup(enum log_level least, enum log_format format);
bool log_enabled(enum log_level level);

/* `event` is a fixed, greppable name in kebab-case ("listener-open"); the message is printf'ed and escaped. */
void log_event(enum log_level level, const char *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
