/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "cli/cli.h"

#include "base/str.h"
#include "prove/diff.h"

/* Like diff(1): DRIVE_USER_ERROR, which is exit status 1, when the two differ. */
enum drive_status cli_diff(struct cli *c)
{
	struct drive_config configs[2];
	struct sbuf out = { 0 };
	bool is_complete;
	uint32_t n;

	for (size_t i = 0; i < 2; i++) {
		enum drive_status status = drive_config(
			&c->drive, c->args.operands.at[i], cli_format_in(c), DRIVE_PLAN, &configs[i]);

		if (status != DRIVE_OK)
			return status;
	}
	n = diff_plans(&out, &c->arena, configs[0].plan, configs[1].plan, &is_complete);
	if (!is_complete)
		sbuf_adds(&out, "there may be more: not all requests were compared\n");
	else if (n == 0)
		sbuf_adds(&out, "no request has another outcome\n");
	cli_print(sbuf_str(&out));
	sbuf_fini(&out);
	return n == 0 && is_complete ? DRIVE_OK : DRIVE_USER_ERROR;
}
