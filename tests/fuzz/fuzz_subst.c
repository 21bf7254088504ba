/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fuzzes the substitution of variables. The input's first line is the value of ${A}, the second that of ${B}; the rest is a YAML
 * document. Whatever they are, the result is a sound tree, and no ${A} is left where nothing was reported. */
#include "tree_case.h"

static struct str take_line(struct str *rest)
{
	struct str line = STR("");

	str_split(rest, '\n', &line);
	return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { size == 0 ? "" : (const char *)data, size };
	struct str first = take_line(&rest), second = take_line(&rest);
	const struct tree_var vars[] = { { STR_INIT("A"), first, STR_INIT("-D") }, { STR_INIT("B"), second, STR_INIT("the environment") } };
	bool is_json = true;
	struct node *root;
	struct arena a;
	struct diags d;

	arena_init_unbounded(&a);
	diag_init(&d, &a);
	if (rest.ptr == NULL)
		rest = STR("");
	root = tree_read(&a, &d, diag_add_source(&d, STR("input"), rest), TREE_YAML);
	if (root != NULL) {
		tree_substitute(&a, &d, root, &(struct tree_vars){ vars, ARRAY_LEN(vars) });
		check_tree(&d, root, 0, &is_json);
		if (d.n_errors == 0 && is_json)
			check_as_json(&a, root);
	}
	check_reports(&d);
	arena_fini(&a);
	return 0;
}
