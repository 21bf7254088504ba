/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "drive/failure.h"

#include <signal.h>

#include "drive/file.h"
#include "drive/toolchain.h"

#define LINES_SHOWN 8

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* The first lines of what the program wrote, each as a note. */
static void show_output(struct diags *d, const struct run_job *job)
{
	struct str rest = sbuf_str(&job->output), line;
	unsigned n = 0;

	while (n < LINES_SHOWN && str_split(&rest, '\n', &line)) {
		if (line.len == 0)
			continue;
		diag_note(d, SPAN_NONE, "%s: " STR_FMT, base_name(job->argv[0]), STR_ARG(line));
		n++;
	}
}

/* The library that a linker's message says is missing: bfd, gold and lld each have their own words. */
static struct str missing_library(struct str output)
{
	static const char *const phrases[] = { "unable to find library -l", "cannot find -l" };

	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		ptrdiff_t at = str_find(output, str_of(phrases[i]));
		struct str name;
		size_t n = 0;

		if (at < 0)
			continue;
		name = str_slice(output, (size_t)at + strlen(phrases[i]), output.len);
		while (n < name.len && strchr(" :\r\n'\"", name.ptr[n]) == NULL)
			n++;
		return (struct str){ name.ptr, n };
	}
	return STR_NONE;
}

static bool says(struct str output, const char *phrase)
{
	return str_find(output, str_of(phrase)) >= 0;
}

/* A toolchain that was installed by half: the compiler without the C library's headers, its own passes, or the linker. */
static bool report_incomplete(struct diags *d, const struct run_job *job, enum failure_step step)
{
	struct str output = sbuf_str(&job->output), library = missing_library(output);
	const char *package = NULL;

	if (library.ptr != NULL) {
		package = toolchain_package_of(library);
		diag_report(d, DIAG_TOOLCHAIN_PART_MISSING, SPAN_NONE, "the library '" STR_FMT "' is missing", STR_ARG(library));
	} else if (says(output, "crt1.o")) {
		package = "libc6-dev";
		diag_report(d, DIAG_TOOLCHAIN_PART_MISSING, SPAN_NONE, "the C library's development files are missing");
	} else if (says(output, "cannot find 'ld'") || says(output, "cannot find ‘ld’") ||
		   says(output, "invalid linker name") || says(output, "cannot find 'as'")) {
		package = "binutils lld";
		diag_report(d, DIAG_TOOLCHAIN_PART_MISSING, SPAN_NONE, "the linker or the assembler is missing");
	} else if (says(output, "cannot execute") && says(output, "cc1")) {
		package = "gcc";
		diag_report(d, DIAG_TOOLCHAIN_PART_MISSING, SPAN_NONE, "the C compiler is not complete");
	} else if (step == FAILURE_CC && says(output, "fatal error: ") && says(output, "No such file or directory")) {
		package = "libc6-dev";
		diag_report(d, DIAG_TOOLCHAIN_PART_MISSING, SPAN_NONE, "a header is missing");
	} else {
		return false;
	}
	show_output(d, job);
	if (package != NULL)
		diag_note(d, SPAN_NONE, "on Debian: apt-get install %s", package);
	return true;
}

static const char *step_does(enum failure_step step)
{
	return step == FAILURE_RE2C ? "generate a matcher from" : step == FAILURE_CC ? "compile" : "link";
}

bool failure_report(struct diags *d, const struct run_job *job, enum failure_step step, const char *what)
{
	const char *program = base_name(job->argv[0]);

	if (job->result == RUN_NOT_STARTED) {
		diag_report(d, DIAG_PROGRAM_FAILED, SPAN_NONE, "cannot run '%s': " STR_FMT, job->argv[0],
			STR_ARG(file_errno(d->arena, job->code)));
		return false;
	}
	if (job->result == RUN_TIMED_OUT) {
		diag_report(d, DIAG_PROGRAM_FAILED, SPAN_NONE, "%s took longer than %u s to %s '%s' and was stopped", program,
			job->limit_ms / 1000, step_does(step), what);
		return false;
	}
	if (job->result == RUN_SIGNALED) {
		diag_report(d, DIAG_PROGRAM_FAILED, SPAN_NONE, "%s was ended by signal %d (%s) while it tried to %s '%s'", program,
			job->code, strsignal(job->code), step_does(step), what);
		show_output(d, job);
		return false;
	}
	if (report_incomplete(d, job, step))
		return false;
	if (step == FAILURE_LINK)
		diag_report(d, DIAG_LINK_FAILED, SPAN_NONE, "%s could not link the gateway (exit status %d)", program, job->code);
	else
		diag_report(d, DIAG_EMITTED_REFUSED, SPAN_NONE,
			"%s refused '%s', which toronc wrote (exit status %d): this is a bug of toron, not of the configuration",
			program, what, job->code);
	show_output(d, job);
	return true;
}
