/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One exchange: a request and its response, between a front leg and a back leg.
 *
 * A leg is a codec stream or a local handler (an answer of ours). A leg reports what it received by the exchange_* events and is told
 * what to send by its ops. Neither knows the other's kind. Events that come in one batch (head, bytes, end) end with one
 * exchange_more, upon which the other leg sends.
 *
 *   front leg --exchange_head(request)--> route, chain, action --> attaches a back leg, calls back->head
 *   back leg  --exchange_head(response)-> response chain ------> front->head
 *   either    --exchange_more-----------> the other's more;  the consumer's exchange_room --> the producer's room
 *   back leg  --exchange_back_done------> the back leg has let go; the exchange goes on until the front is done
 *   front leg --exchange_done-----------> logged and freed; the pointer is dead
 *
 * A fault of the back leg becomes a retry, an error answer, or a reset of the front; a fault of the front resets the back. All calls
 * belong to the worker's thread. exchange_head, _more, _end, _fault may end in the leg's own ops being called (front->reset from inside
 * exchange_fault, say), never in the leg's memory being freed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "http/filter.h"
#include "http/msg.h"
#include "loop/worker.h"
#include "net/addr.h"
#include "toron/gateway.h"
#include "toron/match.h"

struct exchange;
struct leg;
struct toron_listener;
struct toron_backend;
struct conn;
struct tls_info;

struct leg_ops {
	const char *name;
	/* Send this head (an interim 1xx one too). The message stays valid; its body may have bytes already. Does not write yet. */
	void (*head)(struct leg *leg, const struct msg *m);
	/* Bytes, trailers or the end wait to be sent: write now. */
	void (*more)(struct leg *leg);
	/* The consumer has released bytes: more may be received. */
	void (*room)(struct leg *leg);
	/* Give up this exchange: abort what was begun. The leg lets go of the exchange (leg->x becomes NULL). */
	void (*reset)(struct leg *leg, enum fault fault);
	/* Whether the body of the head that it was told last may have stretches of files. NULL: never. */
	bool (*takes_file)(const struct leg *leg);
};

struct leg {
	const struct leg_ops *ops;
	struct exchange *x; /* NULL: attached to none */
};

#define EXCHANGE_BODY_LIMIT (256u << 10) /* bytes in flight in one direction */

enum exchange_state {
	EXCHANGE_HEAD,      /* waits for the request head */
	EXCHANGE_CHAIN,     /* in the request chain, perhaps paused */
	EXCHANGE_ACTION,    /* the action has begun, no final response head yet */
	EXCHANGE_ANSWERING, /* the response head went to the front */
	EXCHANGE_FAILED,    /* the front was reset */
};

/* What a request's content-type says about gRPC. */
enum grpc_kind { GRPC_NONE, GRPC_CALL, GRPC_WEB, GRPC_WEB_TEXT };

/* Times for the log and limits: microseconds of the monotonic clock. */
struct exchange_times {
	uint64_t begun, connected, first_byte;
};

struct exchange {
	unsigned magic;
#define EXCHANGE_MAGIC 0x6b1f20c3u
	enum exchange_state state;
	struct worker *worker;              /* borrowed */
	const struct toron_listener *listener;
	struct leg *front, *back;           /* borrowed; NULL: none */
	struct msg request, response;
	struct buf *field_bufs[2][2];       /* counted: what the fields of the head and the trailers point into, by enum msg_kind */
	struct arena arena;

	/* the request, understood (http/semantics.c) */
	uint32_t method_bit;
	struct str host;                    /* lower case, no port, no trailing dot */
	uint16_t host_port;
	uint32_t host_list;                 /* what host_router leads the host to */
	const struct toron_router *host_router; /* NULL: not known so far */
	struct str path, query;             /* normalised */
	struct str target;                  /* path and query as the gateway understood them; servers may be sent another one */
	struct tls_info *tls;               /* counted; NULL: the request came in clear text */
	struct addr source;                 /* the socket's peer */
	struct str source_text;
	bool has_client;                    /* a trusted proxy says who stands behind it: */
	struct addr client;                 /* port 0: unknown */
	struct str client_text;
	enum grpc_kind grpc;
	struct str grpc_type;               /* the media type that says so */
	uint8_t grpc_kept;                  /* grpc_keep_status(): the status and 1; 0: none was kept */
	bool stops_here;                    /* Max-Forwards is spent: answered by the gateway itself */

