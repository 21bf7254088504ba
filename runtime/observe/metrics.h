/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Counting of exchanges; toron_metrics_observe (toron/gateway.h) is called by http/exchange.c for each that has ended. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

/* Adds one duration to a histogram's cells (COUNT_DURATION_N of them). A bound is within its bucket. */
void metrics_duration(_Atomic uint64_t *cells, uint64_t us);
