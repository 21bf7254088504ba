/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The files of certificates, read for pki/ when --with-files asks for it, and the clock. */
#pragma once

#include "drive/drive.h"

void certificates_check(struct drive *v, const struct model *m);