	/* routing */
	const struct toron_route *route;    /* NULL: none took it */
	const uint8_t *params;              /* of the candidate; NULL: none */
	const struct str *captures;         /* of the rewrite's regex, while its target is put together */
	uint32_t chain_entered;
	bool chain_answered;                /* toron_respond was called */
	bool response_chain_done;
	bool running;                       /* generated code is on the stack: answers wait until it returns */

	/* what middlewares keep */
	void *claims;
	void (*claims_free)(void *);
	toron_claim_reader *claims_read;    /* NULL: only the subject is known */
	struct str claims_subject, request_id;

	/* the action's side (backend/) */
	const struct toron_backend *backend;
	uint32_t server, tries;
	bool reused;                        /* the back connection has carried exchanges before */
	bool (*retry)(struct exchange *x, enum fault fault); /* true: another back leg is on its way */
	bool (*retry_answer)(struct exchange *x); /* likewise, in place of the answer whose head is x->response; NULL: never */
	void (*cancel)(struct exchange *x);  /* stops what the action waits for besides a leg (names, room, time); NULL: nothing */
	void *action_state;                  /* the action's own, in the arena */
	void (*gathered)(struct exchange *x); /* the action waits for the request's body (exchange_gather); NULL: it does not */
	size_t gather_most;

	enum fault fault;                   /* the first that counted */
	bool close_front;                   /* the front connection ends after this exchange */
	bool is_own;                        /* the gateway's own question: nobody is told of it */
	bool is_tunnel;                     /* after 101: both bodies are raw bytes */
	bool is_watched;                    /* ... whose time limits are somebody else's, not the legs' */
	struct str websocket_key;           /* of a WebSocket's handshake; ptr NULL: there is none (yet) */
	void (*drain)(struct exchange *x);  /* asks a tunnel to end in good order; NULL: nobody can */
	void *tunnel_watch;                 /* of whoever set drain */
	struct filter_chain filters[2];      /* by enum msg_kind: what changes bodies on their way */
	struct exchange_times times;
	struct loop_timer total;            /* the route's total limit or a call's own, when there is one */
	bool total_armed, total_is_over;
	uint64_t total_at_ms;               /* when it fires */
	struct leg local;                   /* our own answers (http/answer.c) */
	struct leg *answer_leg;             /* the action's own, in place of local (answer_attach); NULL: none */
	struct list link;                   /* in the pool, or among the worker's live exchanges */
};

struct exchange_pool;
struct exchange_pool *exchange_pool_new(struct worker *w);
void exchange_pool_free(struct exchange_pool **p);
size_t exchange_pool_live(const struct exchange_pool *p);
/* The worker drains: tunnels that can are asked to end. */
void exchange_pool_drain(struct exchange_pool *p);

/* A new exchange for a front leg on a client's connection; NULL when over the memory budget. */
struct exchange *exchange_new(const struct conn *c, const struct toron_listener *l, struct leg *front);
/* One of the gateway's own, whose front is local: the owner fills in the request, sets the route, and attaches a back leg. No chain runs,
 * no observer is told. */
struct exchange *exchange_new_own(struct worker *w, const struct toron_listener *l, const struct toron_route *route, struct leg *front);
/* Keeps a count on a buffer that fields of a message point into: of its head, and of its trailers; false when there are more. */
bool exchange_keep_buf(struct exchange *x, enum msg_kind kind, struct buf *b);

/* Whom the request comes from: the client, as far as trusted proxies tell, else the socket's peer. */
static inline const struct addr *exchange_client(const struct exchange *x)
{
	return x->has_client ? &x->client : &x->source;
}
static inline struct str exchange_client_text(const struct exchange *x)
{
	return x->has_client ? x->client_text : x->source_text;
}
/* What clients are told apart by: their address; of IPv6 the network, in which one client has many. */
static inline struct str exchange_client_key(const struct exchange *x)
{
	const struct addr *client = exchange_client(x);

	return (struct str){ (const char *)client->ip, client->is_v4 ? sizeof(client->ip) : 8 };
}

/* For a front leg whose request is broken, in its head or later: answers with the fault's status when no answer has begun, else resets;
 * the connection ends. The exchange may be dead afterwards. */
void exchange_refuse(struct exchange *x, enum fault fault);

