/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "cli/cli.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/str.h"
#include "drive/file.h"

#define DEFAULT_NAME "gateway.yaml"

/* templates/starter.yaml.in, as bytes of the program. */
__asm__(".pushsection .rodata\n"
	"starter_text:\n"
	".incbin \"" TEMPLATE_DIR "/starter.yaml.in\"\n"
	"starter_text_end:\n"
	".byte 0\n"
	".popsection\n");
extern const char starter_begin[] __asm__("starter_text");
extern const char starter_end[] __asm__("starter_text_end");

enum drive_status cli_init(struct cli *c)
{
	const char *path = c->args.operands.n > 0 ? c->args.operands.at[0] : DEFAULT_NAME;
	struct str text = { starter_begin, (size_t)(starter_end - starter_begin) }, why;
	enum tree_format format;
	mode_t mask;

	if (strcmp(path, "-") == 0) {
		cli_print(text);
		return DRIVE_OK;
	}
	if (!tree_format_of(str_of(path), &format) || format != TREE_YAML)
		return cli_usage_error(c, "the starter is YAML, so that its name ends in .yaml or .yml; 'toronc convert' makes JSON or TOML of it");
	/* Never in place of something: the file is made, or the call fails. */
	if (!file_create(&c->arena, path, text, &why)) {
		diag_report(&c->diags, DIAG_WRITE_FAILED, SPAN_NONE, "cannot write '%s': " STR_FMT, path, STR_ARG(why));
		return DRIVE_USER_ERROR;
	}
	/* Readable as the user's other files are. */
	mask = umask(0);
	umask(mask);
	(void)!chmod(path, 0666 & ~mask);
	printf("%s is written. Next: toronc check %s, then toronc %s -o gateway\n", path, path, path);
	return DRIVE_OK;
}
