/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "cli/cli.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/str.h"
#include "prove/explain.h"

static bool take_headers(struct cli *c, struct sample *s)
{
	const struct words *headers = &c->args.values[OPTION_HEADER];

	for (size_t i = 0; i < headers->n; i++) {
		struct str line = str_of(headers->at[i]);
		size_t colon = str_find_char(line, ':');

		if (colon == line.len || !sample_add_header(&c->arena, s, str_slice(line, 0, colon),
						 str_slice(line, colon + 1, line.len))) {
			cli_usage_error(c, "-H takes 'name: value', not '%s'", headers->at[i]);
			return false;
		}
	}
	return true;
}

static bool take_source(struct cli *c, struct sample *s)
{
	const char *source = args_value(&c->args, OPTION_SOURCE);

	if (source == NULL || inet_pton(AF_INET6, source, s->source) == 1)
		return true;
	memset(s->source, 0, 10);
	memset(s->source + 10, 0xff, 2);
	if (inet_pton(AF_INET, source, s->source + 12) == 1)
		return true;
	cli_usage_error(c, "--source takes an address, not '%s'", source);
	return false;
}

enum drive_status cli_explain(struct cli *c)
{
	struct drive_config config;
	struct sbuf out = { 0 };
	struct sample sample;
	struct str error;
	enum drive_status status = drive_config(
		&c->drive, c->args.operands.at[0], cli_format_in(c), DRIVE_PLAN, &config);

	/* What fails on a proof or a test has a plan to explain all the same. */
	if (config.plan == NULL || config.plan->n_routers == 0)
		return status;
	if (!sample_parse(&c->arena, config.plan, str_of(c->args.operands.at[1]), &sample, &error))
		return cli_usage_error(c, STR_FMT, STR_ARG(error));
	if (!take_headers(c, &sample) || !take_source(c, &sample))
		return DRIVE_USER_ERROR;
	explain_sample(&out, &c->arena, config.plan, &sample);
	cli_print(sbuf_str(&out));
	sbuf_fini(&out);
	return status;
}
