/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_reply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* What the handler answers with; and what became of it. */
static struct plan {
    int status;
    bool is_from_memory;
    bool is_from_worker;
    bool must_close;
    uint64_t content_length; /* said */
    const char *data;        /* given */
    size_t size;
    size_t piece_max;  /* of one read, 0: any */
    size_t wait_every; /* each n-th read would wait, 0: none */
    size_t fail_at;    /* offset of a failure, SIZE_MAX: none */
    bool has_file;     /* file_range answers for the second half */
    int file_fd;
    struct test_gate *gate; /* to be passed by waiting reads */
    /* progress */
    size_t offset;
    size_t read_count;
    size_t worker_read_count;
    atomic_int release_count;
    struct source source;
} plan;

static enum status
plan_read(struct source *source, enum read_mode mode, char *out, size_t capacity, size_t *ret_size,
          struct error *err)
{
    size_t size = plan.size - plan.offset;

    if (mode == READ_NO_WAIT) {
        assert_on_loop();
        plan.read_count++;
        if (plan.wait_every != 0 && plan.read_count % plan.wait_every == 0) {
            return ST_WOULD_WAIT;
        }
    } else {
        assert_on_worker();
        plan.worker_read_count++;
        if (plan.gate != NULL) {
            test_gate_pass(plan.gate);
        }
    }
    if (plan.offset >= plan.fail_at) {
        return fail(err, ST_CORRUPT, "planned");
    }
    size = size < capacity ? size : capacity;
    if (plan.piece_max != 0 && size > plan.piece_max) {
        size = plan.piece_max;
    }
    if (plan.has_file && plan.offset < plan.size / 2 && size > plan.size / 2 - plan.offset) {
        size = plan.size / 2 - plan.offset;
    }
    memcpy(out, plan.data + plan.offset, size);
    plan.offset += size;
    *ret_size = size;
    return ST_OK;
}

static bool
plan_file_range(struct source *source, int *ret_fd, off_t *ret_offset, size_t *ret_size)
{
    if (!plan.has_file || plan.offset != plan.size / 2) {
        return false;
    }
    *ret_fd = plan.file_fd;
    *ret_offset = (off_t)plan.offset;
    *ret_size = plan.size - plan.offset;
    plan.offset = plan.size;
    return true;
}

static void
plan_release(struct source *source)
{
    atomic_fetch_add(&plan.release_count, 1);
}

static const struct source_ops PLAN_OPS = {plan_read, plan_file_range, plan_release};

static void
answer(struct http_exchange *exchange)
{
    struct http_header *header = arena_calloc(http_exchange_arena(exchange), 1, sizeof(*header));
    struct http_response result = {
        .status = plan.status, .headers = header, .header_count = 1, .operation = "Plan"};

    *header = (struct http_header){BYTES_LITERAL("X-Plan"), BYTES_LITERAL("yes")};
    result.must_close = plan.must_close;
    result.content_length = plan.content_length;
    if (plan.is_from_memory) {
        result.body = bytes_of(plan.data, plan.size);
    } else {
        result.source = &plan.source;
    }
    http_exchange_respond(exchange, &result);
}

static void
handle(struct http_exchange *exchange, void *arg)
{
    if (plan.is_from_worker) {
        http_exchange_run_on_worker(exchange, answer);
    } else {
        answer(exchange);
    }
}

static const struct test_server_options PLAIN = {.handler = handle};
static char *big;
static size_t ask_count;

static void
set_up(const struct test_server_options *options)
{
    struct prng prng = test_prng();

    big = xmalloc(BIG_BYTES);
    prng_fill(&prng, big, BIG_BYTES);
    memset(&plan, 0, sizeof(plan));
    ask_count = 0;
    plan.source.ops = &PLAN_OPS;
    plan.status = 200;
    plan.data = big;
    plan.size = plan.content_length = BIG_BYTES;
    plan.fail_at = SIZE_MAX;
    test_server_start(&server, options);
    test_client_open(&client, server.port);
}

