/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_server.h"

#include <malloc.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/http_metrics.h"
#include "tests/unit/net/test_client.h"
#include "tests/unit/net/test_server.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct test_server server;
static struct test_client client;
static struct test_response response;
static struct test_gate gate;

static void
answer_text(struct http_exchange *exchange)
{
    test_respond(exchange, 200, "done");
}

static void
pass_gate(struct http_exchange *exchange)
{
    test_gate_pass(&gate);
    answer_text(exchange);
}

static void
handle(struct http_exchange *exchange, void *arg)
{
    if (bytes_equal_string(http_exchange_request(exchange)->path, "/gate")) {
        http_exchange_run_on_worker(exchange, pass_gate);
    } else {
        answer_text(exchange);
    }
}

static void
set_up(const struct test_server_options *options)
{
    gate = TEST_GATE_INIT;
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

static const struct test_server_options PLAIN = {.handler = handle};

#define ASK_ROOT "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define ASK_GATE "GET /gate HTTP/1.1\r\nHost: h\r\n\r\n"

/* Beyond the cap connections are told to slow down; room that is given back is used again. */
TEST(connections_beyond_the_cap_get_503)
{
    struct test_client second, third;
    int64_t before = metric_value(&http_refused_total);

    set_up(&(struct test_server_options){.handler = handle, .connection_max = 2});
    test_client_open(&second, server.port);
    test_client_ask(&client, ASK_ROOT, 200, &response);
    test_client_ask(&second, ASK_ROOT, 200, &response);

    test_client_open(&third, server.port);
    test_client_ask(&third, ASK_ROOT, 503, &response);
    EXPECT_BYTES(BYTES_LITERAL("close"), test_response_header(&response, "Connection"));
    EXPECT(bytes_find(buffer_bytes(&response.body), 0, BYTES_LITERAL("slow down")) != SIZE_MAX);
    test_client_expect_end(&third);
    test_client_close(&third);
    EXPECT_INT(1, metric_value(&http_refused_total) - before);

    test_client_ask(&second, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 200,
                    &response);
    test_client_expect_end(&second);
    test_client_close(&second);
    test_client_open(&third, server.port);
    test_client_ask(&third, ASK_ROOT, 200, &response);
    test_client_close(&third);
    tear_down();
}

/* Far beyond it they are closed without an answer: refusing is bounded as well. */
TEST(connections_far_beyond_the_cap_are_closed)
{
    struct test_client *extra = xcalloc(HTTP_REFUSED_CONNECTIONS_MAX, sizeof(*extra));
    struct test_client last;

    set_up(&(struct test_server_options){.handler = handle, .connection_max = 1});
    test_client_ask(&client, ASK_ROOT, 200, &response);
    for (size_t i = 0; i < HTTP_REFUSED_CONNECTIONS_MAX; i++) {
        test_client_open(&extra[i], server.port);
    }
    test_client_open(&last, server.port);
    test_client_expect_end(&last);
    test_client_close(&last);
    for (size_t i = 0; i < HTTP_REFUSED_CONNECTIONS_MAX; i++) {
        test_client_close(&extra[i]);
    }
    free(extra);
    tear_down();
}

/* Without descriptors the listener rests instead of spinning, and goes on when there are some. */
TEST(running_out_of_descriptors_does_not_spin)
{
    struct timeval brief = {.tv_usec = 350 * 1000};
    int64_t before = metric_value(&http_accept_pauses_total);
    struct rlimit limit, low;
    int64_t pauses;
    char byte;
    int fd;

    set_up(&PLAIN);
    test_client_ask(&client, ASK_ROOT, 200, &response);
    test_client_close(&client);
    EXPECT(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    fd = dup(0);
    EXPECT(fd != -1);
    close(fd);
    low = (struct rlimit){.rlim_cur = (rlim_t)fd + 1, .rlim_max = limit.rlim_max};
    EXPECT(setrlimit(RLIMIT_NOFILE, &low) == 0);
    test_client_open(&client, server.port); /* the last descriptor */
    EXPECT(setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof(brief)) == 0);
    test_client_send(&client, ASK_ROOT);
    EXPECT(recv(client.fd, &byte, 1, 0) == -1);
    pauses = metric_value(&http_accept_pauses_total) - before;
    EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0);

    EXPECT(pauses >= 1 && pauses <= 5);
    brief.tv_sec = TEST_CLIENT_TIMEOUT_S;
    EXPECT(setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof(brief)) == 0);
    test_client_read(&client, false, &response);
    EXPECT_INT(200, response.status);
    tear_down();
}

