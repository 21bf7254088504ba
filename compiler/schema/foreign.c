/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "schema/foreign.h"

#include "base/check.h"
#include "base/str.h"

struct str foreign_name(const struct sub *s, struct str key)
{
	/* The first of ours that the map has counts: "upstream" is a section for one, and an action for another. */
	static const struct {
		struct str theirs, ours;
	} names[] = {
		{ STR_INIT("server"), STR_INIT("listeners") }, { STR_INIT("servers"), STR_INIT("listeners") },
		{ STR_INIT("entryPoints"), STR_INIT("listeners") }, { STR_INIT("http"), STR_INIT("listeners") },
		{ STR_INIT("upstream"), STR_INIT("backends") }, { STR_INIT("upstreams"), STR_INIT("backends") },
		{ STR_INIT("clusters"), STR_INIT("backends") }, { STR_INIT("services"), STR_INIT("backends") },
		{ STR_INIT("routers"), STR_INIT("routes") }, { STR_INIT("virtual_hosts"), STR_INIT("routes") },
		{ STR_INIT("location"), STR_INIT("routes") }, { STR_INIT("location"), STR_INIT("match") },
		{ STR_INIT("rule"), STR_INIT("match") }, { STR_INIT("predicates"), STR_INIT("match") },
		{ STR_INIT("proxy_pass"), STR_INIT("backend") }, { STR_INIT("reverse_proxy"), STR_INIT("backend") },
		{ STR_INIT("service"), STR_INIT("backend") }, { STR_INIT("cluster"), STR_INIT("backend") },
		{ STR_INIT("upstream"), STR_INIT("backend") }, { STR_INIT("proxy"), STR_INIT("backend") },
		{ STR_INIT("weighted_clusters"), STR_INIT("split") }, { STR_INIT("return"), STR_INIT("respond") },
		{ STR_INIT("direct_response"), STR_INIT("respond") }, { STR_INIT("redir"), STR_INIT("redirect") },
		{ STR_INIT("root"), STR_INIT("files") }, { STR_INIT("file_server"), STR_INIT("files") },
		{ STR_INIT("filters"), STR_INIT("middlewares") }, { STR_INIT("http_filters"), STR_INIT("middlewares") },
		{ STR_INIT("plugins"), STR_INIT("middlewares") }, { STR_INIT("strip_path"), STR_INIT("rewrite") },
		{ STR_INIT("listen"), STR_INIT("port") },
		{ STR_INIT("server_name"), STR_INIT("host") }, { STR_INIT("domains"), STR_INIT("host") },
		{ STR_INIT("prefix"), STR_INIT("path") }, { STR_INIT("uri"), STR_INIT("path") },
		{ STR_INIT("verbs"), STR_INIT("method") }, { STR_INIT("loadBalancer"), STR_INIT("servers") },
		{ STR_INIT("targets"), STR_INIT("servers") }, { STR_INIT("endpoints"), STR_INIT("servers") },
		{ STR_INIT("lb_policy"), STR_INIT("balance") }, { STR_INIT("health_checks"), STR_INIT("health") },
		{ STR_INIT("code"), STR_INIT("status") }, { STR_INIT("minute"), STR_INIT("rate") },
		{ STR_INIT("second"), STR_INIT("rate") }, { STR_INIT("average"), STR_INIT("rate") },
		{ STR_INIT("requests_per_second"), STR_INIT("rate") }, { STR_INIT("client_max_body_size"), STR_INIT("body_bytes") },
		{ STR_INIT("keepalive_timeout"), STR_INIT("idle") }, { STR_INIT("passHostHeader"), STR_INIT("preserve_host") },
		{ STR_INIT("preserveHost"), STR_INIT("preserve_host") },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_eq_nocase(names[i].theirs, key) && sub_property(s, names[i].ours) != NULL)
			return names[i].ours;
	}
	return STR_NONE;
}
