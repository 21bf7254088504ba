/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The version of this toronc, as configure was told. */
#pragma once

#ifdef PACKAGE_VERSION
#define DRIVE_VERSION PACKAGE_VERSION
#else
#define DRIVE_VERSION "0-unconfigured"
#endif
