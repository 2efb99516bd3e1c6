/* SPDX-License-Identifier: Apache-2.0 */
/* Two servers: `front` relays what it gets to `back`.  Peers that misbehave: http_channel_test.c.
 */
#include "net/http_relay.h"

#include <stdio.h>

#include "base/memory.h"
#include "net/http_metrics.h"
#include "tests/unit/net/test_authority.h"
#include "tests/unit/net/test_client.h"
#include "tests/unit/net/test_server.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* The same over TLS: http_relay_tls_test. */
#ifndef RELAY_OVER_TLS
#define RELAY_OVER_TLS 0
#endif

#define BIG_BYTES ((size_t)5 << 20)
#define PREFIX "relayed-head"

static struct test_server front;
static struct test_server back;
static struct test_client client;
static struct test_response response;
static struct socket_address peer_address;
static char *big;
static struct test_authority authority;
static struct tls_files identity_files;
static struct tls_context *client_tls;
static const char *peer_name = "peer:1";
static struct host_resolver *by_name; /* NULL: at peer_address */
static struct test_gate lookup_gate;

/* ---- back ---- */

struct collector {
    struct sink sink;
    struct http_exchange *exchange;
    size_t size;
    bool is_same;
};

static struct collector collector;

static enum status
collector_write(struct sink *sink, struct bytes data, struct error *err)
{
    const char *path = "/refuse-early";

    if (bytes_equal_string(http_exchange_request(collector.exchange)->path, path)) {
        return fail(err, ST_INVALID, "not wanted");
    }
    collector.is_same &= collector.size + data.size <= BIG_BYTES &&
                         memcmp(big + collector.size, data.data, data.size) == 0;
    collector.size += data.size;
    return ST_OK;
}

static enum status
collector_finish(struct sink *sink, struct error *err)
{
    return ST_OK;
}

static void
collector_release(struct sink *sink)
{
}

static const struct sink_ops COLLECTOR_OPS = {collector_write, collector_finish, collector_release};

static void
on_streamed(struct http_exchange *exchange, enum status st, const struct error *err)
{
    char text[64];

    snprintf(text, sizeof(text), "%s %zu %d", status_name(st), collector.size, collector.is_same);
    test_respond(exchange, st == ST_OK ? 200 : 400, text);
}

struct big_source {
    struct source source;
    size_t offset;
    size_t fail_at;
};

static enum status
big_read(struct source *source, enum read_mode mode, char *out, size_t capacity, size_t *ret_size,
         struct error *err)
{
    struct big_source *from = CONTAINER_OF(struct big_source, source, source);
    size_t left = BIG_BYTES - from->offset;

    if (mode == READ_NO_WAIT && from->offset % 3 == 0) {
        return ST_WOULD_WAIT;
    }
    if (from->offset >= from->fail_at) {
        return fail(err, ST_CORRUPT, "broken");
    }
    *ret_size = left < capacity ? left : capacity;
    memcpy(out, big + from->offset, *ret_size);
    from->offset += *ret_size;
    return ST_OK;
}

static void
big_release(struct source *source)
{
    free(CONTAINER_OF(struct big_source, source, source));
}

static const struct source_ops BIG_OPS = {big_read, NULL, big_release};

static void
respond_big(struct http_exchange *exchange, uint64_t length, size_t fail_at)
{
    struct big_source *source = xcalloc(1, sizeof(*source));
    struct http_response answer = {
        .status = 200, .source = &source->source, .content_length = length, .operation = "Test"};

    source->source.ops = &BIG_OPS;
    source->fail_at = fail_at;
    http_exchange_respond(exchange, &answer);
}

