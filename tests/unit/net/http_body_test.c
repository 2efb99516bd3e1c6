/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_body.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/hash.h"
#include "base/memory.h"
#include "net/http_metrics.h"
#include "tests/unit/net/test_client.h"
#include "tests/unit/net/test_server.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define BIG_BYTES ((size_t)5 << 20)

static struct test_server server;
static struct test_client client;
static struct test_response response;

/* Takes everything in; what it does besides is up to the test. */
static struct probe {
    struct sink sink;
    struct test_gate *gate;   /* to be passed by each write, or NULL */
    enum status write_status; /* of the write that sees fail_after bytes */
    enum status finish_status;
    size_t fail_after;
    struct buffer taken;
    size_t write_count;
    atomic_int running; /* calls at this moment */
    bool has_overlapped;
    bool is_finished;
    enum status done_status;
    int done_count;
    bool was_on_worker;
    bool was_abandoned;
} probe;

static enum status
probe_write(struct sink *sink, struct bytes data, struct error *err)
{
    probe.has_overlapped |= atomic_fetch_add(&probe.running, 1) != 0;
    assert_on_worker();
    probe.write_count++;
    if (probe.gate != NULL) {
        test_gate_pass(probe.gate);
    }
    buffer_append_bytes(&probe.taken, data);
    atomic_fetch_sub(&probe.running, 1);
    if (probe.write_status != ST_OK && probe.taken.size > probe.fail_after) {
        return fail(err, probe.write_status, "the probe fails");
    }
    return ST_OK;
}

static enum status
probe_finish(struct sink *sink, struct error *err)
{
    probe.is_finished = true;
    return probe.finish_status != ST_OK ? fail(err, probe.finish_status, "the probe ends badly")
                                        : ST_OK;
}

static void
probe_release(struct sink *sink)
{
}

static const struct sink_ops PROBE_OPS = {probe_write, probe_finish, probe_release};

static void
respond_status(struct http_exchange *exchange, enum status st, struct bytes body)
{
    struct http_response answer = {
        .status = st == ST_OK ? 200 : 400,
        .body = st == ST_OK ? body : bytes_of_string(status_name(st)),
    };

    http_exchange_respond(exchange, &answer);
}

static void
stream_done(struct http_exchange *exchange, enum status st, const struct error *err)
{
    assert_on_worker();
    probe.done_count++;
    probe.done_status = st;
    probe.was_abandoned = http_exchange_is_abandoned(exchange);
    respond_status(exchange, st,
                   arena_printf_bytes(http_exchange_arena(exchange), "%zu %016" PRIx64,
                                      probe.taken.size, hash_bytes(buffer_bytes(&probe.taken), 0)));
}

static void
handle(struct http_exchange *exchange, void *arg)
{
    if (bytes_equal_string(http_exchange_request(exchange)->method, "POST")) {
        http_exchange_read_body(exchange, 100000, respond_status);
    } else {
        http_exchange_stream_body(exchange, &probe.sink, stream_done);
    }
}

static const struct test_server_options PLAIN = {.handler = handle};

static void
set_up(const struct test_server_options *options)
{
    buffer_release(&probe.taken);
    memset(&probe, 0, sizeof(probe));
    probe.sink.ops = &PROBE_OPS;
    test_server_start(&server, options);
    test_client_open(&client, server.port);
}

static void
tear_down(void)
{
    test_client_close(&client);
    test_response_release(&response);
    test_server_stop(&server);
    EXPECT(!probe.has_overlapped);
    buffer_release(&probe.taken);
}

static void
expect_text(int status, const char *text)
{
    EXPECT_INT(status, response.status);
    EXPECT_BYTES(bytes_of_string(text), buffer_bytes(&response.body));
}

static char *
random_bytes(size_t size)
{
    struct prng prng = test_prng();
    char *data = xmalloc(size);

    prng_fill(&prng, data, size);
    return data;
}

