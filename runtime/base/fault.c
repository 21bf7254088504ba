/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/fault.h"

#include "base/check.h"
#include "base/str.h"

static const struct fault_info infos[] = {
#define FAULT(name, http, h2, h3, grpc, retry, text) { #name, text, http, h3, h2, grpc, retry },
#include "base/fault.def"
#undef FAULT
};

const struct fault_info *fault_info(enum fault f)
{
	CHECK((unsigned)f < FAULT_COUNT);
	return &infos[f];
}

size_t fault_label(enum fault f, char to[FAULT_LABEL_MOST])
{
	const char *name = fault_info(f)->name;
	size_t n = 0;

	for (; name[n] != '\0' && n < FAULT_LABEL_MOST; n++)
		to[n] = name[n] == '_' ? '-' : (char)ascii_lower((unsigned char)name[n]);
	return n;
}