static void
on_prefix(struct http_exchange *exchange, enum status st, struct bytes prefix)
{
    const struct http_request *outer = http_exchange_request(exchange);
    struct http_request inner = *outer;
    const struct http_request *request;

    if (st != ST_OK) {
        test_respond(exchange, 400, "no prefix");
        return;
    }
    inner.method = http_request_header(outer, "x-method");
    inner.path = http_request_header(outer, "x-path");
    http_exchange_substitute(exchange, &inner);
    request = http_exchange_request(exchange);
    if (!bytes_equal_string(prefix, PREFIX)) {
        test_respond(exchange, 400, "wrong prefix");
    } else if (bytes_equal_string(request->path, "/precondition")) {
        test_respond(exchange, 412, "no body was asked for");
    } else if (bytes_equal_string(request->path, "/not-modified")) {
        test_respond(exchange, 304, "");
    } else if (bytes_equal_string(request->path, "/big")) {
        respond_big(exchange, BIG_BYTES, SIZE_MAX);
    } else if (bytes_equal_string(request->path, "/chunked")) {
        respond_big(exchange, HTTP_LENGTH_UNKNOWN, SIZE_MAX);
    } else if (bytes_equal_string(request->path, "/cut")) {
        respond_big(exchange, BIG_BYTES, BIG_BYTES / 2);
    } else if (bytes_equal_string(request->path, "/cut-chunked")) {
        respond_big(exchange, HTTP_LENGTH_UNKNOWN, BIG_BYTES / 2);
    } else if (bytes_equal_string(request->method, "PUT")) {
        collector = (struct collector){{&COLLECTOR_OPS}, exchange, 0, true};
        http_exchange_stream_body(exchange, &collector.sink, on_streamed);
    } else {
        test_respond(exchange, 200, "hello");
    }
}

static void
handle_back(struct http_exchange *exchange, void *arg)
{
    http_exchange_read_prefix(exchange, strlen(PREFIX), on_prefix);
}

/* ---- front ---- */

static void
on_answer(struct http_exchange *exchange, const struct http_relay_result *result)
{
    struct http_response answer = {.operation = "Test"};

    if (result->status == ST_OK) {
        answer.status = result->answer->status;
        http_exchange_respond_relayed(exchange, &answer);
    } else {
        test_respond(exchange, result->is_client_at_fault ? 400 : 503, status_name(result->status));
    }
}

static void
handle_front(struct http_exchange *exchange, void *arg)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct http_header *headers = arena_calloc(http_exchange_arena(exchange), 2, sizeof(*headers));
    struct http_relay_options options = {
        .wire.address = by_name != NULL ? (struct socket_address){.size = 0} : peer_address,
        .wire.resolver = by_name,
        .wire.host = bytes_of_string(peer_name),
        .wire.tls = client_tls,
        .path = BYTES_LITERAL("/peer/v1/test"),
        .headers = headers,
        .header_count = 2,
        .prefix = BYTES_LITERAL(PREFIX),
    };

    headers[0] = (struct http_header){BYTES_LITERAL("X-Method"), request->method};
    headers[1] = (struct http_header){BYTES_LITERAL("X-Path"), request->path};
    http_exchange_relay(exchange, &options, on_answer);
}

static void
use_port(uint16_t port)
{
    char text[32];

    snprintf(text, sizeof(text), "127.0.0.1:%u", port);
    EXPECT_STATUS(ST_OK, socket_address_parse(bytes_of_string(text), &peer_address, NULL));
}

/* One identity for both ends, as nodes are both. */
static void
create_identity(void)
{
    static struct test_identity_files files;

    test_authority_create(&authority, "authority");
    test_authority_sign(&authority,
                        &(struct test_identity){.name = "peer", .alt_names = "DNS:peer"}, &files);
    identity_files = test_tls_files(&authority, &files);
    EXPECT_STATUS(ST_OK, tls_context_create(TLS_CLIENT, &identity_files, &client_tls, NULL));
}

static void
start(void)
{
    struct prng prng = test_prng();
    struct http_limits limits = HTTP_LIMITS_DEFAULT;

    big = xmalloc(BIG_BYTES);
    prng_fill(&prng, big, BIG_BYTES);
    if (RELAY_OVER_TLS) {
        create_identity();
    }
    test_server_start(&back, &(struct test_server_options){.handler = handle_back,
                                                           .has_tls = RELAY_OVER_TLS,
                                                           .tls = &identity_files});
    limits.connect_ms = by_name != NULL ? 50 : limits.connect_ms;
    test_server_start(&front,
                      &(struct test_server_options){.handler = handle_front, .limits = &limits});
    use_port(RELAY_OVER_TLS ? back.tls_port : back.port);
    test_client_open(&client, front.port);
}

static void
stop(void)
{
    test_client_close(&client);
    test_server_stop(&front);
    test_server_stop(&back);
    test_response_release(&response);
    tls_context_destroy(&client_tls);
    if (RELAY_OVER_TLS) {
        test_authority_release(&authority);
    }
    free(big);
}

