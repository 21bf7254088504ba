/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The files of certificates, read for pki/ when --with-files asks for it, and the clock. */
#pragma once

#include "drive/drive.h"

#define CERTIFICATE_MOST_BYTES (16u << 20)

void certificates_check(struct drive *v, const struct model *m);
