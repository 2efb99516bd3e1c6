/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_connection.h"

#include <sched.h>
#include <stdio.h>

#include "base/clock.h"
#include "net/http_metrics.h"
#include "tests/unit/net/test_client.h"
#include "tests/unit/net/test_server.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct test_server server;
static struct test_client client;
static struct test_response response;

/* GET answers with its path at once, on the loop; POST collects up to 64 KiB and sends it back. */
static void
echo_body(struct http_exchange *exchange, enum status st, struct bytes body)
{
    struct http_response answer = {.status = st == ST_OK ? 200 : 400, .body = body};

    if (st != ST_OK) {
        answer.body = bytes_of_string(status_name(st));
    }
    http_exchange_respond(exchange, &answer);
}

static void
handle(struct http_exchange *exchange, void *arg)
{
    const struct http_request *request = http_exchange_request(exchange);

    if (bytes_equal_string(request->method, "POST")) {
        http_exchange_read_body(exchange, 64 * 1024, echo_body);
    } else {
        struct http_response answer = {.status = 200, .body = request->path};

        http_exchange_respond(exchange, &answer);
    }
}

static const struct test_server_options PLAIN = {.handler = handle};

static void
set_up(const struct test_server_options *options)
{
    test_server_start(&server, options);
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
expect_body(const char *text)
{
    EXPECT(response.is_complete);
    EXPECT_BYTES(bytes_of_string(text), buffer_bytes(&response.body));
}

TEST(a_request_is_answered_and_logged)
{
    set_up(&PLAIN);
    test_client_ask(&client, "GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n", 200, &response);

    expect_body("/a");
    EXPECT_BYTES(BYTES_LITERAL("Test"), test_response_header(&response, "Server"));
    EXPECT_INT(29, test_response_header(&response, "Date").size);
    EXPECT(test_response_header(&response, "Connection").data == NULL);
    test_server_wait_logged(&server, 1);
    EXPECT_STRING("/a", server.last_path);
    EXPECT_INT(200, server.last.status);
    EXPECT_INT(2, server.last.bytes_out);
    tear_down();
}

/* SPEC: RFC 9112 9.3 */
TEST(the_connection_is_kept)
{
    set_up(&PLAIN);
    for (int i = 0; i < 100; i++) {
        test_client_ask(&client, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n", 200, &response);
        expect_body("/a");
    }
    EXPECT_INT(1, http_server_connection_count(server.server));
    tear_down();
}

TEST(close_is_honoured)
{
    set_up(&PLAIN);
    test_client_ask(&client, "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 200,
                    &response);
    EXPECT_BYTES(BYTES_LITERAL("close"), test_response_header(&response, "Connection"));
    test_client_expect_end(&client);
    tear_down();
}

TEST(http_1_0_closes_unless_asked_to_keep)
{
    set_up(&PLAIN);
    test_client_ask(&client, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, &response);
    EXPECT_BYTES(BYTES_LITERAL("keep-alive"), test_response_header(&response, "Connection"));
    test_client_ask(&client, "GET /b HTTP/1.0\r\n\r\n", 200, &response);
    expect_body("/b");
    test_client_expect_end(&client);
    tear_down();
}

/* Answers come in the order of the requests, and a thousand of them need no stack.
 * SPEC: RFC 9112 9.3.2 */
TEST(pipelined_requests_are_answered_in_order)
{
    struct buffer text = BUFFER_INIT;
    char path[16];

    set_up(&PLAIN);
    for (int i = 0; i < 1000; i++) {
        if (i % 3 == 0) {
            buffer_printf(&text, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n/%04d", i);
        } else if (i % 3 == 1) {
            buffer_printf(&text,
                          "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "5\r\n/%04d\r\n0\r\n\r\n",
                          i);
        } else {
            buffer_printf(&text, "GET /%04d HTTP/1.1\r\nHost: h\r\n\r\n", i);
        }
    }
    test_client_send_bytes(&client, text.data, text.size);
    for (int i = 0; i < 1000; i++) {
        test_client_read(&client, false, &response);
        snprintf(path, sizeof(path), "/%04d", i);
        EXPECT_INT(200, response.status);
        expect_body(path);
    }
    buffer_release(&text);
    tear_down();
}

/* A head may come byte by byte. */
TEST(a_trickling_head_is_understood)
{
    static const char TEXT[] = "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n";

    set_up(&PLAIN);
    for (size_t i = 0; i < sizeof(TEXT) - 1; i++) {
        test_client_send_bytes(&client, TEXT + i, 1);
    }
    test_client_read(&client, false, &response);
    expect_body("/slow");
    tear_down();
}

static void
expect_refusal(int status, const char *text)
{
    test_client_open(&client, server.port);
    test_client_ask(&client, text, status, &response);
    EXPECT(response.is_complete);
    EXPECT_BYTES(BYTES_LITERAL("close"), test_response_header(&response, "Connection"));
    EXPECT_BYTES(BYTES_LITERAL("application/x-test"),
                 test_response_header(&response, "Content-Type"));
    test_client_expect_end(&client);
    test_client_close(&client);
}

/* Framing that could be read in two ways is answered 400 and the connection closed, so that what
 * follows is never taken for a request.  SPEC: RFC 9112 6.3 */
TEST(hostile_framing_ends_the_connection)
{
    test_server_start(&server, &PLAIN);
    expect_refusal(400,
                   "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 30\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_refusal(400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n"
                        "Content-Length: 2\r\n\r\nabGET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_refusal(400, "GET / HTTP/1.1\nHost: h\n\n");
    expect_refusal(400, "GET / HTTP/1.1\r\n\r\n");
    expect_refusal(505, "GET / HTTP/2.0\r\nHost: h\r\n\r\n");
    EXPECT(bytes_find(buffer_bytes(&response.body), 0, BYTES_LITERAL("HTTP/1.1 are spoken")) !=
           SIZE_MAX);
    test_response_release(&response);
    test_server_stop(&server);
}

TEST(oversized_heads_are_refused)
{
    struct buffer text = BUFFER_INIT;

    test_server_start(&server, &PLAIN);
    buffer_append_string(&text, "GET / HTTP/1.1\r\nHost: h\r\nX-A: ");
    while (text.size < HTTP_HEAD_BYTES_MAX + 1) {
        buffer_append_char(&text, 'a');
    }
    buffer_append_char(&text, '\0');
    expect_refusal(431, text.data);
    test_response_release(&response);
    buffer_release(&text);
    test_server_stop(&server);
}

/* A small body that nobody asked for, but that is there, does not end the connection. */
TEST(a_small_unread_body_is_skipped)
{
    set_up(&PLAIN);
    for (int i = 0; i < 3; i++) {
        test_client_ask(&client, "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
                        200, &response);
        expect_body("/a");
        EXPECT(test_response_header(&response, "Connection").data == NULL);
    }
    test_client_ask(&client, "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nhello", 200,
                    &response);
    EXPECT_BYTES(BYTES_LITERAL("close"), test_response_header(&response, "Connection"));
    tear_down();
}

/* The client sends all it has before it reads: it must still find the answer, not a reset. */
TEST(an_early_answer_can_be_read)
{
    static char body[4 << 20];

    set_up(&PLAIN);
    test_client_send(&client, "PUT /early HTTP/1.1\r\nHost: h\r\nContent-Length: 4194304\r\n\r\n");
    test_client_send_bytes(&client, body, sizeof(body));
    test_client_read(&client, false, &response);

    EXPECT_INT(200, response.status);
    expect_body("/early");
    EXPECT_BYTES(BYTES_LITERAL("close"), test_response_header(&response, "Connection"));
    test_client_expect_end(&client);
    tear_down();
}

/* But what is drained after the answer is bounded. */
TEST(lingering_is_bounded_in_bytes)
{
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    static char body[1 << 20];
    size_t sent_count = 0;

    limits.linger_bytes = 1 << 20;
    set_up(&(struct test_server_options){.handler = handle, .limits = &limits});
    test_client_send(&client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999999\r\n\r\n");
    while (sent_count < 64 && test_client_try_send(&client, body, sizeof(body))) {
        sent_count++;
    }
    EXPECT(sent_count < 64);
    tear_down();
}

TEST(lingering_is_bounded_in_time)
{
    struct http_limits limits = HTTP_LIMITS_DEFAULT;

    int64_t began_ns;

    limits.linger_ms = 50;
    set_up(&(struct test_server_options){.handler = handle, .limits = &limits});
    test_client_ask(&client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n", 200,
                    &response);
    test_client_expect_end(&client); /* without sending the body or an end of its own */
    began_ns = clock_monotonic_ns();
    http_server_drain(server.server, 20000);
    EXPECT(clock_monotonic_ns() - began_ns < 10 * CLOCK_NS_PER_S);
    tear_down();
}

/* A head that does not come to its end in time is answered; a client that never began is not. */
TEST(a_slow_head_times_out)
{
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    struct test_client silent;
    int64_t before = metric_value(&http_timeouts_total[HTTP_TIMED_OUT_HEAD]);

    limits.head_ms = 100;
    set_up(&(struct test_server_options){.handler = handle, .limits = &limits});
    test_client_open(&silent, server.port);
    test_client_send(&client, "GET / HTTP/1.1\r\nHost");
    test_client_read(&client, false, &response);
    EXPECT_INT(408, response.status);
    test_client_expect_end(&client);
    test_client_expect_end(&silent);
    EXPECT_INT(2, metric_value(&http_timeouts_total[HTTP_TIMED_OUT_HEAD]) - before);
    test_client_close(&silent);
    tear_down();
}

/* The time is for the whole head: trickling does not prolong it. */
TEST(a_trickling_head_times_out)
{
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    size_t sent_count = 0;

    limits.head_ms = 100;
    set_up(&(struct test_server_options){.handler = handle, .limits = &limits});
    test_client_send(&client, "GET / HTTP/1.1\r\nX: ");
    while (test_client_is_quiet(&client) && test_client_try_send(&client, "a", 1)) {
        sent_count++;
        CHECK(sent_count < 100000000);
        if (sent_count % 64 == 0) {
            sched_yield();
        }
    }
    test_client_read(&client, false, &response);
    EXPECT(response.status == 408 || response.status == 431);
    tear_down();
}

TEST(idle_connections_are_closed)
{
    struct http_limits limits = HTTP_LIMITS_DEFAULT;

    limits.idle_ms = 50;
    set_up(&(struct test_server_options){.handler = handle, .limits = &limits});
    test_client_ask(&client, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n", 200, &response);
    test_client_expect_end(&client);
    tear_down();
}

/* Clients that hold half heads can take a bounded memory only; then the next one is refused, while
 * whole heads are still served. */
TEST(half_heads_hold_bounded_memory)
{
    enum { COUNT = 40 };
    struct test_client holders[COUNT];
    char half[9000];
    int refused_count = 0;

    memset(half, 'a', sizeof(half));
    memcpy(half, "GET / HTTP/1.1\r\nX: ", 19);
    set_up(&(struct test_server_options){.handler = handle,
                                         .body_memory_bytes = HTTP_INPUT_BUDGET_BYTES_MIN});
    for (int i = 0; i < COUNT; i++) {
        test_client_open(&holders[i], server.port);
        test_client_send_bytes(&holders[i], half, sizeof(half));
        /* In step: what was sent was seen before this is answered. */
        test_client_ask(&client, "GET /whole HTTP/1.1\r\nHost: h\r\n\r\n", 200, &response);
        test_client_ask(&client, "GET /whole HTTP/1.1\r\nHost: h\r\n\r\n", 200, &response);
    }
    for (int i = 0; i < COUNT; i++) {
        refused_count += !test_client_is_quiet(&holders[i]);
    }
    EXPECT(refused_count >= COUNT - (int)(2 * HTTP_INPUT_BUDGET_BYTES_MIN / sizeof(half)));
    test_client_read(&holders[COUNT - 1], false, &response);
    EXPECT_INT(503, response.status);
    for (int i = 0; i < COUNT; i++) {
        test_client_close(&holders[i]);
    }
    tear_down();
}

/* A client that ends its sending side after the request still gets the answer. */
TEST(a_half_closed_client_is_answered)
{
    set_up(&PLAIN);
    test_client_send(&client, "GET /half HTTP/1.1\r\nHost: h\r\n\r\n");
    test_client_end_sending(&client);
    test_client_read(&client, false, &response);
    expect_body("/half");
    test_client_expect_end(&client);
    tear_down();
}

/* Aborts at any point of head and body leave nothing behind. */
TEST(aborted_clients_leave_nothing)
{
    static const char TEXT[] =
        "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 20\r\n\r\n0123456789";
    struct prng prng = test_prng();

    test_server_start(&server, &PLAIN);
    for (int i = 0; i < 300; i++) {
        test_client_open(&client, server.port);
        test_client_send_bytes(&client, TEXT, prng_below(&prng, sizeof(TEXT)));
        if (prng_below(&prng, 2) != 0) {
            test_client_abort(&client);
        } else {
            test_client_close(&client);
        }
    }
    http_server_drain(server.server, 20000);
    EXPECT_INT(0, http_server_connection_count(server.server));
    test_server_stop(&server);
}

/* Random bytes, and requests with random bytes in them, end in answers or closes, never in a
 * crash.  The fuzz targets go deeper; this one goes through the sockets. */
TEST(random_bytes_are_survived)
{
    struct prng prng = test_prng();
    char text[512];

    test_server_start(&server, &PLAIN);
    for (int i = 0; i < 300; i++) {
        size_t size = (size_t)snprintf(text, sizeof(text),
                                       "POST /a HTTP/1.1\r\nHost: h\r\n"
                                       "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"
                                       "GET /b HTTP/1.1\r\nHost: h\r\n\r\n");

        for (uint64_t count = prng_below(&prng, 6); count > 0; count--) {
            text[prng_below(&prng, size)] = (char)prng_below(&prng, 256);
        }
        test_client_open(&client, server.port);
        (void)test_client_try_send(&client, text, size);
        test_client_end_sending(&client);
        while (test_client_try_read(&client)) {
        }
        test_client_close(&client);
    }
    test_client_open(&client, server.port);
    test_client_ask(&client, "GET /alive HTTP/1.1\r\nHost: h\r\n\r\n", 200, &response);
    expect_body("/alive");
    tear_down();
}
