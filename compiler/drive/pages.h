/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The files of error pages, so that no pass has to read them. */
#pragma once

#include "drive/drive.h"

#define PAGE_MOST_BYTES (256u << 10)

/* Fills in the bodies of the model's pages that name a file; reports what cannot be read. */
void pages_read(struct drive *v, struct model *m);
