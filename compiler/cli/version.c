/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "cli/cli.h"

#include <stdio.h>

#include "drive/version.h"
#include "toron/abi.h"

enum drive_status cli_version(struct cli *c)
{
	(void)c;
	printf("toronc %s (ABI %d.%d)\n", DRIVE_VERSION, TORON_ABI_MAJOR, TORON_ABI_MINOR);
	return DRIVE_OK;
}
