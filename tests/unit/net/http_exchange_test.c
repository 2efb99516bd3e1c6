/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_exchange.h"

#include "tests/unit/net/test_client.h"
#include "tests/unit/net/test_server.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct test_server server;
static struct test_client client;
static struct test_response response;
static struct test_gate gate;
static struct http_exchange *kept; /* for an answer from elsewhere */
static bool was_abandoned;
static char id[24];

/* /now, /worker, /twice (two hops), /kept (answered by the test), /watch (until abandoned) */
static void
answer_path(struct http_exchange *exchange)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct http_response answer = {.status = 200, .body = request->path};

    http_exchange_respond(exchange, &answer);
}

static void
hop_again(struct http_exchange *exchange)
{
    assert_on_worker();
    EXPECT(http_exchange_data(exchange) == &server);
    http_exchange_run_on_worker(exchange, answer_path);
}

static void
watch(struct http_exchange *exchange)
{
    test_gate_pass(&gate);
    while (!http_exchange_is_abandoned(exchange)) {
        sched_yield();
    }
    was_abandoned = true;
    answer_path(exchange);
}

static void
pass_gate(struct http_exchange *exchange)
{
    test_gate_pass(&gate);
    answer_path(exchange);
}

static void
keep(struct http_exchange *exchange)
{
    kept = exchange;
    test_gate_pass(&gate);
}

static void
answer_body(struct http_exchange *exchange, enum status st, struct bytes body)
{
    struct http_response answer = {.status = st == ST_OK ? 200 : 400, .body = body};

    http_exchange_respond(exchange, &answer);
}

static void
handle(struct http_exchange *exchange, void *arg)
{
    const struct http_request *request = http_exchange_request(exchange);

    memcpy(id, request->id, sizeof(id));
    http_exchange_set_data(exchange, &server);
    if (bytes_equal_string(request->path, "/worker")) {
        http_exchange_run_on_worker(exchange, answer_path);
    } else if (bytes_equal_string(request->path, "/twice")) {
        http_exchange_run_on_worker(exchange, hop_again);
    } else if (bytes_equal_string(request->path, "/watch")) {
        http_exchange_run_on_worker(exchange, watch);
    } else if (bytes_equal_string(request->path, "/gate")) {
        http_exchange_run_on_worker(exchange, pass_gate);
    } else if (bytes_equal_string(request->path, "/kept")) {
        http_exchange_run_on_worker(exchange, keep);
    } else {
        if (bytes_equal_string(request->path, "/ask")) {
            http_exchange_read_body(kept, 10, answer_body);
        }
        answer_path(exchange);
    }
}

static void
set_up(void)
{
    struct http_limits limits = HTTP_LIMITS_DEFAULT;

    limits.watch_ms = 20;
    gate = TEST_GATE_INIT;
    was_abandoned = false;
    test_server_start(&server, &(struct test_server_options){
                                   .handler = handle, .limits = &limits, .has_tls = true});
    test_client_open(&client, server.port);
}

static void
tear_down(void)
{
    test_client_close(&client);
    test_response_release(&response);
    test_server_stop(&server);
}

static void
expect_path(const char *path)
{
    EXPECT_INT(200, response.status);
    EXPECT_BYTES(bytes_of_string(path), buffer_bytes(&response.body));
}

TEST(a_handler_may_answer_from_anywhere)
{
    set_up();
    for (int i = 0; i < 50; i++) {
        test_client_ask(&client, "GET /now HTTP/1.1\r\nHost: h\r\n\r\n", 200, &response);
        expect_path("/now");
        test_client_ask(&client, "GET /worker HTTP/1.1\r\nHost: h\r\n\r\n", 200, &response);
        expect_path("/worker");
        test_client_ask(&client, "GET /twice HTTP/1.1\r\nHost: h\r\n\r\n", 200, &response);
        expect_path("/twice");
    }
    tear_down();
}

/* Also from a thread that is neither loop nor worker. */
TEST(a_foreign_thread_may_answer)
{
    set_up();
    test_gate_open(&gate);
    test_client_send(&client, "GET /kept HTTP/1.1\r\nHost: h\r\n\r\n");
    test_gate_wait_entered(&gate, 1);
    answer_path(kept);
    test_client_read(&client, false, &response);
    expect_path("/kept");
    tear_down();
}

