/* SPDX-License-Identifier: Apache-2.0 */
/* The blocking client over a server of few words: deadlines, bounds, ends from outside, reuse. */
#include "net/http_client.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* Serves one connection at a time: answers each request with text, then, if it must_hang, reads on
 * without a word. */
struct server {
    const char *text;
    bool must_hang;
    bool must_close; /* after each answer */
    int listener;
    pthread_t thread;
    char url[64];
    _Atomic int connection_count;
    _Atomic int request_count;
};

static struct error err;

static void
serve_connection(struct server *server, int fd)
{
    char request[4096];
    ssize_t size;

    while ((size = recv(fd, request, sizeof(request), 0)) > 0) {
        /* The requests of this test are short: they come in one piece. */
        atomic_fetch_add(&server->request_count, 1);
        if (send(fd, server->text, strlen(server->text), MSG_NOSIGNAL) < 0 || server->must_close) {
            break;
        }
        while (server->must_hang && recv(fd, request, sizeof(request), 0) > 0) {
        }
    }
}

static void *
serve(void *arg)
{
    struct server *server = arg;
    int fd;

    while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
        atomic_fetch_add(&server->connection_count, 1);
        serve_connection(server, fd);
        close(fd);
    }
    return NULL;
}

static void
server_start(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(server->listener, (struct sockaddr *)&address, size) == 0);
    CHECK(listen(server->listener, 8) == 0);
    CHECK(getsockname(server->listener, (struct sockaddr *)&address, &size) == 0);
    snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u/path", ntohs(address.sin_port));
    CHECK(pthread_create(&server->thread, NULL, serve, server) == 0);
}

/* The client is gone, so no connection is open. */
static void
server_stop(struct server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    CHECK(pthread_join(server->thread, NULL) == 0);
    close(server->listener);
}

static struct http_client *
open_client(void)
{
    struct http_client *client = NULL;

    EXPECT_OK(http_client_create(&(struct http_client_options){.ca_file = NULL}, &client, &err),
              &err);
    return client;
}

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define STREAM "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"

static enum status
run(struct http_client *client, const struct http_client_request *request,
    struct http_client_answer *answer)
{
    buffer_release(&answer->body);
    return http_client_run(client, request, answer, &err);
}

TEST(answers_come_over_one_kept_connection)
{
    struct server server = {.text = HELLO};
    struct http_client *client = open_client();
    struct http_client_answer answer = HTTP_CLIENT_ANSWER_INIT;
    struct http_client_request request = {
        .url = server.url, .body = BYTES_LITERAL("question"), .timeout_ms = 20000};

    server_start(&server);
    request.answer_bytes_max = 5;
    for (int i = 0; i < 3; i++) {
        EXPECT_OK(run(client, &request, &answer), &err);
        EXPECT_INT(200, answer.code);
        EXPECT_BYTES(BYTES_LITERAL("hello"), buffer_bytes(&answer.body));
    }
    EXPECT_INT(1, server.connection_count);
    request.answer_bytes_max = 4;
    EXPECT_STATUS(ST_TOO_LARGE, run(client, &request, &answer));
    buffer_release(&answer.body);
    http_client_destroy(&client);
    server_stop(&server);
}

TEST(code_of_an_error_is_an_answer)
{
    struct server server = {.text = "HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno"};
    struct http_client *client = open_client();
    struct http_client_answer answer = HTTP_CLIENT_ANSWER_INIT;
    struct http_client_request request = {
        .url = server.url, .timeout_ms = 20000, .answer_bytes_max = 100};

    server_start(&server);
    EXPECT_OK(run(client, &request, &answer), &err);
    EXPECT_INT(503, answer.code);
    EXPECT_BYTES(BYTES_LITERAL("no"), buffer_bytes(&answer.body));
    buffer_release(&answer.body);
    http_client_destroy(&client);
    server_stop(&server);
}

/* A change that nobody received may be tried again; one whose answer is missing may have happened.
 */
TEST(failures_say_whether_the_request_may_have_arrived)
{
    struct server server = {.text = "", .must_close = true};
    struct server silent = {.text = "", .must_hang = true};
    struct server babbler = {.text = "220 mail.example ESMTP\r\n", .must_close = true};
    struct http_client *client = open_client();
    struct http_client_answer answer = HTTP_CLIENT_ANSWER_INIT;
    struct http_client_request request = {
        .url = "http://127.0.0.1:1/", .timeout_ms = 20000, .answer_bytes_max = 100};

    EXPECT_STATUS(ST_UNAVAILABLE, run(client, &request, &answer));
    EXPECT(answer.was_never_sent);
    server_start(&server);
    request.url = server.url;
    EXPECT_STATUS(ST_CLOSED, run(client, &request, &answer));
    EXPECT(!answer.was_never_sent);
    server_start(&silent);
    request.url = silent.url;
    request.timeout_ms = 50;
    EXPECT_STATUS(ST_TIMEOUT, run(client, &request, &answer));
    EXPECT(!answer.was_never_sent);
    request.timeout_ms = 20000;
    server_start(&babbler);
    request.url = babbler.url;
    EXPECT_STATUS(ST_CLOSED, run(client, &request, &answer));
    EXPECT(!answer.was_never_sent);
    request.url = "file:///etc/passwd";
    EXPECT_STATUS(ST_INVALID, run(client, &request, &answer));
    http_client_destroy(&client);
    server_stop(&server);
    server_stop(&silent);
    server_stop(&babbler);
}

struct listener {
    struct buffer text;
    struct http_client_stopper *stopper;
    int tick_count;
};

static enum status
part_came(struct bytes part, void *arg, struct error *error)
{
    struct listener *listener = arg;

    buffer_append_bytes(&listener->text, part);
    if (listener->stopper != NULL) {
        http_client_stopper_stop(listener->stopper);
    }
    return listener->stopper != NULL || listener->tick_count >= 0
               ? ST_OK
               : fail(error, ST_CORRUPT, "enough");
}

static bool
tick_thrice(void *arg)
{
    return ++((struct listener *)arg)->tick_count < 3;
}

/* A stream without end is ended by what its reader says, by its tick, or from another place. */
TEST(streams_end_when_they_are_told_to)
{
    struct server server = {.text = STREAM, .must_hang = true};
    struct http_client *client = open_client();
    struct http_client_answer answer = HTTP_CLIENT_ANSWER_INIT;
    struct listener listener = {.tick_count = -1};
    struct http_client_request request = {
        .url = server.url, .part = part_came, .arg = &listener, .tick_ms = 5};

    server_start(&server);
    EXPECT_STATUS(ST_CORRUPT, run(client, &request, &answer));
    EXPECT_STRING("enough", err.text);
    listener.tick_count = 0;
    request.tick = tick_thrice;
    EXPECT_STATUS(ST_CANCELLED, run(client, &request, &answer));
    EXPECT_INT(3, listener.tick_count);
    request.tick = NULL;
    listener.stopper = http_client_stopper_create();
    request.stopper = listener.stopper;
    EXPECT_STATUS(ST_CANCELLED, run(client, &request, &answer));
    EXPECT_BYTES(BYTES_LITERAL("abcabcabc"), buffer_bytes(&listener.text));
    /* And nothing begins after it. */
    EXPECT_STATUS(ST_CANCELLED, run(client, &request, &answer));
    EXPECT_BYTES(BYTES_LITERAL("abcabcabc"), buffer_bytes(&listener.text));
    http_client_stopper_destroy(&listener.stopper);
    buffer_release(&listener.text);
    http_client_destroy(&client);
    server_stop(&server);
}
