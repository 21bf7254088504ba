/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The prototype of each suite of suites.h. Every test file is compiled with it, so that none has to declare its own suite. */
#pragma once

#include <check.h>

#define SUITE(name) Suite *suite_##name(void);
#include "unit/suites.h"
#undef SUITE
