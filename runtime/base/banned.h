/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Calls that the project does not use: unbounded copies, hidden state, and whatever a static glibc program
 * must never reach (name service modules). Included last by every .c file through config or -include. */
#pragma once

/* The system headers come first, so that their own declarations are not poisoned. */
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC poison strcpy strcat sprintf vsprintf strtok strncpy strncat gets atoi atol atoll atof
#pragma GCC poison getpwnam getpwuid getpwnam_r getpwuid_r getgrnam getgrgid getgrnam_r getgrgid_r
#pragma GCC poison gethostbyname gethostbyaddr getservbyname getservbyport initgroups getaddrinfo