static void
tear_down(void)
{
    test_client_close(&client);
    test_response_release(&response);
    test_server_stop(&server);
    free(big);
}

static void
ask(const char *method)
{
    char text[128];

    plan.offset = 0;
    snprintf(text, sizeof(text), "%s /p HTTP/1.1\r\nHost: h\r\n\r\n", method);
    test_client_send(&client, text);
    test_client_read(&client, strcmp(method, "HEAD") == 0, &response);
    test_server_wait_logged(&server, ++ask_count); /* the source is released before that */
    EXPECT_BYTES(BYTES_LITERAL("yes"), test_response_header(&response, "X-Plan"));
}

static void
expect_whole(void)
{
    EXPECT_INT(plan.status, response.status);
    EXPECT(response.is_complete);
    EXPECT_BYTES(bytes_of(plan.data, plan.size), buffer_bytes(&response.body));
}

/* Any size around the limits of buffers and turns, from memory, on the loop and from a worker. */
TEST(bodies_from_memory_are_sent)
{
    static const size_t SIZES[] = {0, 1, 4096, 16384, 16385, 262144, 262145, 1048577, BIG_BYTES};

    set_up(&PLAIN);
    plan.is_from_memory = true;
    for (size_t i = 0; i < 2 * ARRAY_COUNT(SIZES); i++) {
        plan.is_from_worker = i % 2 != 0;
        plan.size = SIZES[i / 2];
        ask("GET");
        expect_whole();
    }
    test_server_wait_logged(&server, 2 * ARRAY_COUNT(SIZES));
    EXPECT_INT(BIG_BYTES, server.last.bytes_out);
    tear_down();
}

TEST(bodies_from_sources_are_sent)
{
    static const size_t SIZES[] = {1, 4096, 16384, 16385, 262144, 262145, 1048577, BIG_BYTES};

    set_up(&PLAIN);
    for (size_t i = 0; i < ARRAY_COUNT(SIZES); i++) {
        plan.size = plan.content_length = SIZES[i];
        ask("GET");
        expect_whole();
        EXPECT_INT(0, plan.worker_read_count);
    }
    EXPECT_INT(ARRAY_COUNT(SIZES), atomic_load(&plan.release_count));
    tear_down();
}

/* ST_WOULD_WAIT sends the read to a worker, at the first piece and at later ones. */
TEST(sources_that_would_wait_are_read_on_workers)
{
    set_up(&PLAIN);
    plan.size = plan.content_length = 1 << 20;
    plan.piece_max = 10000;
    for (plan.wait_every = 1; plan.wait_every < 4; plan.wait_every++) {
        plan.worker_read_count = plan.read_count = 0;
        ask("GET");
        expect_whole();
        EXPECT(plan.worker_read_count >= 105 / plan.wait_every - 1);
    }
    tear_down();
}

/* Unknown length: chunked, and the connection goes on.  SPEC: RFC 9112 7.1 */
TEST(unknown_lengths_are_chunked)
{
    set_up(&PLAIN);
    plan.content_length = HTTP_LENGTH_UNKNOWN;
    plan.piece_max = 77777;
    plan.wait_every = 5;
    for (int i = 0; i < 2; i++) {
        ask("GET");
        EXPECT_BYTES(BYTES_LITERAL("chunked"),
                     test_response_header(&response, "Transfer-Encoding"));
        EXPECT(test_response_header(&response, "Content-Length").data == NULL);
        expect_whole();
    }
    plan.size = 0;
    ask("GET");
    expect_whole();
    tear_down();
}

