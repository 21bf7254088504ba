/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One line a suite, as tests/unit/suites.h. */
SUITE(h2_front)
SUITE(h2_back)
SUITE(h2_tunnel)
