/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_listener.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/http_metrics.h"
#include "tests/unit/net/test_client.h"
#include "tests/unit/net/test_server.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define BIG_BYTES ((size_t)3 << 20)

static struct test_server server;
static struct test_client client;
static struct test_response response;

/* GET answers with "tls" or "clear", POST with what was sent (up to 4 MiB). */
static void
echo(struct http_exchange *exchange, enum status st, struct bytes body)
{
    struct http_response answer = {.status = st == ST_OK ? 200 : 400, .body = body};

    http_exchange_respond(exchange, &answer);
}

static void
handle(struct http_exchange *exchange, void *arg)
{
    const struct http_request *request = http_exchange_request(exchange);

    if (bytes_equal_string(request->method, "POST")) {
        http_exchange_read_body(exchange, 4 << 20, echo);
    } else {
        test_respond(exchange, 200, request->is_tls ? "tls" : "clear");
    }
}

static struct http_limits limits;

static void
set_up(void)
{
    test_server_start(&server,
                      &(struct test_server_options){.handler = handle,
                                                    .limits = &limits,
                                                    .has_tls = true,
                                                    .body_memory_bytes = (size_t)16 << 20});
}

static void
tear_down(void)
{
    test_client_close(&client);
    test_response_release(&response);
    test_server_stop(&server);
    limits = HTTP_LIMITS_DEFAULT;
}

#define ASK_ROOT "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

static void
expect_tls(void)
{
    test_client_ask(&client, ASK_ROOT, 200, &response);
    EXPECT_BYTES(BYTES_LITERAL("tls"), buffer_bytes(&response.body));
}

TEST(tls_and_clear_text_are_served)
{
    limits = HTTP_LIMITS_DEFAULT;
    set_up();
    test_client_open(&client, server.port);
    test_client_ask(&client, ASK_ROOT, 200, &response);
    EXPECT_BYTES(BYTES_LITERAL("clear"), buffer_bytes(&response.body));
    test_client_close(&client);

    test_client_open_tls(&client, server.tls_port, NULL);
    for (int i = 0; i < 20; i++) {
        expect_tls();
    }
    EXPECT_STRING("TLSv1.3", SSL_get_version(client.ssl));
    tear_down();
}

/* SPEC: design, HTTP on h2o: only http/1.1 is offered; a client without a common protocol goes on
 * without one. */
TEST(alpn_offers_http_1_1_only)
{
    static const char *const OFFERS[] = {"http/1.1", "h2"};
    const unsigned char *chosen;
    unsigned size;

    limits = HTTP_LIMITS_DEFAULT;
    set_up();
    for (int i = 0; i < 2; i++) {
        test_client_open_tls(&client, server.tls_port, OFFERS[i]);
        SSL_get0_alpn_selected(client.ssl, &chosen, &size);
        EXPECT_BYTES(bytes_of_string(i == 0 ? "http/1.1" : ""), bytes_of(chosen, size));
        expect_tls();
        test_client_close(&client);
    }
    test_client_open(&client, server.port);
    tear_down();
}

static bool
can_handshake(int version)
{
    bool is_done;

    test_client_open(&client, server.tls_port);
    client.tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(client.tls, 0);
    CHECK(SSL_CTX_set_min_proto_version(client.tls, version) == 1);
    CHECK(SSL_CTX_set_max_proto_version(client.tls, version) == 1);
    client.ssl = SSL_new(client.tls);
    CHECK(SSL_set_fd(client.ssl, client.fd) == 1);
    is_done = SSL_connect(client.ssl) == 1;
    if (is_done) {
        expect_tls();
    }
    test_client_abort(&client);
    return is_done;
}

TEST(old_versions_of_tls_are_refused)
{
    limits = HTTP_LIMITS_DEFAULT;
    set_up();
    EXPECT(!can_handshake(TLS1_VERSION));
    EXPECT(!can_handshake(TLS1_1_VERSION));
    EXPECT(can_handshake(TLS1_2_VERSION));
    EXPECT(can_handshake(TLS1_3_VERSION));
    test_client_open(&client, server.port);
    tear_down();
}

/* Large bodies in both directions, pipelined behind each other. */
TEST(large_bodies_pass_through_tls)
{
    struct prng prng = test_prng();
    char *data = xmalloc(BIG_BYTES);

    prng_fill(&prng, data, BIG_BYTES);
    limits = HTTP_LIMITS_DEFAULT;
    set_up();
    test_client_open_tls(&client, server.tls_port, NULL);
    for (int i = 0; i < 2; i++) {
        test_client_send(&client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3145728\r\n"
                                  "Expect: 100-continue\r\n\r\n");
        test_client_expect_continue(&client);
        test_client_send_bytes(&client, data, BIG_BYTES);
        test_client_send(&client, ASK_ROOT);
        test_client_read(&client, false, &response);
        EXPECT_INT(200, response.status);
        EXPECT_BYTES(bytes_of(data, BIG_BYTES), buffer_bytes(&response.body));
        test_client_read(&client, false, &response);
        EXPECT_BYTES(BYTES_LITERAL("tls"), buffer_bytes(&response.body));
    }
    free(data);
    tear_down();
}

