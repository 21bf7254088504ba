/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What middlewares, generated predicates and plugins may do with an exchange (http/api.c implements it).
 *
 * All calls belong to the worker that owns the exchange. Strings that are returned live until the exchange ends. Strings that are
 * passed in must live as long (literals, or toron_copy). A call that runs out of the exchange's memory budget
 * returns false or STR_NONE and the exchange ends with 431 or 503 at the next step; callers need not check twice. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "toron/str.h"

struct exchange;

/* What a middleware says to its chain. PAUSED: it will call toron_resume() or toron_respond() later, from this worker. */
enum toron_verdict { TORON_NEXT, TORON_ANSWERED, TORON_PAUSED };

enum toron_method {
	TORON_GET = 1 << 0, TORON_HEAD = 1 << 1, TORON_POST = 1 << 2, TORON_PUT = 1 << 3, TORON_DELETE = 1 << 4,
	TORON_CONNECT = 1 << 5, TORON_OPTIONS = 1 << 6, TORON_TRACE = 1 << 7, TORON_PATCH = 1 << 8,
	TORON_METHOD_EXTRA = 1 << 9, /* bit 9 + i: the i-th of the gateway's extra_methods (at most 20) */
	TORON_METHOD_OTHER = 1 << 30, /* any other token */
};
/* What a route takes that names no method. TRACE shows to the client what it has no other way to see, so that a route must name it. */
#define TORON_ANY_METHOD (~(uint32_t)(TORON_TRACE | TORON_CONNECT))

/* ---- the request ---- */
struct str toron_request_method(const struct exchange *x);
uint32_t toron_request_method_bit(const struct exchange *x);
struct str toron_request_scheme(const struct exchange *x);
struct str toron_request_host(const struct exchange *x);   /* lower case, no port, no trailing dot */
struct str toron_request_path(const struct exchange *x);   /* normalised */
struct str toron_request_query(const struct exchange *x);  /* without "?"; ptr NULL: none */
struct str toron_request_id(const struct exchange *x);     /* "" before the request-id middleware ran */
struct str toron_source_ip(const struct exchange *x);      /* the client's, as trusted proxies tell; numeric text */
/* The source as 16 bytes, IPv4 mapped to ::ffff:0:0/96. */
const uint8_t *toron_source_addr(const struct exchange *x);
/* The i-th parameter of the route's canonical parameter list, percent-encoded as in the path; STR_NONE if the path form had none. */
struct str toron_path_param(const struct exchange *x, unsigned i);

/* Field names are passed in lower case. The first value, or STR_NONE. */
struct str toron_request_header(const struct exchange *x, struct str name);
/* Of a request, setting and removing take away what the client spelt with "_" for "-", too: many servers take it for the same. */
bool toron_request_header_set(struct exchange *x, struct str name, struct str value);
bool toron_request_header_add(struct exchange *x, struct str name, struct str value);
void toron_request_header_remove(struct exchange *x, struct str name);

/* ---- TLS towards the client; STR_NONE in clear text, and where there is none ---- */
struct str toron_tls_sni(const struct exchange *x);        /* the name that the client asked for, lower case */
struct str toron_tls_version(const struct exchange *x);    /* "TLSv1.2" or "TLSv1.3" */
struct str toron_tls_cipher(const struct exchange *x);     /* IANA's name: "TLS_AES_128_GCM_SHA256" */
/* The certificate that the client showed. One that does not verify never comes so far. */
bool toron_tls_client_verified(const struct exchange *x);  /* it showed one */
struct str toron_tls_client_subject(const struct exchange *x);     /* as in RFC 4514: "CN=Alice,O=Example" */
struct str toron_tls_client_fingerprint(const struct exchange *x); /* SHA-256 of the certificate, hexadecimal, lower case */
struct str toron_tls_client_san(const struct exchange *x); /* "DNS:a.example, URI:spiffe://example/api, email:a@example, IP:192.0.2.1" */
struct str toron_tls_client_spiffe(const struct exchange *x);      /* the URI, where the certificate is a SPIFFE ID's */

/* ---- the response, once its head is there (in a chain's response phase) ---- */
uint16_t toron_response_status(const struct exchange *x);
struct str toron_response_header(const struct exchange *x, struct str name);
bool toron_response_header_set(struct exchange *x, struct str name, struct str value);
bool toron_response_header_add(struct exchange *x, struct str name, struct str value);
void toron_response_header_remove(struct exchange *x, struct str name);

/* ---- answering ---- */
struct toron_header {
	struct str name, value;
};
/* Answers in place of the action; returns TORON_ANSWERED, for `return toron_respond(...)`. May be called once. The body is borrowed
 * until the exchange ends. content_type may be STR_NONE when the body is empty. */