static void
send_big_put(const char *path)
{
    char head[128];

    snprintf(head, sizeof(head), "PUT %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", path,
             BIG_BYTES);
    test_client_send(&client, head);
    test_client_send_bytes(&client, big, BIG_BYTES);
}

/* ---- tests ---- */

/* An answer without a body of its own request, and over one connection to the peer. */
TEST(relayed_requests_share_one_connection)
{
    int64_t connects;

    start();
    connects = metric_value(&http_peer_connects_total);
    for (int i = 0; i < 5; i++) {
        test_client_ask(&client, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", 200, &response);
        EXPECT_BYTES(BYTES_LITERAL("hello"), buffer_bytes(&response.body));
    }
    test_client_ask(&client, "GET /not-modified HTTP/1.1\r\nHost: a\r\n\r\n", 304, &response);
    test_client_ask(&client, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", 200, &response);

    EXPECT_INT(connects + 1, metric_value(&http_peer_connects_total));
    stop();
}

/* Nothing is sent to a node that is not the one that is meant. */
TEST(a_peer_of_another_name_gets_nothing)
{
    start();
    peer_name = "other:1";
    if (RELAY_OVER_TLS) {
        test_client_ask(&client, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", 503, &response);
        EXPECT_BYTES(BYTES_LITERAL("ST_UNAVAILABLE"), buffer_bytes(&response.body));
    } else {
        test_client_ask(&client, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", 200, &response);
    }
    peer_name = "peer:1";
    stop();
}

/* A port that nobody listens on, then the peer. */
static enum status
find_two(const char *host, uint16_t port, struct host_addresses *ret_addresses, struct error *err)
{
    CHECK(strcmp(host, "peer") == 0 && port == 1);
    ret_addresses->count = 2;
    CHECK(socket_address_parse(BYTES_LITERAL("127.0.0.1:1"), &ret_addresses->list[0], NULL) ==
          ST_OK);
    ret_addresses->list[1] = peer_address;
    return ST_OK;
}

static enum status
find_none(const char *host, uint16_t port, struct host_addresses *ret_addresses, struct error *err)
{
    return fail(err, ST_UNAVAILABLE, "not known");
}

static enum status
find_never(const char *host, uint16_t port, struct host_addresses *ret_addresses, struct error *err)
{
    test_gate_pass(&lookup_gate); /* when nobody waits any more */
    return find_none(host, port, ret_addresses, err);
}

static void
expect_by_name(host_lookup_fn *lookup, int status)
{
    by_name = host_resolver_create(lookup);
    start();
    test_client_ask(&client, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", status, &response);
    if (status == 200) {
        send_big_put("/stream");
        test_client_read(&client, false, &response);
        EXPECT_INT(200, response.status);
    } else {
        EXPECT_BYTES(BYTES_LITERAL("ST_UNAVAILABLE"), buffer_bytes(&response.body));
    }
    stop();
    host_resolver_destroy(&by_name);
}

/* Every address of a name is tried; a name server that knows nothing, or is silent, is a peer that
 * cannot be reached. */
TEST(a_peer_is_found_by_name)
{
    lookup_gate = TEST_GATE_INIT;
    expect_by_name(find_two, 200);
    expect_by_name(find_none, 503);
    expect_by_name(find_never, 503);
    test_gate_open(&lookup_gate);
}

/* HEAD tells the length that GET would send, and no body. */
TEST(a_relayed_head_has_the_length_and_no_body)
{
    start();
    test_client_ask(&client, "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n", 200, &response);
    EXPECT_BYTES(BYTES_LITERAL("5"), test_response_header(&response, "Content-Length"));
    test_client_ask(&client, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", 200, &response);
    stop();
}

TEST(large_answers_pass_whole)
{
    start();
    test_client_ask(&client, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n", 200, &response);
    EXPECT(response.is_complete);
    EXPECT_BYTES(bytes_of(big, BIG_BYTES), buffer_bytes(&response.body));
    test_client_ask(&client, "GET /chunked HTTP/1.1\r\nHost: a\r\n\r\n", 200, &response);
    EXPECT(response.is_complete);
    EXPECT_BYTES(bytes_of(big, BIG_BYTES), buffer_bytes(&response.body));
    stop();
}

/* Never a clean short answer: what the owner cut is cut for the client. */
TEST(an_answer_that_the_peer_cuts_is_cut)
{
    start();
    test_client_ask(&client, "GET /cut HTTP/1.1\r\nHost: a\r\n\r\n", 200, &response);
    EXPECT(!response.is_complete);
    test_client_close(&client);
    test_client_open(&client, front.port);
    test_client_ask(&client, "GET /cut-chunked HTTP/1.1\r\nHost: a\r\n\r\n", 200, &response);
    EXPECT(!response.is_complete);
    stop();
}

TEST(large_bodies_pass_whole)
{
    start();
    send_big_put("/put");
    test_client_read(&client, false, &response);
    EXPECT_INT(200, response.status);
    EXPECT_INT(BIG_BYTES, collector.size);
    EXPECT(collector.is_same);
    test_client_ask(&client, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", 200, &response);
    stop();
}

TEST(chunked_bodies_pass_whole)
{
    start();
    test_client_send(&client, "PUT /put HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t at = 0; at < BIG_BYTES;) {
        size_t size = BIG_BYTES - at < 70001 ? BIG_BYTES - at : 70001;
        char line[16];

        snprintf(line, sizeof(line), "%zx\r\n", size);
        test_client_send(&client, line);
        test_client_send_bytes(&client, big + at, size);
        test_client_send(&client, "\r\n");
        at += size;
    }
    test_client_send(&client, "0\r\n\r\n");
    test_client_read(&client, false, &response);
    EXPECT_INT(200, response.status);
    EXPECT_INT(BIG_BYTES, collector.size);
    EXPECT(collector.is_same);
    test_client_ask(&client,
                    "PUT /put HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                    200, &response);
    EXPECT_INT(0, collector.size);
    stop();
}

/* SPEC: RFC 9110 10.1.1: 100 Continue means that the body is wanted, by whoever decides. */
TEST(continue_comes_when_the_peer_asks_for_the_body)
{
    start();
    test_client_send(&client, "PUT /put HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
                              "Expect: 100-continue\r\n\r\n");
    test_client_expect_continue(&client);
    test_client_send_bytes(&client, big, 4);
    test_client_read(&client, false, &response);
    EXPECT_INT(200, response.status);
    EXPECT_INT(4, collector.size);
    test_client_send(&client, "PUT /put HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"
                              "Expect: 100-continue\r\n\r\n");
    test_client_expect_continue(&client);
    test_client_read(&client, false, &response);
    EXPECT_INT(200, response.status);
    stop();
}

/* A refusal costs no body, and not the connection between the nodes either. */
TEST(a_refusal_before_the_body_keeps_the_connection_to_the_peer)
{
    int64_t connects;

    start();
    test_client_ask(&client, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", 200, &response);
    connects = metric_value(&http_peer_connects_total);
    test_client_ask(&client,
                    "PUT /precondition HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
                    "Expect: 100-continue\r\n\r\n",
                    412, &response);
    EXPECT_BYTES(BYTES_LITERAL("close"), test_response_header(&response, "Connection"));
    test_client_close(&client);
    test_client_open(&client, front.port);
    send_big_put("/precondition");
    test_client_read(&client, false, &response);
    EXPECT_INT(412, response.status);
    test_client_close(&client);
    test_client_open(&client, front.port);
    test_client_ask(&client, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", 200, &response);

    EXPECT_INT(connects, metric_value(&http_peer_connects_total));
    stop();
}

TEST(a_refusal_during_the_body_reaches_the_client)
{
    start();
    send_big_put("/refuse-early");
    test_client_read(&client, false, &response);
    EXPECT_INT(400, response.status);
    stop();
}

/* What the client breaks off is broken off for the peer: it never sees a whole body. */
TEST(a_client_that_leaves_ends_the_body_of_the_peer)
{
    start();
    test_client_send(&client, "PUT /put HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\nabc");
    test_client_end_sending(&client);
    test_client_read(&client, false, &response);
    EXPECT_INT(400, response.status);
    test_server_wait_logged(&back, 1);
    EXPECT_INT(400, back.last.status);
    stop();
}

TEST(a_client_that_leaves_during_the_answer_ends_it)
{
    start();
    test_client_send(&client, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    test_client_abort(&client);
    test_server_wait_logged(&front, 1);
    test_client_open(&client, front.port);
    test_client_ask(&client, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", 200, &response);
    stop();
}

/* A body that is shorter than its prefix is refused. */
TEST(a_short_prefix_is_refused)
{
    start();
    test_client_close(&client);
    test_client_open(&client, back.port);
    test_client_ask(&client, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 400,
                    &response);
    stop();
}
