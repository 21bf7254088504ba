/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The grammar of JSON (RFC 8259 section 2). The lexer has decoded the tokens; the actions build
 * nodes. */
%include {
#include "tree/json_reader.h"

/* Of lemon's template, which we do not write. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wtype-limits"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-variable"
}

%name json_parse
%token_prefix JSON_
%token_type { struct build_token }
%extra_argument { struct json_reader *r }
/* Four entries a level, and the levels are limited. */
%stack_size 1000
%stack_overflow { json_overflow(r); }
%syntax_error { json_syntax_error(r, yymajor, &TOKEN); }

%type value { struct node * }
%type map { struct node * }
%type map_begin { struct node * }
%type members { struct node * }
%type seq { struct node * }
%type seq_begin { struct node * }
%type items { struct node * }

document ::= value(V). { r->root = V; }

value(V) ::= STRING(T). { V = build_scalar(&r->build, NODE_STRING, &T); }
value(V) ::= INTEGER(T). { V = build_scalar(&r->build, NODE_INT, &T); }
value(V) ::= NUMBER(T). { V = build_scalar(&r->build, NODE_FLOAT, &T); }
value(V) ::= BOOLEAN(T). { V = build_scalar(&r->build, NODE_BOOL, &T); }
value(V) ::= NULL(T). { V = build_scalar(&r->build, NODE_NULL, &T); }
value(V) ::= map(M). { V = M; }
value(V) ::= seq(S). { V = S; }

map(M) ::= map_begin(B) MAP_END(T). { M = json_end(r, B, &T); }
map(M) ::= members(B) MAP_END(T). { M = json_end(r, B, &T); }
map(M) ::= members(B) COMMA(C) MAP_END(T). {
	json_trailing_comma(r, &C);
	M = json_end(r, B, &T);
}
map_begin(M) ::= MAP_BEGIN(T). { M = json_begin(r, NODE_MAP, &T); }
members(M) ::= map_begin(B) STRING(K) COLON value(V). {
	json_member(r, B, &K, V);
	M = B;
}
members(M) ::= members(B) COMMA STRING(K) COLON value(V). {
	json_member(r, B, &K, V);
	M = B;
}

seq(S) ::= seq_begin(B) SEQ_END(T). { S = json_end(r, B, &T); }
seq(S) ::= items(B) SEQ_END(T). { S = json_end(r, B, &T); }
seq(S) ::= items(B) COMMA(C) SEQ_END(T). {
	json_trailing_comma(r, &C);
	S = json_end(r, B, &T);
}
seq_begin(S) ::= SEQ_BEGIN(T). { S = json_begin(r, NODE_SEQ, &T); }
items(S) ::= seq_begin(B) value(V). {
	json_item(r, B, V);
	S = B;
}
items(S) ::= items(B) COMMA value(V). {
	json_item(r, B, V);
	S = B;
}