/* Draining: idle connections are closed, requests in flight are answered and then closed, nobody
 * new gets in. */
static void *
drain_main(void *arg)
{
    http_server_drain(server.server, 20000);
    return NULL;
}

TEST(draining_lets_requests_finish)
{
    struct test_client idle;
    pthread_t thread;

    set_up(&PLAIN);
    test_client_open(&idle, server.port);
    test_client_ask(&idle, ASK_ROOT, 200, &response);
    test_client_send(&client, ASK_GATE);
    test_gate_wait_entered(&gate, 1);
    EXPECT(pthread_create(&thread, NULL, drain_main, NULL) == 0);
    test_client_expect_end(&idle);
    test_client_close(&idle);
    EXPECT(test_client_is_quiet(&client));

    test_gate_open(&gate);
    test_client_read(&client, false, &response);
    EXPECT_INT(200, response.status);
    EXPECT_BYTES(BYTES_LITERAL("close"), test_response_header(&response, "Connection"));
    test_client_expect_end(&client);
    EXPECT(pthread_join(thread, NULL) == 0);
    EXPECT_INT(0, http_server_connection_count(server.server));
    tear_down();
}

/* After the time of the drain the sockets are cut; a handler may still end in its own time. */
TEST(draining_cuts_what_does_not_finish)
{
    struct test_client half;

    set_up(&PLAIN);
    test_client_open(&half, server.port);
    test_client_ask(&half, ASK_ROOT, 200, &response);
    test_client_send(&half, "GET / HTTP");
    test_client_send(&client, ASK_GATE);
    test_gate_wait_entered(&gate, 1);

    http_server_drain(server.server, 50);
    test_client_expect_end(&half);
    test_client_expect_end(&client);
    test_client_close(&half);
    test_gate_open(&gate);
    tear_down();
}

TEST(destroying_without_starting_is_fine)
{
    struct worker_pool *workers = worker_pool_create(1);
    struct http_server_options options = {
        .workers = workers, .connection_max = 1, .body_memory_bytes = 1};
    struct error err = ERROR_INIT;
    struct http_server *unstarted = NULL;
    uint16_t port = 0;

    EXPECT_OK(http_server_create(&options, &unstarted, &err), &err);
    EXPECT_OK(
        http_server_listen(unstarted,
                           &(struct http_listen_options){.address = "127.0.0.1", .handler = handle},
                           &port, &err),
        &err);
    EXPECT(port != 0);
    http_server_destroy(&unstarted);
    EXPECT(unstarted == NULL);
    http_server_destroy(&unstarted);
    worker_pool_destroy(&workers);
}

/* Several loops share a port, and all of them serve. */
TEST(several_loops_serve_one_port)
{
    set_up(&(struct test_server_options){.handler = handle, .loop_count = 4});
    for (int i = 0; i < 64; i++) {
        struct test_client one;

        test_client_open(&one, server.port);
        test_client_ask(&one, ASK_ROOT, 200, &response);
        test_client_close(&one);
    }
    test_server_wait_logged(&server, 64);
    tear_down();
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_MALLINFO false
#else
#define HAS_MALLINFO true
#endif

/* Idle connections hold little: 10,000 of them must fit in 64 MiB with their arena and buffers
 * given back.  Counted here on fewer, in bytes of heap. */
TEST(idle_connections_hold_little_memory)
{
    enum { COUNT = 400, BYTES_MAX = 4096 };
    struct test_client *clients = xcalloc(COUNT, sizeof(*clients));
    size_t before, after;

    if (!HAS_MALLINFO) {
        free(clients);
        test_skip("the sanitizers have their own allocator");
    }
    set_up(&PLAIN);
    test_client_ask(&client, ASK_ROOT, 200, &response);
    before = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (int i = 0; i < COUNT; i++) {
        test_client_open(&clients[i], server.port);
        test_client_ask(&clients[i], "GET /a HTTP/1.1\r\nHost: h\r\n\r\n", 200, &response);
        buffer_release(&clients[i].input);
        clients[i].used = 0;
    }
    after = mallinfo2().uordblks + mallinfo2().hblkhd;
    EXPECT_INT(COUNT + 1, http_server_connection_count(server.server));
    EXPECT(after - before < (size_t)COUNT * BYTES_MAX);
    EXPECT_INT(0, http_server_body_memory(server.server));
    for (int i = 0; i < COUNT; i++) {
        test_client_close(&clients[i]);
    }
    free(clients);
    tear_down();
}
