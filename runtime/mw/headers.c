/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The headers middleware: edits of request and response heads, in the table's order. */
#include "toron/mw.h"

#include "base/str.h"

/* One message's side of the field functions. */
struct head_ops {
	bool (*set)(struct exchange *x, struct str name, struct str value);
	bool (*add)(struct exchange *x, struct str name, struct str value);
	void (*remove)(struct exchange *x, struct str name);
};

static const struct head_ops request_ops = {
	.set = toron_request_header_set,
	.add = toron_request_header_add,
	.remove = toron_request_header_remove,
};
static const struct head_ops response_ops = {
	.set = toron_response_header_set,
	.add = toron_response_header_add,
	.remove = toron_response_header_remove,
};

static void edit(struct exchange *x, const struct toron_header_edit *e, const struct head_ops *ops)
{
	switch (e->op) {
	case TORON_HEADER_SET:
		/* A value that no field may hold (a claim with a control character, say) must not
		 * let the sender's own field through. */
		if (!ops->set(x, e->name, str_trim(toron_template_text(x, &e->value))))
			ops->remove(x, e->name);
		return;
	case TORON_HEADER_ADD:
		ops->add(x, e->name, str_trim(toron_template_text(x, &e->value)));
		return;
	case TORON_HEADER_REMOVE:
		ops->remove(x, e->name);
		return;
	}
}

enum toron_verdict toron_headers_request(struct exchange *x, const struct toron_headers *conf)
{
	for (uint32_t i = 0; i < conf->n_request; i++)
		edit(x, &conf->request[i], &request_ops);
	return TORON_NEXT;
}

void toron_headers_response(struct exchange *x, const struct toron_headers *conf)
{
	for (uint32_t i = 0; i < conf->n_response; i++)
		edit(x, &conf->response[i], &response_ops);
}