TEST(a_request_has_an_id_of_its_own)
{
    char first[24];

    set_up();
    test_client_ask(&client, "GET /now HTTP/1.1\r\nHost: h\r\n\r\n", 200, &response);
    memcpy(first, id, sizeof(first));
    EXPECT_INT(16, strlen(first));
    EXPECT_INT(16, strspn(first, "0123456789ABCDEF"));
    test_client_ask(&client, "GET /now HTTP/1.1\r\nHost: h\r\n\r\n", 200, &response);
    EXPECT(strcmp(first, id) != 0);
    tear_down();
}

/* Requests that come while one is worked on wait for its answer. */
TEST(requests_behind_a_worker_wait)
{
    set_up();
    test_client_send(&client, "GET /gate HTTP/1.1\r\nHost: h\r\n\r\n");
    test_gate_wait_entered(&gate, 1);
    test_client_send(&client, "GET /now HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT(test_client_is_quiet(&client));
    test_gate_open(&gate);
    test_client_read(&client, false, &response);
    expect_path("/gate");
    test_client_read(&client, false, &response);
    expect_path("/now");
    tear_down();
}

/* What was sent before is seen by the loop before this has been answered twice. */
static void
in_step(void)
{
    struct test_client other;

    test_client_open(&other, server.port);
    test_client_ask(&other, "GET /now HTTP/1.1\r\nHost: h\r\n\r\n", 200, &response);
    test_client_ask(&other, "GET /now HTTP/1.1\r\nHost: h\r\n\r\n", 200, &response);
    test_client_close(&other);
}

/* A client that leaves is noticed while its request is worked on: at once if nothing else was sent,
 * by the watch if something stands in front of the end. */
TEST(a_vanished_client_is_noticed)
{
    static const char *const BEHIND[] = {"", "GET /now HTTP/1.1\r\nHost: h\r\n\r\n"};

    for (int i = 0; i < 8; i++) {
        set_up();
        test_gate_open(&gate);
        if (i / 4 != 0) {
            test_client_close(&client);
            test_client_open_tls(&client, server.tls_port, NULL);
        }
        test_client_send(&client, "GET /watch HTTP/1.1\r\nHost: h\r\n\r\n");
        test_gate_wait_entered(&gate, 1);
        test_client_send(&client, BEHIND[i % 2]);
        in_step();
        if (i / 2 % 2 == 0) {
            test_client_abort(&client);
        } else {
            test_client_close(&client);
        }
        test_server_wait_logged(&server, 3);
        EXPECT(was_abandoned);
        test_client_open(&client, server.port);
        tear_down();
    }
}

/* A body may be asked for after the handler has returned, from elsewhere on the loop. */
TEST(a_body_may_be_asked_for_later)
{
    struct test_client other;

    set_up();
    test_gate_open(&gate);
    test_client_send(&client, "POST /kept HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab");
    test_gate_wait_entered(&gate, 1);
    test_client_open(&other, server.port);
    test_client_ask(&other, "GET /ask HTTP/1.1\r\nHost: h\r\n\r\n", 200, &response);
    test_client_close(&other);
    test_client_read(&client, false, &response);
    expect_path("ab");
    tear_down();
}

TEST(headers_are_found_by_lower_case_name)
{
    const struct http_header headers[] = {
        {BYTES_LITERAL("a"), BYTES_LITERAL("1")},
        {BYTES_LITERAL("ab"), BYTES_LITERAL("2")},
        {BYTES_LITERAL("a"), BYTES_LITERAL("3")},
    };
    const struct http_request request = {.headers = headers, .header_count = 3};

    EXPECT_BYTES(BYTES_LITERAL("1"), http_request_header(&request, "a"));
    EXPECT_BYTES(BYTES_LITERAL("2"), http_request_header(&request, "ab"));
    EXPECT(http_request_header(&request, "abc").data == NULL);
    EXPECT_INT(2, http_request_header_count(&request, "a"));
    EXPECT_INT(0, http_request_header_count(&request, "b"));
}