/* HTTP/1.0 has no chunks: the end of the connection is the end of the body. */
TEST(unknown_lengths_end_http_1_0_connections)
{
    set_up(&PLAIN);
    plan.content_length = HTTP_LENGTH_UNKNOWN;
    test_client_send(&client, "GET /p HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    test_client_read(&client, false, &response);
    EXPECT(test_response_header(&response, "Transfer-Encoding").data == NULL);
    EXPECT_BYTES(BYTES_LITERAL("close"), test_response_header(&response, "Connection"));
    expect_whole();
    tear_down();
}

/* A part of the body may be sent from a file by the kernel, after one that is not. */
TEST(file_ranges_are_sent)
{
    char path[256];

    set_up(&PLAIN);
    snprintf(path, sizeof(path), "%s/file", test_directory());
    plan.file_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    EXPECT(plan.file_fd != -1 && write(plan.file_fd, big, BIG_BYTES) == (ssize_t)BIG_BYTES);
    plan.has_file = true;
    ask("GET");
    expect_whole();
    EXPECT(plan.read_count <= BIG_BYTES / 2 / BODY_BUFFER_BYTES + 1);

    /* The file has shrunk: no clean end. */
    EXPECT(ftruncate(plan.file_fd, 3 << 20) == 0);
    ask("GET");
    EXPECT(!response.is_complete);
    close(plan.file_fd);
    tear_down();
}

/* HEAD has the head of GET and no body.  SPEC: RFC 9110 9.3.2 */
TEST(head_has_no_body)
{
    set_up(&PLAIN);
    ask("HEAD");
    EXPECT_BYTES(BYTES_LITERAL("5242880"), test_response_header(&response, "Content-Length"));
    EXPECT_INT(0, plan.read_count);
    EXPECT_INT(1, atomic_load(&plan.release_count));

    plan.is_from_memory = true;
    plan.size = 7;
    ask("HEAD");
    EXPECT_BYTES(BYTES_LITERAL("7"), test_response_header(&response, "Content-Length"));
    plan.size = 0;
    plan.content_length = 99;
    ask("HEAD");
    EXPECT_BYTES(BYTES_LITERAL("99"), test_response_header(&response, "Content-Length"));

    plan.size = 3; /* and the connection is in step */
    ask("GET");
    expect_whole();
    tear_down();
}

/* SPEC: RFC 9110 15.3.5, 15.4.5 */
TEST(no_content_has_no_body)
{
    set_up(&PLAIN);
    for (int i = 0; i < 4; i++) {
        plan.status = i % 2 == 0 ? 204 : 304;
        plan.is_from_memory = i >= 2;
        ask("GET");
        EXPECT_INT(plan.status, response.status);
        EXPECT(test_response_header(&response, "Content-Length").data == NULL);
        EXPECT(test_response_header(&response, "Transfer-Encoding").data == NULL);
    }
    EXPECT_INT(0, plan.read_count);
    EXPECT_INT(2, atomic_load(&plan.release_count));
    plan.status = 200;
    ask("GET");
    expect_whole();
    tear_down();
}

TEST(must_close_closes)
{
    set_up(&PLAIN);
    plan.must_close = true;
    ask("GET");
    expect_whole();
    EXPECT_BYTES(BYTES_LITERAL("close"), test_response_header(&response, "Connection"));
    test_client_expect_end(&client);
    tear_down();
}

/* Nothing has left yet: the client gets a proper error instead of half an answer. */
TEST(a_source_that_fails_at_once_is_a_500)
{
    for (int i = 0; i < 2; i++) {
        set_up(&PLAIN);
        plan.fail_at = 0;
        plan.wait_every = (size_t)i;
        test_client_ask(&client, "GET /p HTTP/1.1\r\nHost: h\r\n\r\n", 500, &response);
        EXPECT(response.is_complete);
        EXPECT_INT(1, atomic_load(&plan.release_count));
        test_client_expect_end(&client);
        tear_down();
    }
}

/* Later, the client must see that something is missing, whatever the coding. */
TEST(a_source_that_fails_later_cuts_the_connection)
{
    static const uint64_t LENGTHS[] = {BIG_BYTES, HTTP_LENGTH_UNKNOWN};
    int64_t before = metric_value(&http_cut_total);

    for (size_t i = 0; i < 4; i++) {
        set_up(&PLAIN);
        plan.content_length = LENGTHS[i % 2];
        plan.wait_every = i / 2;
        plan.fail_at = 1 << 20;
        plan.piece_max = 100000;
        ask("GET");
        EXPECT(!response.is_complete);
        EXPECT(response.body.size < BIG_BYTES);
        test_server_wait_logged(&server, 1);
        EXPECT_INT(1, atomic_load(&plan.release_count));
        tear_down();
    }
    EXPECT_INT(4, metric_value(&http_cut_total) - before);
}

/* HTTP/1.0 without a length: only a reset shows the cut. */
TEST(a_cut_http_1_0_answer_is_reset)
{
    struct bytes input;

    set_up(&PLAIN);
    plan.content_length = HTTP_LENGTH_UNKNOWN;
    plan.piece_max = 1000;
    plan.wait_every = 2;
    plan.fail_at = 3000;
    test_client_send(&client, "GET /p HTTP/1.0\r\n\r\n");
    while (recv(client.fd, buffer_reserve(&client.input, 4096), 4096, 0) > 0) {
    }
    input = buffer_bytes(&client.input);
    EXPECT_INT(0, input.size);
    EXPECT_INT(ECONNRESET, errno);
    tear_down();
}

TEST(a_source_that_ends_early_cuts_the_connection)
{
    set_up(&PLAIN);
    plan.size = 1 << 20;
    plan.content_length = BIG_BYTES;
    ask("GET");
    EXPECT(!response.is_complete);
    EXPECT_INT(1 << 20, response.body.size);
    tear_down();
}

/* More than was said is not sent; the next response is where the client looks for it. */
TEST(a_source_that_has_more_is_cut_to_its_length)
{
    set_up(&PLAIN);
    plan.content_length = 300000;
    for (int i = 0; i < 2; i++) {
        ask("GET");
        EXPECT_INT(300000, response.body.size);
        EXPECT_BYTES(bytes_of(big, 300000), buffer_bytes(&response.body));
    }
    tear_down();
}

/* No memory for the buffer of an answer: 503 before its head. */
TEST(an_exhausted_budget_is_a_503)
{
    set_up(&(struct test_server_options){.handler = handle, .body_memory_bytes = 1});
    test_client_ask(&client, "GET /p HTTP/1.1\r\nHost: h\r\n\r\n", 503, &response);
    EXPECT(response.is_complete);
    test_server_wait_logged(&server, 1);
    EXPECT_STRING("SlowDown", server.last.error_code);
    tear_down();
}

/* The same for a large body that a handler made in memory; a small one needs none. */
TEST(large_bodies_in_memory_count)
{
    set_up(&(struct test_server_options){.handler = handle, .body_memory_bytes = 100000});
    plan.is_from_memory = true;
    plan.size = 100000;
    ask("GET");
    expect_whole();
    plan.size = 100001;
    test_client_ask(&client, "GET /p HTTP/1.1\r\nHost: h\r\n\r\n", 503, &response);
    test_client_close(&client);
    test_client_open(&client, server.port);
    test_server_wait_logged(&server, ++ask_count);
    plan.size = BODY_BUFFER_SMALL_BYTES;
    ask("GET");
    expect_whole();
    tear_down();
}

/* A client that does not read is cut off, and holds one buffer until then. */
TEST(a_client_that_does_not_read_times_out)
{
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    int64_t before = metric_value(&http_timeouts_total[HTTP_TIMED_OUT_SEND]);
    int small = 4096;

    limits.rate_window_ms = 100;
    set_up(&(struct test_server_options){.handler = handle, .limits = &limits});
    EXPECT(setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) == 0);
    test_client_send(&client, "GET /p HTTP/1.1\r\nHost: h\r\n\r\n");
    test_server_wait_logged(&server, 1);
    EXPECT_INT(1, metric_value(&http_timeouts_total[HTTP_TIMED_OUT_SEND]) - before);
    EXPECT(http_server_body_memory(server.server) <= BODY_BUFFER_BYTES);
    tear_down();
}

