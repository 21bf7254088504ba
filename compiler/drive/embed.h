/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* `files` with embed: reads the directories that the configuration wants in the binary, so that no pass has to. */
#pragma once

#include "drive/drive.h"

#define EMBED_MOST_FILES 100000
#define EMBED_MOST_DEPTH 32
#define EMBED_MOST_LINKS 1000 /* to folders */

/* Lists the files of each embedded site in the model, sorted by path; with `contents`, reads them too. Reports what cannot be read, is
 * too much, or is left out. */
void embed_read(struct drive *v, struct model *m, bool contents);
