/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "http/grpc.h"
#include "loop/count.h"
#include "observe/exposition.h"
#include "observe/metrics.h"
#include "unit/http/hand_made.h"

#define N_WORKERS 2

static _Atomic uint32_t open_now[2];
static struct toron_listener listeners[2];
static struct toron_route routes[3];
static const struct toron_server servers[] = {
	{ .authority = STR_INIT("a:1") }, { .authority = STR_INIT("b:2"), .base_path = STR_INIT("/x") }, { .authority = STR_INIT("a:1") },
	{ .authority = STR_INIT("b:2") },
};
static const struct toron_backend one = { .name = "one", .index = 0, .servers = servers, .n_servers = 1 };
static const struct toron_backend none = { .name = "none", .index = 1 };
static const struct toron_backend pool = { .name = "pool", .index = 2, .servers = servers, .n_servers = 4 };
static const struct toron_backend *const backends[] = { &one, &none, &pool };
static struct toron_gateway gateway;
static struct count_table *table;
static struct worker workers[N_WORKERS];
static struct sbuf text;

static void setup(void)
{
	listeners[0] = (struct toron_listener){ .name = "web", .open = &open_now[0] };
	listeners[1] = (struct toron_listener){ .name = "admin", .open = &open_now[1] };
	routes[0] = (struct toron_route){ .name = "users", .number = 0 };
	routes[1] = (struct toron_route){ .name = "all", .number = 1 };
	routes[2] = (struct toron_route){ .name = "users", .number = 0 }; /* another form of it */
	gateway = (struct toron_gateway){
		.name = "edge", .toron_version = "1.2", .listeners = listeners, .n_listeners = 2, .routes = routes, .n_routes = 3,
		.backends = backends, .n_backends = 3,
	};
	table = count_table_new(&gateway, N_WORKERS);
	ck_assert_ptr_nonnull(table);
	for (int i = 0; i < N_WORKERS; i++)
		workers[i] = (struct worker){ .index = (uint32_t)i, .gateway = &gateway, .counts = &table->at[i] };
	text = (struct sbuf){ 0 };
}

static void teardown(void)
{
	count_table_free(&table);
	ck_assert_ptr_null(table);
	sbuf_fini(&text);
}

/* All of the text, with a NUL. */
static const char *told(void)
{
	static char piece[EXPOSITION_PIECE_MOST];
	struct exposition e;
	size_t n;

	sbuf_fini(&text);
	text = (struct sbuf){ 0 };
	exposition_begin(&e, table);
	while ((n = exposition_next(&e, piece)) != 0) {
		ck_assert_uint_le(n, sizeof(piece));
		ck_assert_int_eq(piece[n - 1], '\n');
		sbuf_printf(&text, "%.*s", (int)n, piece);
	}
	return text.ptr;
}

static void has(const char *line)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	ck_assert_msg(strstr(text.ptr, whole) != NULL, "no line '%s' in\n%s", line, text.ptr);
}

START_TEST(cells_of_all_threads_are_summed)
{
	count_listener(&workers[0], &listeners[0], COUNT_ACCEPTED);
	count_listener(&workers[1], &listeners[0], COUNT_ACCEPTED);
	count_listener(&workers[1], &listeners[1], COUNT_ACCEPTED);
	count_listener(&workers[1], &listeners[1], COUNT_REFUSED + COUNT_REFUSED_HANDSHAKES);
	count_process(&table->at[N_WORKERS], COUNT_LOG_DROPPED, 5);
	count_process(workers[0].counts, COUNT_LOG_DROPPED, 2);
	atomic_store(&open_now[1], 3);
	told();
	has("toron_connections_total{listener=\"web\"} 2");
	has("toron_connections_total{listener=\"admin\"} 1");
	has("toron_connections_refused_total{listener=\"admin\",reason=\"connections\"} 0");
	has("toron_connections_refused_total{listener=\"admin\",reason=\"handshakes\"} 1");
	has("toron_access_log_dropped_total 7");
	has("toron_connections_open{listener=\"admin\"} 3");
	has("toron_build_info{name=\"edge\",version=\"1.2\"} 1");
	has("toron_workers 2");
	atomic_store(&open_now[1], 0);
}
END_TEST

START_TEST(a_worker_without_cells_counts_nothing)
{
	struct worker w = { .gateway = &gateway };

	count_listener(&w, &listeners[0], COUNT_ACCEPTED);
	count_process(w.counts, COUNT_LOG_DROPPED, 1);
	ck_assert_uint_eq(count_sum(table, COUNT_LISTENER, 0, COUNT_ACCEPTED), 0);
}
END_TEST

START_TEST(cells_of_two_threads_share_no_cache_line)
{
	for (int i = 0; i <= N_WORKERS; i++)
		ck_assert_uint_eq((uintptr_t)table->at[i].of[0] % 64, 0);
}
END_TEST