static void
expect_taken(const char *data, size_t size)
{
    EXPECT_INT(200, response.status);
    EXPECT_BYTES(bytes_of(data, size), buffer_bytes(&probe.taken));
    EXPECT(probe.is_finished);
    EXPECT_INT(1, probe.done_count);
}

static void
send_chunked(const char *data, size_t size, size_t chunk_size)
{
    char line[32];

    for (size_t at = 0; at < size; at += chunk_size) {
        size_t part = size - at < chunk_size ? size - at : chunk_size;

        snprintf(line, sizeof(line), "%zx\r\n", part);
        test_client_send(&client, line);
        test_client_send_bytes(&client, data + at, part);
        test_client_send(&client, "\r\n");
    }
    test_client_send(&client, "0\r\n\r\n");
}

TEST(a_body_is_collected)
{
    set_up(&PLAIN);
    test_client_ask(&client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", 200,
                    &response);
    expect_text(200, "hello");
    test_client_ask(&client,
                    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "2\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n",
                    200, &response);
    expect_text(200, "hello");
    tear_down();
}

TEST(an_empty_body_is_collected)
{
    set_up(&PLAIN);
    test_client_ask(&client, "POST / HTTP/1.1\r\nHost: h\r\n\r\n", 200, &response);
    expect_text(200, "");
    test_client_ask(&client,
                    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                    200, &response);
    expect_text(200, "");
    tear_down();
}

