/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fuzzes the JSON reader; an input whose first byte is # is read with comments, without that byte. */
#include "tree_case.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0 && data[0] == '#')
		return check_case(data + 1, size - 1, TREE_JSONC);
	return check_case(data, size, TREE_JSON);
}
