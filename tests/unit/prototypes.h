/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The prototype of each suite of SUITES_H. Every test file is compiled with it, so that none has to declare its own suite. */
#pragma once

#include <check.h>

#ifndef SUITES_H
#define SUITES_H "unit/suites.h"
#endif

#define SUITE(name) Suite *suite_##name(void);
#include SUITES_H
#undef SUITE
