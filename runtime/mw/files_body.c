/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "mw/files_body.h"

#include <errno.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "http/answer.h"
#include "net/buf.h"

#define IN_FLIGHT  (128u << 10) /* bytes of an answer that wait for the client */
#define READ_LEAST (16u << 10)  /* smaller reads wait for more room */
#define READ_MOST  (8u << 10)  /* stretches that are better read, to go out in one piece with what stands before them */
#define TURN_MOST  (1u << 20)   /* bytes for a client that takes all, before others have their turn */

struct files_body {
	unsigned magic;
#define FILES_BODY_MAGIC 0x7c1e93a5u
	struct leg leg;
	struct loop_task task;    /* fills, outside of the front's calls */
	bool has_started;
	bool hands_over;          /* the front takes stretches of the file as they are */
	enum fault failure;       /* noticed while the front was on the stack; told by the task */
	int fd;
	const struct files_piece *at;
	size_t n, i;              /* pieces; the present one */
	uint64_t done;            /* of the present one */
	uint64_t turn_us, turn_bytes;
};

static struct files_body *body_of(struct leg *leg)
{
	struct files_body *b = CONTAINER_OF(leg, struct files_body, leg);

	CHECK_MAGIC(b, FILES_BODY_MAGIC);
	return b;
}

/* Reads the next bytes of the file. BACK_CUT: it cannot be read, or has become shorter. */
static enum fault read_some(struct files_body *b, struct body *to, size_t want)
{
	struct buf *buf = buf_acquire(b->leg.x->worker->bufs, want);
	ssize_t n = 0;

	if (buf == NULL)
		return FAULT_NO_MEMORY;
	if (want > buf->cap)
		want = buf->cap;
	do
		n = pread(b->fd, buf->bytes, want, (off_t)(b->at[b->i].from + b->done));
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		body_append(to, buf->bytes, (size_t)n, buf);
		b->done += (uint64_t)n;
		b->turn_bytes += (uint64_t)n;
	}
	buf_release(&buf);
	return n > 0 ? FAULT_NONE : FAULT_BACK_CUT;
}

static void hand_over(struct files_body *b, struct body *to, uint64_t most)
{
	size_t n = most < TURN_MOST ? (size_t)most : TURN_MOST;

	body_append_file(to, b->fd, b->at[b->i].from + b->done, n);
	b->done += n;
	b->turn_bytes += n;
}

/* Fills the body as far as there is room. True if there is something new to send. */
static bool fill(struct files_body *b)
{
	struct exchange *x = b->leg.x;
	struct body *to = exchange_body_in(x, MSG_RESPONSE);
	uint64_t before = to->appended;

	while (b->i < b->n && b->failure == FAULT_NONE) {
		const struct files_piece *p = &b->at[b->i];
		uint64_t left = p->len - b->done;
		size_t room = body_room(to), want = left < room ? (size_t)left : room;

		if (left == 0) {
			b->i++;
			b->done = 0;
		} else if (room != 0 && b->hands_over && p->text == NULL && p->len > READ_MOST) {
			hand_over(b, to, left);
		} else if (room == 0 || (p->text == NULL && want < left && want < READ_LEAST)) {
			return to->appended != before;
		} else if (p->text != NULL) {
			body_append(to, p->text + b->done, want, NULL);
			b->done += want;
		} else {
			b->failure = read_some(b, to, want);
		}
	}
	if (b->failure != FAULT_NONE || to->end)
		return to->appended != before;
	exchange_end(x, &b->leg);
	return true;
}

static void let_go(struct files_body *b)
{
	loop_task_cancel(&b->task);
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
}

static void on_task(struct loop_task *t)
{
	struct files_body *b = CONTAINER_OF(t, struct files_body, task);
	struct exchange *x = b->leg.x;
	uint64_t now = loop_now_us(x->worker->loop);
	bool has_more;

	CHECK_MAGIC(b, FILES_BODY_MAGIC);
	if (now != b->turn_us) {
		b->turn_us = now;
		b->turn_bytes = 0;
	}
	has_more = fill(b);
	if (b->failure != FAULT_NONE)
		exchange_cut(x, b->failure);
	else if (has_more)
		exchange_more(x, &b->leg);
}

/* ---- the leg ---- */

static void files_head(struct leg *leg, const struct msg *m)
{
	(void)leg;
	(void)m;
}

/* The first time the head has just been reported and exchange_more follows; later the front is in the middle of its writing. */
static void files_room(struct leg *leg)
{
	struct files_body *b = body_of(leg);
	struct loop *l = leg->x->worker->loop;

	if (!b->has_started) {
		b->has_started = true;
		b->hands_over = exchange_takes_file(leg->x);
		fill(b);
		if (b->failure != FAULT_NONE)
			loop_defer(l, &b->task);
		return;
	}
	if (exchange_body_in(leg->x, MSG_RESPONSE)->end)
		return;
	if (b->turn_us != loop_now_us(l) || b->turn_bytes < TURN_MOST)
		loop_defer(l, &b->task);
	else
		loop_later(l, &b->task);
}

static void files_reset(struct leg *leg, enum fault fault)
{
	struct exchange *x = leg->x;

	if (fault == FAULT_BACK_CUT)
		log_event(LOG_WARN, "file-cut", "%s: a file became shorter or unreadable while it was sent",
			x->route == NULL ? "?" : x->route->origin);
	let_go(body_of(leg));
	leg->x = NULL;
}

static const struct leg_ops files_ops = {
	.name = "files",
	.head = files_head,
	.more = answer_drop_request,
	.room = files_room,
	.reset = files_reset,
};

bool files_body_attach(struct exchange *x, int fd, const struct files_piece *pieces, size_t n)
{
	struct files_body *b = arena_alloc(&x->arena, sizeof(*b));

	if (b == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	*b = (struct files_body){ .magic = FILES_BODY_MAGIC, .fd = fd, .at = pieces, .n = n };
	b->leg.ops = &files_ops;
	loop_task_init(&b->task, on_task);
	body_init(&x->response.body, IN_FLIGHT);
	answer_attach(x, &b->leg);
	return true;
}