/* The minimum is judged per window, and a client above it is served to the end. */
TEST(a_reader_above_the_minimum_is_served)
{
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    char piece[16384];
    size_t size = 0; /* with the head */
    int small = 65536;
    ssize_t part;

    limits.rate_window_ms = 500;
    limits.rate_window_bytes = 1;
    set_up(&(struct test_server_options){.handler = handle, .limits = &limits});
    EXPECT(setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) == 0);
    test_client_send(&client, "GET /p HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    while ((part = recv(client.fd, piece, sizeof(piece), 0)) > 0) {
        size += (size_t)part;
    }
    EXPECT(part == 0 && size > BIG_BYTES);
    tear_down();
}

/* A source that is slow is not the client's fault. */
TEST(a_slow_source_does_not_time_out)
{
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    struct test_gate gate = TEST_GATE_INIT;
    struct test_client other;

    limits.rate_window_ms = 20;
    limits.head_ms = 300;
    set_up(&(struct test_server_options){.handler = handle, .limits = &limits});
    plan.gate = &gate;
    plan.piece_max = 1 << 20;
    plan.wait_every = 2;
    test_client_send(&client, "GET /p HTTP/1.1\r\nHost: h\r\n\r\n");
    test_gate_wait_entered(&gate, 1);
    test_client_open(&other, server.port); /* for the time of 15 windows */
    test_client_expect_end(&other);
    test_client_close(&other);
    test_gate_open(&gate);
    test_client_read(&client, false, &response);
    expect_whole();
    tear_down();
}