START_TEST(each_family_is_told_once_and_whole)
{
	const char *types = told();
	int n = 0;

	while ((types = strstr(types, "# TYPE ")) != NULL) {
		char head[80];
		size_t len = strcspn(types + 7, " ");

		snprintf(head, sizeof(head), "# TYPE %.*s ", (int)len, types + 7);
		ck_assert_ptr_null(strstr(types + 7, head));
		types += 7;
		n++;
	}
	ck_assert_int_gt(n, 10);
}
END_TEST

START_TEST(buckets)
{
	_Atomic uint64_t *cells = &table->at[0].of[COUNT_ROUTE][COUNT_ROUTE_N + COUNT_DURATION];

	metrics_duration(cells, 0);
	metrics_duration(cells, 500);      /* a bound is within its bucket */
	metrics_duration(cells, 501);
	metrics_duration(&table->at[1].of[COUNT_ROUTE][COUNT_ROUTE_N + COUNT_DURATION], 30000000);
	metrics_duration(cells, 30000001);
	told();
	has("toron_request_duration_seconds_bucket{route=\"all\",le=\"0.0005\"} 2");
	has("toron_request_duration_seconds_bucket{route=\"all\",le=\"0.001\"} 3");
	has("toron_request_duration_seconds_bucket{route=\"all\",le=\"10\"} 3");
	has("toron_request_duration_seconds_bucket{route=\"all\",le=\"30\"} 4");
	has("toron_request_duration_seconds_bucket{route=\"all\",le=\"+Inf\"} 5");
	has("toron_request_duration_seconds_sum{route=\"all\"} 60.001002");
	has("toron_request_duration_seconds_count{route=\"all\"} 5");
	has("toron_request_duration_seconds_count{route=\"users\"} 0");
	has("toron_request_duration_seconds_count{route=\"\"} 0");
}
END_TEST

/* One exchange that has ended. */
static struct exchange *exchange(struct hand_made *h, const struct toron_route *route, uint16_t status)
{
	struct exchange *x = hand_made_init(h);

	h->worker.counts = &table->at[0];
	h->worker.gateway = &gateway;
	x->listener = &listeners[0];
	x->route = route;
	x->response.status = status;
	x->state = EXCHANGE_ANSWERING;
	x->request.version_major = 2;
	return x;
}

START_TEST(exchanges)
{
	static const struct {
		int route;
		uint16_t status;
		enum exchange_state state;
	} cases[] = {
		{ 0, 200, EXCHANGE_ANSWERING }, { 2, 201, EXCHANGE_ANSWERING }, { 1, 599, EXCHANGE_FAILED }, { 1, 101, EXCHANGE_ANSWERING },
		{ -1, 404, EXCHANGE_ANSWERING }, { 1, 200, EXCHANGE_ACTION }, { 1, 0, EXCHANGE_ANSWERING }, { 1, 999, EXCHANGE_ANSWERING },
	};
	struct hand_made h;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct exchange *x = exchange(&h, cases[i].route < 0 ? NULL : &routes[cases[i].route], cases[i].status);

		x->state = cases[i].state;
		x->is_tunnel = cases[i].status == 101;
		x->fault = i == 2 ? FAULT_BACK_CUT : FAULT_NONE;
		x->request.body.appended = 7;
		x->response.body.sent = 1000;
		toron_metrics_observe(x);
		hand_made_fini(&h);
	}
	told();
	has("toron_requests_total{route=\"users\",code=\"2xx\"} 2");
	has("toron_requests_total{route=\"all\",code=\"1xx\"} 1");
	has("toron_requests_total{route=\"all\",code=\"5xx\"} 1");
	has("toron_requests_total{route=\"all\",code=\"none\"} 3");
	has("toron_requests_total{route=\"all\",code=\"2xx\"} 0");
	has("toron_requests_total{route=\"\",code=\"4xx\"} 1");
	has("toron_request_duration_seconds_count{route=\"all\"} 4");
	has("toron_request_body_bytes_total{route=\"users\"} 14");
	has("toron_response_body_bytes_total{route=\"all\"} 5000");
	has("toron_listener_requests_total{listener=\"web\",version=\"2\"} 8");
	has("toron_faults_total{listener=\"web\",fault=\"back-cut\"} 1");
	ck_assert_ptr_null(strstr(text.ptr, "fault=\"none\""));
}
END_TEST

