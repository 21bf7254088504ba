/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whether pools keep what is given back to them. Sanitizers see a use after release only when the memory goes. */
#pragma once

#include <stdbool.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KEEPS_FREED false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KEEPS_FREED false
#endif
#endif
#ifndef KEEPS_FREED
#define KEEPS_FREED true
#endif
