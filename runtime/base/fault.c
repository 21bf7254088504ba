/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/fault.h"

#include "base/check.h"

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