enum toron_verdict toron_respond(struct exchange *x, uint16_t status, struct str content_type, struct str body,
	const struct toron_header *headers, size_t n_headers);
/* The standard error answer for a status, in the gateway's error format. */
enum toron_verdict toron_respond_error(struct exchange *x, uint16_t status, const struct toron_header *headers,
	size_t n_headers);
/* Goes on after TORON_PAUSED. */
void toron_resume(struct exchange *x);

/* ---- memory, values for others ---- */
void *toron_alloc(struct exchange *x, size_t size);
struct str toron_copy(struct exchange *x, struct str s);
/* The verified claims of a token (a Jansson object, owned by the exchange through `free_fn`), for ${claims.x} and others. */
void toron_claims_set(struct exchange *x, void *claims, void (*free_fn)(void *claims), struct str subject);
void *toron_claims(const struct exchange *x);
/* How the text at a dotted path ("realm.roles") is read out of the claims; STR_NONE if there is none. Whoever sets the claims sets
 * their reader after them. */
typedef struct str toron_claim_reader(struct exchange *x, void *claims, struct str path);
void toron_claims_reader_set(struct exchange *x, toron_claim_reader *read);
/* The text of one claim, or STR_NONE. Without a reader only "sub" is known. */
struct str toron_claim(struct exchange *x, struct str path);
void toron_request_id_set(struct exchange *x, struct str id);
/* Milliseconds of the worker's monotonic clock, read once a loop turn; microseconds of wall time likewise. */
uint64_t toron_now_ms(const struct exchange *x);
uint64_t toron_wall_us(const struct exchange *x);

/* ---- templates: "${path.id}" ---- */
enum toron_part_kind {
	TORON_PART_LITERAL, TORON_PART_PATH, TORON_PART_QUERY, TORON_PART_HOST, TORON_PART_METHOD, TORON_PART_SCHEME,
	TORON_PART_REQUEST_ID, TORON_PART_HEADER, TORON_PART_SOURCE_IP, TORON_PART_PARAM, TORON_PART_CLAIM,
	TORON_PART_LOG,             /* only in the access log: what is there once an exchange is over */
	TORON_PART_RESPONSE_HEADER, /* likewise */
	TORON_PART_TLS,
	TORON_PART_CAPTURE,         /* only in the target of a rewrite by a regex: what a group took */
};
enum toron_tls_field {
	TORON_TLS_SNI, TORON_TLS_VERSION, TORON_TLS_CIPHER, TORON_TLS_CLIENT_SUBJECT, TORON_TLS_CLIENT_FINGERPRINT,
	TORON_TLS_CLIENT_SAN, TORON_TLS_CLIENT_SPIFFE, TORON_TLS_CLIENT_VERIFIED, /* "true" or nothing */
};
struct str toron_tls_field(const struct exchange *x, enum toron_tls_field field);
struct toron_part {
	enum toron_part_kind kind;
	uint32_t index;     /* PARAM: which; LOG: enum toron_log_field; TLS: enum toron_tls_field; CAPTURE: the group, 0: the whole path */
	struct str text;    /* LITERAL, HEADER, CLAIM, RESPONSE_HEADER */
};
struct toron_template {
	const struct toron_part *parts;
	uint32_t n;
};
/* The text; a single literal costs nothing. Absent values are empty. CR, LF and NUL of a value are dropped. */
struct str toron_template_text(struct exchange *x, const struct toron_template *t);

/* ---- predicates of generated routes ---- */
enum toron_where { TORON_IN_HEADER, TORON_IN_QUERY, TORON_IN_COOKIE, TORON_IN_SNI /* toron_tls_sni(); the name is not looked at */,
	TORON_IN_CLIENT /* the client's certificate: "subject", "san", "spiffe" or "fingerprint" */ };
typedef bool toron_take(struct str value);
/* True if `take` accepts any of the values of that header, query parameter (percent-decoded), cookie or certificate; take NULL: presence. */
bool toron_request_any(const struct exchange *x, enum toron_where where, struct str name, toron_take *take);
/* True if `take` accepts any subject alternative name of the client's certificate, with its kind before it ("DNS:a.example"). */
bool toron_tls_client_any_san(const struct exchange *x, toron_take *take);
struct toron_cidr {
	uint8_t addr[16];
	uint8_t bits;
};
bool toron_cidr_has(const struct toron_cidr *c, const uint8_t addr[16]);
bool toron_source_in(const struct exchange *x, const struct toron_cidr *at, size_t n);
