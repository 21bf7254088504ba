/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Handshakes, step by step, in either role. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "tls/session.h"
#include "tls/worker.h"

#define NONFATAL_MOST 8 /* errors in one step that do not end it */
#define ALERT_RECORD 7u /* bytes of an alert in clear */

void session_refuse(struct session *s, gnutls_alert_description_t alert, int err, const char *format, ...)
{
	va_list args;

	s->shake->alert = alert;
	s->shake->err = err;
	va_start(args, format);
	vsnprintf(s->shake->why, sizeof(s->shake->why), format, args);
	va_end(args);
}

/* As RFC 8446 writes it: "unknown_ca". */
static const char *say_alert(gnutls_alert_description_t alert, char *text, size_t room)
{
	static const char prefix[] = "GNUTLS_A_";
	const char *name = gnutls_alert_get_strname(alert);
	size_t at;

	if (name != NULL && strncmp(name, prefix, sizeof(prefix) - 1) == 0)
		name += sizeof(prefix) - 1;
	at = (size_t)snprintf(text, room, "the peer's alert: ");
	snprintf(text + at, room - at, "%s", name != NULL ? name : "unknown");
	for (char *c = text + at; *c != '\0'; c++)
		*c = (char)ascii_lower((unsigned char)*c);
	return text;
}

const char *session_alert(const struct session *s, char *text, size_t room)
{
	return say_alert(gnutls_alert_get(s->gnutls), text, room);
}

/* Clients on OpenSSL send an alert about our certificate in clear where TLS 1.3 has it sealed (RFC 8446 section 6); GnuTLS fails to open
 * it. It ends the handshake in any case, so it may as well be told. NULL: the last record was something else. */
static const unsigned char *alert_in_clear(const struct session *s)
{
	static const unsigned char head[] = { 0x15, 3, 3, 0, 2 };
	const unsigned char *record;

	if (s->in == NULL || s->in_at < ALERT_RECORD)
		return NULL;
	record = (const unsigned char *)s->in->bytes + s->in_at - ALERT_RECORD;
	return memcmp(record, head, sizeof(head)) == 0 ? record + sizeof(head) : NULL;
}

/* Early data is taken out of GnuTLS's hands as it comes: there it costs a multiple of its size, and empty records cost without limit. */
static bool keep_early(struct session *s)
{
	ssize_t n;

	if (s->early_most == 0)
		return true;
	do {
		char bytes[1024];

		n = gnutls_record_recv_early_data(s->gnutls, bytes, sizeof(bytes));
		if (n <= 0)
			continue;
		if (s->early == NULL)
			s->early = buf_acquire(s->conn->worker->bufs, s->early_most);
		if (s->early == NULL || (size_t)n > s->early->cap - s->early_end)
			return false;
		memcpy(s->early->bytes + s->early_end, bytes, (size_t)n);
		s->early_end += (uint32_t)n;
	} while (n >= 0);
	return true;
}

/* GnuTLS stops at each record of early data, behind which there may be more. */
static bool goes_on(const struct session *s, int rc, uint32_t before)
{
	return rc == GNUTLS_E_AGAIN && s->early_most != 0 && s->in_at != s->in_end && s->in_taken != before;
}

static int run(struct session *s)
{
	uint64_t begun = clock_monotonic_us();
	uint32_t before;
	int rc, i = 0;

	do {
		before = s->in_taken;
		rc = gnutls_handshake(s->gnutls);
		if (!keep_early(s)) {
			session_refuse(s, GNUTLS_A_INTERNAL_ERROR, ERR_NO_MEMORY, "there is no memory for its early data");
			rc = GNUTLS_E_MEMORY_ERROR;
		}
	} while (goes_on(s, rc, before) ||
		(rc != 0 && rc != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(rc) && ++i <= NONFATAL_MOST));
	tls_worker_shook(s->worker, clock_monotonic_us() - begun);
	return rc;
}

/* What the peer's or our own refusal is called; its alert goes out. */
static int fail(struct session *s, int rc)
{
	struct session_shake *k = s->shake;
	const unsigned char *clear = rc == GNUTLS_E_DECRYPTION_FAILED ? alert_in_clear(s) : NULL;

	s->failed = true;
	if (session_is_overfed(s))
		session_refuse(s, GNUTLS_A_ILLEGAL_PARAMETER, ERR_PROTOCOL, "its handshake is longer than %u KiB", SILENT_MOST >> 10);
	if (k->explain != NULL && k->why[0] == '\0')
		k->explain(s, rc);
	if (k->why[0] != '\0') {
		gnutls_alert_send(s->gnutls, GNUTLS_AL_FATAL, k->alert);
	} else if (rc == GNUTLS_E_FATAL_ALERT_RECEIVED) {
		session_alert(s, k->why, sizeof(k->why));
	} else if (clear != NULL) {
		say_alert((gnutls_alert_description_t)clear[1], k->why, sizeof(k->why));
	} else if (rc == GNUTLS_E_PREMATURE_TERMINATION || rc == GNUTLS_E_PULL_ERROR) {
		snprintf(k->why, sizeof(k->why), "the peer closed the connection");
		k->err = ERR_RESET;
	} else {
		snprintf(k->why, sizeof(k->why), "%s", gnutls_strerror(rc));
		gnutls_alert_send_appropriate(s->gnutls, rc);
	}
	k->failed(s);
	return k->err != 0 ? k->err : ERR_PROTOCOL;
}

/* Everything is agreed on and sent. */
static void get_through(struct session *s)
{
	struct session_shake *k = s->shake;

	s->shake = NULL;
	s->in_taken = 0;
	s->in_most = SILENT_MOST;
	k->free(k);
	/* Only handshakes need them, and they may be replaced: a connection must not keep the old ones for life. */
	gnutls_credentials_clear(s->gnutls);
	s->conn->tls = s->info;
}

int session_handshake(struct conn *c, unsigned *want_out)
{
	struct session *s = session_of(c);
	int rc;

	s->conn = c;
	s->drained = false;
	s->fills = 0;
	if (!s->shaken) {
		*want_out = 0;
		if (!tls_worker_may_shake(s->worker))
			return ERR_AGAIN;
		rc = run(s);
		if (rc == 0 && !s->shake->done(s))
			rc = GNUTLS_E_CERTIFICATE_ERROR;
		if (rc != 0 && gnutls_error_is_fatal(rc))
			return fail(s, rc);
		if (s->in_at == s->in_end) {
			buf_release(&s->in);
			s->in_at = s->in_end = 0;
		}
		s->shaken = rc == 0;
	}
	rc = session_send(s);
	if (rc != 0 && rc != ERR_AGAIN)
		return rc;
	*want_out = rc == ERR_AGAIN ? LOOP_WRITE : LOOP_READ;
	if (rc == ERR_AGAIN || !s->shaken)
		return ERR_AGAIN;
	get_through(s);
	return 0;
}
