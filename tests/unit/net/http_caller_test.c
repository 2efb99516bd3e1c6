/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_caller.h"

#include <stdio.h>

#include "base/memory.h"
#include "tests/unit/net/test_authority.h"
#include "tests/unit/net/test_server.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* The same over TLS: http_caller_tls_test. */
#ifndef CALL_OVER_TLS
#define CALL_OVER_TLS 0
#endif

#define PREFIX "prefix"
#define BIG_BYTES ((size_t)3 << 20)

static struct test_server server;
static struct http_caller *caller;
static struct arena arena;
static struct error err;
static struct test_authority authority;
static struct tls_files identity_files;
static struct tls_context *client_tls;

static void
echo(struct http_exchange *exchange, enum status st, struct bytes body)
{
    struct http_response answer = {.status = st == ST_OK ? 200 : 400, .body = body};

    http_exchange_respond(exchange, &answer);
}

static void
on_prefix(struct http_exchange *exchange, enum status st, struct bytes prefix)
{
    struct bytes path = http_exchange_request(exchange)->path;

    if (st != ST_OK || !bytes_equal_string(prefix, PREFIX)) {
        test_respond(exchange, 400, "prefix");
    } else if (bytes_equal_string(path, "/refuse")) {
        test_respond(exchange, 403, "refused");
    } else if (bytes_equal_string(path, "/silent")) {
        return;
    } else {
        http_exchange_read_body(exchange, BIG_BYTES, echo);
    }
}

static struct http_exchange *held;

static void
handle(struct http_exchange *exchange, void *arg)
{
    held = exchange;
    http_exchange_read_prefix(exchange, strlen(PREFIX), on_prefix);
}

struct memory_source {
    struct source source;
    struct bytes rest;
};

static enum status
memory_read(struct source *source, enum read_mode mode, char *out, size_t capacity,
            size_t *ret_size, struct error *source_err)
{
    struct memory_source *memory = CONTAINER_OF(struct memory_source, source, source);

    *ret_size = memory->rest.size < capacity ? memory->rest.size : capacity;
    if (*ret_size != 0) {
        memcpy(out, memory->rest.data, *ret_size);
    }
    memory->rest = bytes_slice(memory->rest, *ret_size, memory->rest.size);
    return ST_OK;
}

static const struct source_ops MEMORY_OPS = {memory_read, NULL, NULL};

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
    arena = ARENA_INIT;
    err = ERROR_INIT;
    caller = http_caller_create();
    if (CALL_OVER_TLS) {
        create_identity();
    }
    test_server_start(&server, &(struct test_server_options){.handler = handle,
                                                             .has_tls = CALL_OVER_TLS,
                                                             .tls = &identity_files});
}

static void
stop(void)
{
    http_caller_destroy(&caller);
    test_server_stop(&server);
    tls_context_destroy(&client_tls);
    if (CALL_OVER_TLS) {
        test_authority_release(&authority);
    }
    arena_release(&arena);
}

static struct http_call_options
options_for(const char *path)
{
    struct http_call_options options = {.wire.host = BYTES_LITERAL("peer:1"),
                                        .wire.tls = client_tls,
                                        .path = bytes_of_string(path),
                                        .prefix = BYTES_LITERAL(PREFIX),
                                        .timeout_ms = 10000};
    char text[32];

    snprintf(text, sizeof(text), "127.0.0.1:%u", CALL_OVER_TLS ? server.tls_port : server.port);
    EXPECT_STATUS(ST_OK, socket_address_parse(bytes_of_string(text), &options.wire.address, NULL));
    return options;
}

static struct bytes
read_all(struct source *body)
{
    char *out = arena_alloc(&arena, BIG_BYTES + 1);
    size_t size = 0, part = 1;

    while (body != NULL && part != 0) {
        EXPECT_OK(source_read(body, READ_MAY_WAIT, out + size, BIG_BYTES + 1 - size, &part, &err),
                  &err);
        size += part;
    }
    source_release(&body);
    return bytes_of(out, size);
}

static void
expect_echo(struct http_call_options *options, struct bytes expected)
{
    struct http_call_result result;

    EXPECT_OK(http_caller_call(caller, options, &arena, &result, &err), &err);
    EXPECT_INT(200, result.head.status);
    EXPECT_BYTES(expected, read_all(result.body));
}

TEST(a_body_goes_at_once_or_when_it_is_asked_for)
{
    struct http_call_options options;
    struct memory_source memory = {{&MEMORY_OPS}, BYTES_NONE};
    char *big = xcalloc(1, BIG_BYTES);

    start();
    options = options_for("/echo");
    expect_echo(&options, BYTES_NONE);
    options.rest = BYTES_LITERAL("rest");
    expect_echo(&options, BYTES_LITERAL("rest"));
    options.rest = BYTES_NONE;
    options.payload = &memory.source;
    memory.rest = bytes_of(big, BIG_BYTES);
    options.payload_size = BIG_BYTES;
    expect_echo(&options, bytes_of(big, BIG_BYTES));
    memory.rest = BYTES_LITERAL("chunks");
    options.payload_size = HTTP_LENGTH_UNKNOWN;
    expect_echo(&options, BYTES_LITERAL("chunks"));
    EXPECT_INT(1, http_server_connection_count(server.server));
    stop();
    free(big);
}

TEST(a_refusal_costs_no_payload)
{
    struct memory_source memory = {{&MEMORY_OPS}, BYTES_LITERAL("payload")};
    struct http_call_options options;
    struct http_call_result result;

    start();
    options = options_for("/refuse");
    options.payload = &memory.source;
    options.payload_size = 7;
    EXPECT_OK(http_caller_call(caller, &options, &arena, &result, &err), &err);
    EXPECT_INT(403, result.head.status);
    EXPECT_BYTES(BYTES_LITERAL("refused"), read_all(result.body));
    EXPECT_INT(7, memory.rest.size);
    options = options_for("/echo");
    expect_echo(&options, BYTES_NONE);
    EXPECT_INT(1, http_server_connection_count(server.server));
    stop();
}

TEST(several_peers_work_at_the_same_time)
{
    struct http_call_options options;
    struct http_call *first, *second, *third;
    struct http_call_result result;

    start();
    options = options_for("/echo");
    EXPECT_OK(http_caller_begin(caller, &options, &arena, &first, &err), &err);
    EXPECT_OK(http_caller_begin(caller, &options, &arena, &second, &err), &err);
    EXPECT_OK(http_caller_begin(caller, &options, &arena, &third, &err), &err);
    http_caller_cancel(&second);
    EXPECT_OK(http_caller_finish(&third, &arena, &result, &err), &err);
    source_release(&result.body);
    EXPECT_OK(http_caller_finish(&first, &arena, &result, &err), &err);
    source_release(&result.body);
    stop();
}

TEST(silence_and_absence_are_told_apart)
{
    struct http_call_options options;
    struct http_call_result result;

    start();
    options = options_for("/silent");
    options.timeout_ms = 50;
    EXPECT_STATUS(ST_TIMEOUT, http_caller_call(caller, &options, &arena, &result, &err));
    test_respond(held, 200, "late");
    EXPECT_STATUS(ST_OK,
                  socket_address_parse(BYTES_LITERAL("127.0.0.1:1"), &options.wire.address, NULL));
    EXPECT_STATUS(ST_UNAVAILABLE, http_caller_call(caller, &options, &arena, &result, &err));
    stop();
}
