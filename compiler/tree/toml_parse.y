/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The grammar of TOML 1.0. The lexer tells keys from values; where a key may go is decided in
 * toml_table.c. */
%include {
#include "tree/toml_reader.h"

/* Of lemon's template, which we do not write. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wtype-limits"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-variable"
}

%name toml_parse
%token_prefix TOML_
%token_type { struct build_token }
%extra_argument { struct toml_reader *r }
/* Four entries a level, and the levels are limited. */
%stack_size 1000
%stack_overflow { toml_overflow(r); }
%syntax_error { toml_syntax_error(r, yymajor, &TOKEN); }

%type key { struct toml_key * }
%type target { struct toml_key * }
%type value { struct node * }
%type array { struct node * }
%type array_begin { struct node * }
%type items { struct node * }
%type inline { struct node * }
%type inline_begin { struct node * }
%type pairs { struct node * }

document ::= lines.
lines ::= line.
lines ::= lines NEWLINE line.
line ::= .
line ::= target(K) value(V). { toml_assign(r, NULL, K, V); }
line ::= TABLE_BEGIN(B) key(K) TABLE_END(E). { toml_open_table(r, &B, K, &E); }
line ::= TABLES_BEGIN(B) key(K) TABLES_END(E). { toml_open_tables(r, &B, K, &E); }

target(T) ::= key(K) EQUALS. { T = toml_target(r, K); }
key(K) ::= BARE(T). { K = toml_key_part(r, NULL, &T); }
key(K) ::= STRING(T). { K = toml_key_part(r, NULL, &T); }
key(K) ::= key(A) DOT BARE(T). { K = toml_key_part(r, A, &T); }
key(K) ::= key(A) DOT STRING(T). { K = toml_key_part(r, A, &T); }

value(V) ::= STRING(T). { V = build_scalar(&r->build, NODE_STRING, &T); }
value(V) ::= TEXT(T). { V = build_scalar(&r->build, NODE_STRING, &T); }
value(V) ::= INTEGER(T). { V = build_scalar(&r->build, NODE_INT, &T); }
value(V) ::= FLOAT(T). { V = build_scalar(&r->build, NODE_FLOAT, &T); }
value(V) ::= BOOLEAN(T). { V = build_scalar(&r->build, NODE_BOOL, &T); }
value(V) ::= TIME(T). { V = build_scalar(&r->build, NODE_DATETIME, &T); }
value(V) ::= array(A). { V = A; }
value(V) ::= inline(T). { V = T; }

array(A) ::= array_begin(B) ARRAY_END(T). { A = toml_end(r, B, &T); }
array(A) ::= items(B) ARRAY_END(T). { A = toml_end(r, B, &T); }
array(A) ::= items(B) COMMA ARRAY_END(T). { A = toml_end(r, B, &T); }
array_begin(A) ::= ARRAY_BEGIN(T). { A = toml_begin(r, NODE_SEQ, &T); }
items(A) ::= array_begin(B) value(V). {
	toml_item(r, B, V);
	A = B;
}
items(A) ::= items(B) COMMA value(V). {
	toml_item(r, B, V);
	A = B;
}

inline(T) ::= inline_begin(B) INLINE_END(E). { T = toml_end(r, B, &E); }
inline(T) ::= pairs(B) INLINE_END(E). { T = toml_end(r, B, &E); }
inline_begin(T) ::= INLINE_BEGIN(B). { T = toml_begin(r, NODE_MAP, &B); }
pairs(T) ::= inline_begin(B) target(K) value(V). {
	toml_assign(r, B, K, V);
	T = B;
}
pairs(T) ::= pairs(B) COMMA target(K) value(V). {
	toml_assign(r, B, K, V);
	T = B;
}