START_TEST(cells_of_servers)
{
	count_server(&workers[0], &pool, 0, COUNT_CONNECTIONS_OPEN, 1);
	count_server(&workers[0], &pool, 2, COUNT_CONNECTIONS_OPEN, 1); /* listed twice: the first */
	count_server(&workers[1], &pool, 0, COUNT_CONNECTIONS_OPEN, -1);
	count_server(&workers[1], &pool, 1, COUNT_CONNECTIONS, 1);
	count_server(&workers[1], &one, 0, COUNT_CONNECTIONS, 1);
	count_server_fault(&workers[1], &pool, 3, FAULT_RESOLVE);
	count_server_fault(&workers[1], &pool, 3, FAULT_BACK_CUT);
	count_server_fault(&workers[1], &pool, 3, FAULT_OVERLOAD); /* no server's */
	count_server_fault(&workers[1], &pool, 3, FAULT_FRONT_CLOSED);
	count_server_fault(&workers[1], NULL, 3, FAULT_BACK_CUT);
	count_backend(&workers[0], &none, COUNT_PENDING, 1);
	count_backend(&workers[1], &none, COUNT_PENDING, (uint64_t)-1);
	told();
	has("toron_backend_connections_open{backend=\"pool\",server=\"a:1\"} 1");
	has("toron_backend_connections_open{backend=\"one\",server=\"a:1\"} 0");
	has("toron_backend_connections_total{backend=\"one\",server=\"a:1\"} 1");
	has("toron_backend_connections_total{backend=\"pool\",server=\"b:2/x\"} 1");
	has("toron_backend_faults_total{backend=\"pool\",server=\"b:2\",fault=\"resolve\"} 1");
	has("toron_backend_faults_total{backend=\"pool\",server=\"b:2\",fault=\"back-cut\"} 1");
	has("toron_backend_faults_total{backend=\"pool\",server=\"b:2\",fault=\"connect\"} 0");
	has("toron_backend_pending{backend=\"none\"} 0");
	ck_assert_ptr_null(strstr(text.ptr, "toron_backend_faults_total{backend=\"pool\",server=\"b:2\",fault=\"front-closed"));
}
END_TEST

START_TEST(exchanges_with_servers)
{
	struct hand_made h;
	struct exchange *x = exchange(&h, &routes[0], 200);

	x->backend = &pool;
	x->server = 1;
	x->tries = 3;
	x->grpc = GRPC_CALL;
	x->request.body.appended = 1;
	hand_made_field(&h, "te", "trailers");
	ck_assert(fields_add(&x->response.trailers, &x->arena, STR("grpc-status"), STR("14")));
	toron_metrics_observe(x);
	/* Trailers that became a part of a body. */
	grpc_keep_status(x);
	x->response.trailers.n = 0;
	toron_metrics_observe(x);
	x->grpc_kept = 0;
	toron_metrics_observe(x);
	/* No server was asked, and the answer is our own. */
	x->fault = FAULT_OVERLOAD;
	x->tries = 0;
	toron_metrics_observe(x);
	x->tries = 1;
	x->chain_answered = true;
	x->fault = FAULT_FIRST_BYTE_TIMEOUT;
	toron_metrics_observe(x);
	hand_made_fini(&h);
	told();
	has("toron_backend_requests_total{backend=\"pool\",server=\"b:2/x\",code=\"2xx\"} 3");
	has("toron_backend_requests_total{backend=\"pool\",server=\"b:2/x\",code=\"none\"} 1");
	has("toron_backend_retries_total{backend=\"pool\"} 6");
	has("toron_grpc_calls_total{backend=\"pool\",status=\"unavailable\"} 3");
	has("toron_grpc_calls_total{backend=\"pool\",status=\"unknown\"} 1");
	has("toron_grpc_calls_total{backend=\"pool\",status=\"deadline-exceeded\"} 1");
}
END_TEST

START_TEST(labels_are_escaped)
{
	char out[16];
	size_t n = exposition_escape(STR("a\\b\"c\nd"), out, sizeof(out));

	ck_assert_text(((struct str){ out, n }), "a\\\\b\\\"c\\nd");
	/* No half of an escape. */
	ck_assert_uint_eq(exposition_escape(STR("abc\""), out, 4), 3);
	listeners[0].name = "we\"b\\";
	told();
	has("toron_connections_total{listener=\"we\\\"b\\\\\"} 0");
}
END_TEST

Suite *suite_metrics(void)
{
	Suite *s = suite_create("metrics");
	TCase *t = tcase_create("metrics");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, cells_of_all_threads_are_summed);
	tcase_add_test(t, a_worker_without_cells_counts_nothing);
	tcase_add_test(t, cells_of_two_threads_share_no_cache_line);
	tcase_add_test(t, each_family_is_told_once_and_whole);
	tcase_add_test(t, buckets);
	tcase_add_test(t, exchanges);
	tcase_add_test(t, cells_of_servers);
	tcase_add_test(t, exchanges_with_servers);
	tcase_add_test(t, labels_are_escaped);
	suite_add_tcase(s, t);
	return s;
}
