/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a failed re2c, cc or ld means for whoever ran toronc: whose fault it is, and what to install. */
#pragma once

#include "diag/diag.h"
#include "drive/run.h"

enum failure_step { FAILURE_RE2C, FAILURE_CC, FAILURE_LINK };

/* Reports a job that did not end well. True if the emitted files are at fault, so that they are worth keeping. */
bool failure_report(struct diags *d, const struct run_job *job, enum failure_step step, const char *what);