/* Sources over TLS, where pieces are smaller and nothing comes from files. */
TEST(bodies_from_sources_are_sent_over_tls)
{
    set_up(&(struct test_server_options){.handler = handle, .has_tls = true});
    test_client_close(&client);
    test_client_open_tls(&client, server.tls_port, NULL);
    plan.wait_every = 3;
    for (int i = 0; i < 2; i++) {
        plan.content_length = i == 0 ? BIG_BYTES : HTTP_LENGTH_UNKNOWN;
        ask("GET");
        expect_whole();
        EXPECT(plan.worker_read_count > 0);
    }
    plan.is_from_memory = true;
    ask("GET");
    expect_whole();
    tear_down();
}

/* Buffers are given back to the system some time after the last request. */
TEST(an_idle_server_holds_no_buffers)
{
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    struct test_client other;

    limits.head_ms = 3 * BODY_BUFFERS_TRIM_MS;
    set_up(&(struct test_server_options){.handler = handle, .limits = &limits});
    ask("GET");
    EXPECT(http_server_body_memory(server.server) != 0);
    test_client_open(&other, server.port); /* for the time of three trims */
    test_client_expect_end(&other);
    test_client_close(&other);
    EXPECT_INT(0, http_server_body_memory(server.server));
    tear_down();
}

/* A client that leaves while a worker reads: the source is released once the worker is back. */
TEST(a_client_may_leave_while_a_worker_reads)
{
    struct test_gate gate = TEST_GATE_INIT;

    set_up(&PLAIN);
    plan.gate = &gate;
    plan.wait_every = 1;
    test_client_send(&client, "GET /p HTTP/1.1\r\nHost: h\r\n\r\n");
    test_gate_wait_entered(&gate, 1);
    test_client_abort(&client);
    EXPECT_INT(0, atomic_load(&plan.release_count));
    test_gate_open(&gate);
    test_server_wait_logged(&server, 1);
    EXPECT_INT(1, atomic_load(&plan.release_count));
    test_client_open(&client, server.port);
    tear_down();
}