/* Where the receiving leg appends what it receives. */
static inline struct body *exchange_body_in(struct exchange *x, enum msg_kind kind)
{
	if (x->filters[kind].first != NULL)
		return &x->filters[kind].first->in;
	return kind == MSG_REQUEST ? &x->request.body : &x->response.body;
}

/* Bytes that the request's body may have; 0: no limit. */
static inline uint64_t exchange_body_limit(const struct exchange *x)
{
	uint64_t own = x->route == NULL ? 0 : x->route->body_bytes, all = x->listener->limits.body_bytes;

	return own != 0 && (all == 0 || own < all) ? own : all;
}
/* Its head says that it has more. */
static inline bool exchange_is_over_limit(const struct exchange *x)
{
	uint64_t limit = exchange_body_limit(x);

	return limit != 0 && x->request.length > 0 && (uint64_t)x->request.length > limit;
}

/* The client waits to be asked for its body, and so for the server. */
static inline bool exchange_awaits_go(struct exchange *x)
{
	return x->request.expect_continue && exchange_body_in(x, MSG_REQUEST)->appended == 0;
}

/* For back legs, once the head is reported: whether they may append stretches of files. A front that finds a file shorter than that, or
 * cannot read it, cuts the exchange with BACK_CUT. */
static inline bool exchange_takes_file(const struct exchange *x)
{
	return x->filters[MSG_RESPONSE].first == NULL && x->front->ops->takes_file != NULL && x->front->ops->takes_file(x->front);
}

/* Events. `from` is x->front or x->back. */
void exchange_head(struct exchange *x, struct leg *from);
void exchange_more(struct exchange *x, struct leg *from);
void exchange_end(struct exchange *x, struct leg *from);
void exchange_fault(struct exchange *x, struct leg *from, enum fault fault);
/* The leg has released bytes of what it sends: the other leg may receive more. */
void exchange_room(struct exchange *x, struct leg *from);
/* The back leg is through (its response complete) and takes itself out. */
void exchange_back_done(struct exchange *x);
/* The front leg is through: logs, frees. A back leg that is still there is reset. */
void exchange_done(struct exchange *x);

/* For actions: gathers the request's body before there is a back leg. `then` is called once when the body is complete, when `most` bytes
 * are there, or when no more can be taken. A client that waits to be asked for its body is asked. False, and `then` is not called, when
 * there is nothing to wait for: no body, or one that is known to be longer. */
bool exchange_gather(struct exchange *x, size_t most, void (*then)(struct exchange *x));
/* For actions: lets so many bytes of a body wait, where more than usual. False: over the memory budget, and all is as before. */
bool exchange_widen(struct exchange *x, struct body *b, size_t most);
/* For front legs: no more of the request's body can be taken until some of it goes. x may be dead afterwards. */
void exchange_no_room(struct exchange *x);

/* For actions: puts a back leg to work; calls its head op and more. */
void exchange_attach_back(struct exchange *x, struct leg *back);
/* For back legs: another one in place of x->back, which has sent nothing and lets go. */
void exchange_change_back(struct exchange *x, struct leg *to);
/* For actions: fails before there is a back leg (no server, resolve). */
void exchange_fail(struct exchange *x, enum fault fault);
/* The same, where another try is allowed. */
void exchange_retry_or_fail(struct exchange *x, enum fault fault);
/* For actions: an attempt takes too long. Resets the back leg, if there is one; then the same. */
void exchange_give_up(struct exchange *x, enum fault fault);
/* For actions, before they try again: resets the back leg, forgets what it answered, and begins the request's body anew. False, and
 * nothing is changed, if a part of that body is gone. Not after the response head went to the front. */
bool exchange_rewind(struct exchange *x, enum fault fault);
/* From a timer or a leg: ends an exchange whose answer has begun, by trailers that say so where the answer is of gRPC, else by cutting off
 * both sides. x may be dead afterwards. */
void exchange_cut(struct exchange *x, enum fault fault);

/* Told once per finished exchange, before it is freed; set by observe/ at boot. NULL: nobody listens. */
typedef void exchange_observer(struct exchange *x);
extern exchange_observer *exchange_observe;

/* Implemented by route/, which stands above this folder. Finds the route: sets x->route and x->params; otherwise false, and *allow_out
 * are the methods that would have been taken (0: the path is unknown). */
bool route_find(struct exchange *x, uint32_t *allow_out);
/* The value of an Allow field for such methods. */
struct str route_allow_text(struct exchange *x, uint32_t allow);