/* A client that does not shake hands in time is closed; so is one that speaks clear text. */
TEST(broken_handshakes_end_the_connection)
{
    int64_t before = metric_value(&http_timeouts_total[HTTP_TIMED_OUT_HANDSHAKE]);

    limits = HTTP_LIMITS_DEFAULT;
    limits.handshake_ms = 50;
    set_up();
    test_client_open(&client, server.tls_port);
    test_client_expect_end(&client);
    EXPECT_INT(1, metric_value(&http_timeouts_total[HTTP_TIMED_OUT_HANDSHAKE]) - before);
    test_client_close(&client);

    test_client_open(&client, server.tls_port);
    test_client_send(&client, ASK_ROOT);
    while (test_client_try_read(&client)) {
    }
    test_client_close(&client);

    test_client_open_tls(&client, server.tls_port, NULL);
    expect_tls();
    tear_down();
}

/* Aborts at random points of handshake, head and body leave nothing behind. */
TEST(aborted_tls_clients_leave_nothing)
{
    struct prng prng = test_prng();

    limits = HTTP_LIMITS_DEFAULT;
    set_up();
    for (int i = 0; i < 60; i++) {
        uint64_t kind = prng_below(&prng, 3);

        if (kind == 0) {
            test_client_open(&client, server.tls_port);
            test_client_send_bytes(&client, "\x16\x03\x01\x02\x00\x01", prng_below(&prng, 7));
        } else {
            test_client_open_tls(&client, server.tls_port, NULL);
            test_client_send(&client, kind == 1 ? "GET / HT"
                                                : "POST / HTTP/1.1\r\nHost: h\r\n"
                                                  "Content-Length: 99\r\n\r\nabc");
        }
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

/* Requests over TLS that break off early are answered readably as well. */
TEST(an_early_answer_over_tls_can_be_read)
{
    char *data = xcalloc(1, BIG_BYTES);

    limits = HTTP_LIMITS_DEFAULT;
    set_up();
    test_client_open_tls(&client, server.tls_port, NULL);
    test_client_send(&client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3145728\r\n\r\n");
    (void)test_client_try_send(&client, data, BIG_BYTES);
    test_client_read(&client, false, &response);
    EXPECT_INT(200, response.status);
    EXPECT_BYTES(BYTES_LITERAL("close"), test_response_header(&response, "Connection"));
    free(data);
    tear_down();
}

static enum status
listen_on(const char *address, uint16_t port, const char *certificate_file, const char *key_file)
{
    struct http_listener *listener = NULL;
    struct http_listen_options options = {
        .address = address,
        .port = port,
        .certificate_file = certificate_file,
        .private_key_file = key_file,
        .handler = handle,
    };
    struct error err = ERROR_INIT;
    enum status st = http_listener_create(&options, 1, &listener, &err);

    EXPECT((st == ST_OK) == (listener != NULL));
    EXPECT(st == ST_OK || err.text[0] != '\0');
    http_listener_destroy(&listener);
    return st;
}

TEST(bad_addresses_are_refused)
{
    EXPECT_STATUS(ST_OK, listen_on("127.0.0.1", 0, NULL, NULL));
    EXPECT_STATUS(ST_OK, listen_on("localhost", 0, NULL, NULL));
    EXPECT_STATUS(ST_INVALID, listen_on("", 0, NULL, NULL));
    EXPECT_STATUS(ST_INVALID, listen_on("127.0.0.256", 0, NULL, NULL));
    EXPECT_STATUS(ST_IO, listen_on("192.0.2.1", 0, NULL, NULL)); /* not ours: TEST-NET-1 */
}

/* SPEC: RFC 4291; where the machine has no IPv6 there is nothing to test. */
TEST(ipv6_is_served)
{
    struct http_listener *listener = NULL;
    struct http_listen_options options = {.address = "::1", .handler = handle};
    struct error err = ERROR_INIT;
    enum status st = http_listener_create(&options, 2, &listener, &err);

    if (st == ST_IO) {
        test_skip("no IPv6 here");
    }
    EXPECT_OK(st, &err);
    EXPECT(listener->port != 0 && listener->socket_count == 2);
    http_listener_destroy(&listener);
}

/* A port that another server has is not shared by accident. */
TEST(a_port_in_use_is_refused)
{
    limits = HTTP_LIMITS_DEFAULT;
    set_up();
    EXPECT_STATUS(ST_IO, listen_on("127.0.0.1", server.port, NULL, NULL));
    test_client_open(&client, server.port);
    tear_down();
}

TEST(bad_certificates_are_refused)
{
    const char *certificate_file, *key_file;
    char path[256];
    int fd;

    test_certificate(&certificate_file, &key_file);
    EXPECT_STATUS(ST_OK, listen_on("127.0.0.1", 0, certificate_file, key_file));
    EXPECT_STATUS(ST_INVALID, listen_on("127.0.0.1", 0, certificate_file, NULL));
    EXPECT_STATUS(ST_INVALID, listen_on("127.0.0.1", 0, certificate_file, certificate_file));
    EXPECT_STATUS(ST_INVALID, listen_on("127.0.0.1", 0, "/nonexistent", key_file));
    snprintf(path, sizeof(path), "%s/empty", test_directory());
    fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    EXPECT(fd != -1 && close(fd) == 0);
    EXPECT_STATUS(ST_INVALID, listen_on("127.0.0.1", 0, path, key_file));
    EXPECT_STATUS(ST_INVALID, listen_on("127.0.0.1", 0, certificate_file, path));
}
