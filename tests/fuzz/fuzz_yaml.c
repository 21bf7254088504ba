/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fuzzes the YAML reader. */
#include "tree_case.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return check_case(data, size, TREE_YAML);
}