/* Exactly size_max is collected in either coding, one byte more is not. */
TEST(collecting_stops_at_its_limit)
{
    char *data = random_bytes(100001);

    set_up(&PLAIN);
    test_client_send(&client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
    test_client_send_bytes(&client, data, 100000);
    test_client_read(&client, false, &response);
    EXPECT_INT(200, response.status);
    EXPECT_BYTES(bytes_of(data, 100000), buffer_bytes(&response.body));

    test_client_send(&client, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    send_chunked(data, 100000, 7777);
    test_client_read(&client, false, &response);
    EXPECT_INT(200, response.status);
    EXPECT_BYTES(bytes_of(data, 100000), buffer_bytes(&response.body));

    test_client_send(&client, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    send_chunked(data, 100001, 7777);
    test_client_read(&client, false, &response);
    expect_text(400, "ST_TOO_LARGE");
    test_client_close(&client);

    test_client_open(&client, server.port);
    test_client_ask(&client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100001\r\n\r\n", 400,
                    &response);
    expect_text(400, "ST_TOO_LARGE");
    free(data);
    tear_down();
}

TEST(a_small_body_is_streamed)
{
    set_up(&PLAIN);
    test_client_ask(&client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", 200,
                    &response);
    expect_taken("hello", 5);
    EXPECT_INT(1, probe.write_count);
    tear_down();
}

/* Without a body there is nothing to write, but a finish. */
TEST(an_empty_body_is_finished)
{
    set_up(&PLAIN);
    test_client_ask(&client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", 200,
                    &response);
    expect_taken("", 0);
    EXPECT_INT(0, probe.write_count);
    tear_down();
}

TEST(a_large_body_is_streamed_in_order)
{
    char *data = random_bytes(BIG_BYTES);

    set_up(&PLAIN);
    test_client_send(&client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5242880\r\n\r\n");
    test_client_send_bytes(&client, data, BIG_BYTES);
    test_client_read(&client, false, &response);
    expect_taken(data, BIG_BYTES);
    test_server_wait_logged(&server, 1);
    EXPECT_INT(BIG_BYTES, server.last.bytes_in);
    free(data);
    tear_down();
}

/* Chunks larger and smaller than the buffers, and a pipelined request right behind. */
TEST(a_large_chunked_body_is_streamed_in_order)
{
    char *data = random_bytes(BIG_BYTES);

    set_up(&PLAIN);
    test_client_send(&client, "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    send_chunked(data, BIG_BYTES, 300001);
    test_client_send(&client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nok");
    test_client_read(&client, false, &response);
    expect_taken(data, BIG_BYTES);
    test_client_read(&client, false, &response);
    expect_text(200, "ok");

    buffer_clear(&probe.taken);
    probe.done_count = 0;
    test_client_send(&client, "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    send_chunked(data, 100000, 777);
    test_client_read(&client, false, &response);
    expect_taken(data, 100000);
    free(data);
    tear_down();
}

/* 100 Continue is sent when, and only when, the handler asks.  SPEC: RFC 9110 10.1.1 */
TEST(continue_is_sent_when_the_body_is_wanted)
{
    set_up(&PLAIN);
    test_client_send(&client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
                              "Expect: 100-continue\r\n\r\n");
    test_client_expect_continue(&client);
    EXPECT_INT(0, probe.write_count);
    test_client_send(&client, "hello");
    test_client_read(&client, false, &response);
    expect_taken("hello", 5);
    tear_down();
}

/* RFC 9110 lets a server leave it out where there is no content, but botocore counts on it. */
TEST(continue_is_sent_when_an_empty_body_is_wanted)
{
    set_up(&PLAIN);
    test_client_send(&client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n"
                              "Expect: 100-continue\r\n\r\n");
    test_client_expect_continue(&client);
    test_client_read(&client, false, &response);
    tear_down();
}

TEST(continue_is_not_sent_before_a_refusal)
{
    set_up(&PLAIN);
    test_client_ask(&client,
                    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100001\r\n"
                    "Expect: 100-continue\r\n\r\n",
                    400, &response);
    expect_text(400, "ST_TOO_LARGE");
    tear_down();
}

/* A client that sends its body at once does not need it.  SPEC: RFC 9110 10.1.1 */
TEST(continue_is_not_sent_to_the_impatient)
{
    set_up(&PLAIN);
    test_client_ask(&client,
                    "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
                    "Expect: 100-continue\r\n\r\nhello",
                    200, &response);
    expect_taken("hello", 5);
    tear_down();
}

/* A sink that blocks stops the client: no more than the buffers of one request are taken in. */
TEST(a_blocked_sink_stops_the_client)
{
    struct test_gate gate = TEST_GATE_INIT;
    char *data = random_bytes(BIG_BYTES);
    struct timeval brief = {.tv_usec = 200000};
    size_t sent = 0;
    ssize_t part;

    set_up(&PLAIN);
    probe.gate = &gate;
    test_client_send(&client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 104857600\r\n\r\n");
    EXPECT(setsockopt(client.fd, SOL_SOCKET, SO_SNDTIMEO, &brief, sizeof(brief)) == 0);
    while (sent < (size_t)100 << 20 && (part = send(client.fd, data, BIG_BYTES, 0)) > 0) {
        sent += (size_t)part;
    }
    EXPECT(sent < (size_t)100 << 20);
    test_gate_wait_entered(&gate, 1);
    EXPECT_INT(1, probe.write_count);
    EXPECT(http_server_body_memory(server.server) <= HTTP_BODY_BUFFERS_MAX * BODY_BUFFER_BYTES);

    test_client_abort(&client);
    test_gate_open(&gate);
    test_server_wait_logged(&server, 1);
    EXPECT_INT(1, probe.done_count);
    EXPECT(!probe.is_finished);
    test_client_open(&client, server.port);
    free(data);
    tear_down();
}

static void *
send_big(void *arg)
{
    return test_client_try_send(&client, arg, BIG_BYTES) ? arg : NULL;
}

/* Over TLS bytes wait in one more place, the library's input buffer; they arrive in order all the
 * same, in either coding, with a sink that first blocks and then goes on. */
TEST(a_large_body_is_streamed_over_tls)
{
    static const char *const FRAMINGS[] = {"Content-Length: 5242880", "Transfer-Encoding: chunked"};
    char *data = random_bytes(BIG_BYTES);
    char text[128];

    for (int i = 0; i < 2; i++) {
        struct test_gate gate = TEST_GATE_INIT;
        pthread_t thread;
        void *result;

        set_up(&(struct test_server_options){.handler = handle, .has_tls = true});
        probe.gate = &gate;
        test_client_close(&client);
        test_client_open_tls(&client, server.tls_port, NULL);
        snprintf(text, sizeof(text), "PUT / HTTP/1.1\r\nHost: h\r\n%s\r\n\r\n%s", FRAMINGS[i],
                 i == 0 ? "" : "500000\r\n");
        test_client_send(&client, text);
        EXPECT(pthread_create(&thread, NULL, send_big, data) == 0);
        test_gate_wait_entered(&gate, 1);
        EXPECT(http_server_body_memory(server.server) <= HTTP_BODY_BUFFERS_MAX * BODY_BUFFER_BYTES);
        test_gate_open(&gate);
        EXPECT(pthread_join(thread, &result) == 0);
        EXPECT(result == data);
        test_client_send(&client, i == 0 ? "" : "\r\n0\r\n\r\n");
        test_client_read(&client, false, &response);
        expect_taken(data, BIG_BYTES);
        tear_down();
    }
    free(data);
}

/* The first failure of the sink is reported at once, and the rest of the body is not read. */
TEST(a_failing_sink_ends_the_body)
{
    char *data = random_bytes(BIG_BYTES);

    set_up(&PLAIN);
    probe.write_status = ST_NO_SPACE;
    test_client_send(&client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5242880\r\n\r\n");
    test_client_send_bytes(&client, data, BIG_BYTES);
    test_client_read(&client, false, &response);
    expect_text(400, "ST_NO_SPACE");
    EXPECT_BYTES(BYTES_LITERAL("close"), test_response_header(&response, "Connection"));
    EXPECT_INT(1, probe.write_count);
    EXPECT(!probe.is_finished);
    EXPECT_INT(1, probe.done_count);
    free(data);
    tear_down();
}

/* All of the body was read, so the connection goes on after a finish that failed. */
TEST(a_failing_finish_keeps_the_connection)
{
    set_up(&PLAIN);
    probe.finish_status = ST_DIGEST_MISMATCH;
    test_client_ask(&client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab", 400,
                    &response);
    expect_text(400, "ST_DIGEST_MISMATCH");
    test_client_ask(&client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nok", 200,
                    &response);
    tear_down();
}

/* A body that ends before its length is refused, and the client can read why. */
TEST(a_short_body_is_incomplete)
{
    static const char *const METHODS[] = {"PUT", "POST"};
    char text[128];

    for (size_t i = 0; i < 4; i++) {
        set_up(&(struct test_server_options){.handler = handle, .has_tls = true});
        if (i >= 2) {
            test_client_close(&client);
            test_client_open_tls(&client, server.tls_port, NULL);
        }
        snprintf(text, sizeof(text), "%s / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nshort",
                 METHODS[i % 2]);
        test_client_send(&client, text);
        test_client_end_sending(&client);
        test_client_read(&client, false, &response);
        expect_text(400, "ST_INCOMPLETE");
        EXPECT(!probe.is_finished);
        test_client_expect_end(&client);
        tear_down();
    }
}

TEST(broken_chunks_are_invalid)
{
    static const char *const METHODS[] = {"PUT", "POST"};
    char text[128];

    for (size_t i = 0; i < 2; i++) {
        set_up(&PLAIN);
        snprintf(text, sizeof(text),
                 "%s / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
                 METHODS[i]);
        test_client_ask(&client, text, 400, &response);
        expect_text(400, "ST_INVALID");
        EXPECT(!probe.is_finished);
        test_client_expect_end(&client);
        tear_down();
    }
}

/* A client that vanishes ends the stream with ST_CLOSED; the handler answers into the void. */
TEST(a_vanished_client_is_reported)
{
    set_up(&PLAIN);
    test_client_send(&client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nshort");
    test_client_abort(&client);
    test_server_wait_logged(&server, 1);
    EXPECT(probe.done_status == ST_CLOSED || probe.done_status == ST_INCOMPLETE);
    EXPECT_INT(1, probe.done_count);
    EXPECT(!probe.is_finished);
    test_client_open(&client, server.port);
    tear_down();
}

/* A client below the minimum rate is cut off with ST_TIMEOUT. */
TEST(a_slow_body_times_out)
{
    static const char *const METHODS[] = {"PUT", "POST"};
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    int64_t before = metric_value(&http_timeouts_total[HTTP_TIMED_OUT_RECEIVE]);
    char text[128];

    limits.rate_window_ms = 50;
    for (size_t i = 0; i < 2; i++) {
        set_up(&(struct test_server_options){.handler = handle, .limits = &limits});
        snprintf(text, sizeof(text), "%s / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nshort",
                 METHODS[i]);
        test_client_ask(&client, text, 400, &response);
        expect_text(400, "ST_TIMEOUT");
        tear_down();
    }
    EXPECT_INT(2, metric_value(&http_timeouts_total[HTTP_TIMED_OUT_RECEIVE]) - before);
}

/* A sink that is slow is not the client's fault. */
TEST(a_slow_sink_does_not_time_out)
{
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    struct test_gate gate = TEST_GATE_INIT;
    char *data = random_bytes(BIG_BYTES);
    struct test_client other;

    limits.rate_window_ms = 20;
    limits.rate_window_bytes = 1;
    limits.idle_ms = 300;
    set_up(&(struct test_server_options){.handler = handle, .limits = &limits});
    probe.gate = &gate;
    test_client_send(&client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048576\r\n\r\n");
    test_client_send_bytes(&client, data, 1 << 20);
    test_gate_wait_entered(&gate, 1);
    /* The idle time of another connection passes meanwhile: 15 windows. */
    test_client_open(&other, server.port);
    test_client_ask(&other, "POST / HTTP/1.1\r\nHost: h\r\n\r\n", 200, &response);
    test_client_expect_end(&other);
    test_client_close(&other);
    test_gate_open(&gate);
    test_client_read(&client, false, &response);
    expect_taken(data, 1 << 20);
    free(data);
    tear_down();
}

/* No memory for bodies is ST_BUSY, at once, and over when memory is there again. */
TEST(an_exhausted_budget_is_busy)
{
    struct test_gate gate = TEST_GATE_INIT;
    struct test_client second;
    char *data = random_bytes(BODY_BUFFER_BYTES);

    set_up(&(struct test_server_options){.handler = handle,
                                         .body_memory_bytes = BODY_BUFFER_SMALL_BYTES});
    probe.gate = &gate;
    test_client_send(&client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 262144\r\n\r\n");
    test_client_send_bytes(&client, data, BODY_BUFFER_BYTES);
    test_gate_wait_entered(&gate, 1);

    test_client_open(&second, server.port);
    test_client_ask(&second, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab", 400,
                    &response);
    expect_text(400, "ST_BUSY");
    test_client_close(&second);
    test_client_open(&second, server.port);
    test_client_ask(&second, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab", 400,
                    &response);
    expect_text(400, "ST_BUSY");
    test_client_close(&second);

    /* The first one goes on with its single small buffer. */
    probe.done_count = 0;
    test_gate_open(&gate);
    test_client_read(&client, false, &response);
    expect_taken(data, BODY_BUFFER_BYTES);
    free(data);
    tear_down();
}

/* Many streams at once, each whole. */
TEST(many_streams_share_the_budget)
{
    enum { CLIENT_COUNT = 12 };
    struct test_client clients[CLIENT_COUNT];
    char *data = random_bytes(100000);

    set_up(&(struct test_server_options){.handler = handle, .body_memory_bytes = 2 << 20});
    for (int i = 0; i < CLIENT_COUNT; i++) {
        test_client_open(&clients[i], server.port);
        test_client_send(&clients[i],
                         "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
    }
    for (int i = 0; i < CLIENT_COUNT; i++) {
        test_client_send_bytes(&clients[i], data, 100000);
        test_client_read(&clients[i], false, &response);
        EXPECT_INT(200, response.status);
        EXPECT_BYTES(bytes_of(data, 100000), buffer_bytes(&response.body));
        test_client_close(&clients[i]);
    }
    free(data);
    tear_down();
}
