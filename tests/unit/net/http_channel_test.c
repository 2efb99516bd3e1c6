/* SPDX-License-Identifier: Apache-2.0 */
/* A server that relays what it gets to a peer that the test plays by hand, and badly. */
#include "net/http_channel.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http_relay.h"
#include "tests/unit/net/test_client.h"
#include "tests/unit/net/test_server.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define PREFIX "relayed-head"

static struct test_server front;
static struct test_client client;
static struct test_response response;
static struct socket_address peer_address;
static int peer_fd = -1;
static atomic_int retry_count;

static void relay(struct http_exchange *exchange, bool is_fresh);

static void
on_answer(struct http_exchange *exchange, const struct http_relay_result *result)
{
    struct http_response answer = {.operation = "Test"};

    if (result->status == ST_OK) {
        answer.status = result->answer->status;
        http_exchange_respond_relayed(exchange, &answer);
    } else if (!result->is_client_at_fault && http_exchange_may_relay_again(exchange) &&
               atomic_load(&retry_count) > 0) {
        atomic_fetch_sub(&retry_count, 1);
        relay(exchange, true);
    } else {
        test_respond(exchange, result->is_client_at_fault ? 400 : 503, status_name(result->status));
    }
}

static void
relay(struct http_exchange *exchange, bool is_fresh)
{
    struct http_relay_options options = {
        .wire.address = peer_address,
        .wire.host = BYTES_LITERAL("peer"),
        .path = BYTES_LITERAL("/peer/v1/test"),
        .prefix = BYTES_LITERAL(PREFIX),
        .is_fresh = is_fresh,
    };

    http_exchange_relay(exchange, &options, on_answer);
}

static void
handle_front(struct http_exchange *exchange, void *arg)
{
    relay(exchange, false);
}

static void
use_port(uint16_t port)
{
    char text[32];

    snprintf(text, sizeof(text), "127.0.0.1:%u", port);
    EXPECT_STATUS(ST_OK, socket_address_parse(bytes_of_string(text), &peer_address, NULL));
}

static void
listen_by_hand(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT(bind(peer_fd, (struct sockaddr *)&address, size) == 0 && listen(peer_fd, 8) == 0);
    EXPECT(getsockname(peer_fd, (struct sockaddr *)&address, &size) == 0);
    use_port(ntohs(address.sin_port));
}

/* The next connection, once the whole prefix has come. */
static int
accept_by_hand(void)
{
    int fd = accept(peer_fd, NULL, NULL);
    char input[4096];
    size_t size = 0;

    EXPECT(fd != -1);
    while (bytes_find(bytes_of(input, size), 0, BYTES_LITERAL(PREFIX)) == SIZE_MAX) {
        ssize_t part = recv(fd, input + size, sizeof(input) - size, 0);

        EXPECT(part > 0);
        size += (size_t)part;
    }
    return fd;
}

static void
say(int fd, const char *text)
{
    EXPECT(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

static void
expect_body(int fd, size_t size)
{
    char input[4096];

    while (size > 0) {
        ssize_t part = recv(fd, input, size < sizeof(input) ? size : sizeof(input), 0);

        EXPECT(part > 0);
        size -= (size_t)part;
    }
}

static void
start_with(const struct http_limits *limits)
{
    atomic_store(&retry_count, 0);
    listen_by_hand();
    test_server_start(&front,
                      &(struct test_server_options){.handler = handle_front, .limits = limits});
    test_client_open(&client, front.port);
}

static void
start(void)
{
    start_with(NULL);
}

static void
stop(void)
{
    test_client_close(&client);
    test_server_stop(&front);
    test_response_release(&response);
    if (peer_fd != -1) {
        close(peer_fd);
        peer_fd = -1;
    }
}

/* The peer goes away in each state of the exchange; what was relayed may not end well. */
TEST(a_peer_that_closes_before_its_answer_is_closed)
{
    static const char *const BEGINNINGS[] = {"", "HTTP/1.1 200 OK\r\nContent-"};

    start();
    for (size_t i = 0; i < ARRAY_COUNT(BEGINNINGS); i++) {
        int fd;

        test_client_send(&client, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        fd = accept_by_hand();
        say(fd, BEGINNINGS[i]);
        close(fd);
        test_client_read(&client, false, &response);
        EXPECT_INT(503, response.status);
        EXPECT_BYTES(BYTES_LITERAL("ST_CLOSED"), buffer_bytes(&response.body));
    }
    stop();
}

TEST(a_peer_that_closes_during_the_body_is_closed)
{
    int fd;

    start();
    test_client_send(&client, "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\nabc");
    fd = accept_by_hand();
    say(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    close(fd);
    test_client_read(&client, false, &response);
    EXPECT_INT(503, response.status);
    stop();
}

TEST(a_peer_that_closes_during_its_answer_cuts_the_client)
{
    int fd;

    start();
    test_client_send(&client, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    fd = accept_by_hand();
    say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
    close(fd);
    test_client_read(&client, false, &response);
    EXPECT_INT(200, response.status);
    EXPECT(!response.is_complete);
    stop();
}

/* An answer that does not say where it ends could be cut unseen. */
TEST(an_answer_without_framing_is_refused)
{
    static const char *const ANSWERS[] = {
        "HTTP/1.1 200 OK\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n\r\n",
    };

    start();
    for (size_t i = 0; i < ARRAY_COUNT(ANSWERS); i++) {
        int fd;

        test_client_send(&client, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        fd = accept_by_hand();
        say(fd, ANSWERS[i]);
        test_client_read(&client, false, &response);
        close(fd);
        EXPECT_INT(503, response.status);
        EXPECT_BYTES(BYTES_LITERAL("ST_INVALID"), buffer_bytes(&response.body));
    }
    stop();
}

TEST(a_silent_peer_times_out)
{
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    int fd;

    limits.silence_ms = 50;
    start_with(&limits);
    test_client_send(&client, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    fd = accept_by_hand();
    test_client_read(&client, false, &response);
    EXPECT_INT(503, response.status);
    EXPECT_BYTES(BYTES_LITERAL("ST_TIMEOUT"), buffer_bytes(&response.body));
    close(fd);
    stop();
}

/* A kept connection that the peer closed is not used again. */
TEST(a_connection_that_the_peer_closed_is_forgotten)
{
    int fd;

    start();
    for (int i = 0; i < 3; i++) {
        char end;

        test_client_send(&client, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        fd = accept_by_hand();
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        test_client_read(&client, false, &response);
        EXPECT_INT(200, response.status);
        EXPECT(shutdown(fd, SHUT_WR) == 0);
        EXPECT(recv(fd, &end, 1, 0) == 0); /* the front has closed its side */
        close(fd);
    }
    stop();
}

TEST(nobody_listening_is_unavailable)
{
    start();
    close(peer_fd);
    peer_fd = -1;
    test_client_ask(&client, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", 503, &response);
    EXPECT_BYTES(BYTES_LITERAL("ST_UNAVAILABLE"), buffer_bytes(&response.body));
    stop();
}

/* The payload is still whole: another node may have it. */
TEST(an_unread_request_may_be_relayed_again)
{
    static char body[1000];
    int fd;

    start();
    atomic_store(&retry_count, 1);
    test_client_send(&client, "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    test_client_send_bytes(&client, body, sizeof(body));
    fd = accept_by_hand();
    close(fd);
    fd = accept_by_hand();
    say(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    expect_body(fd, 1000);
    say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    test_client_read(&client, false, &response);
    EXPECT_INT(200, response.status);
    close(fd);
    stop();
}
