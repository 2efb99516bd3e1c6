/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that come whether or not the server keeps up: requests begin on a schedule (open loop),
 * each on an idle connection of a pool; who has no whole answer within its patience goes away for
 * good, and where no connection is idle the client never came.  Bodies are sent as SDKs send them:
 * after 100 Continue.  What counts is the goodput: answers of 2xx in time.  --rate 0: closed loop,
 * each connection goes on with its answer.  One thread, native requests without a signature; prints
 * one JSON line.
 *
 *   usage: overload_client PORT METHOD PATH_FORMAT BODY_BYTES CONNECTIONS RATE SECONDS PATIENCE_S
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "bench/histogram.h"

#include "base/banned.h"

#define ANSWER_BYTES_MAX 4096
#define CONNECTION_MAX 20000
/* How often those who have waited too long are looked for. */
#define LOOK_NS (20 * CLOCK_NS_PER_MS)

enum state { IDLE, HEAD, CONTINUE, BODY, ANSWER, REST };

struct connection {
    int fd;
    enum state state;
    char head[512];
    size_t head_size;
    size_t sent; /* of head or body */
    char answer[ANSWER_BYTES_MAX];
    size_t answer_size;
    uint64_t left; /* of the answer's body */
    bool is_closing;
    int status;
    int64_t due_ns;
};

static struct {
    uint16_t port;
    const char *method;
    const char *path_format;
    size_t body_bytes;
    size_t connection_count;
    double rate;
    double duration_s;
    int64_t patience_ns;
} settings;

static struct connection *connections;
static struct connection **idle; /* the one used last is on top */
static size_t idle_count;
static char *body;
static int epoll_fd;
static struct histogram latencies; /* of good ones */
static uint64_t begun_count;
static uint64_t good_count;
static uint64_t refused_count;
static uint64_t failed_count;
static uint64_t cut_count;
static int failed_status; /* the last one */
static uint64_t gave_up_count;
static uint64_t never_came_count;
static int64_t begin_ns;
static int64_t end_ns;

static void
open_connection(struct connection *connection)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(settings.port)};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
    int on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CHECK(connection->fd != -1);
    CHECK(connect(connection->fd, (struct sockaddr *)&address, sizeof(address)) == 0 ||
          errno == EINPROGRESS);
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    CHECK(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) == 0);
    connection->state = IDLE;
    idle[idle_count++] = connection;
}

/* With a reset, so that its port is free at once. */
static void
reopen(struct connection *connection)
{
    static const struct linger RESET = {.l_onoff = 1, .l_linger = 0};

    setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &RESET, sizeof(RESET));
    close(connection->fd);
    open_connection(connection);
}

static void pump(struct connection *connection);

/* On whichever connection is idle. */
static void
begin(int64_t due_ns)
{
    struct connection *connection = idle[--idle_count];
    char path[256];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(path, sizeof(path), settings.path_format, (unsigned long long)begun_count % 10000);
#pragma GCC diagnostic pop
    begun_count++;
    connection->head_size = (size_t)snprintf(
        connection->head, sizeof(connection->head),
        "%s %s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n%s\r\n", settings.method, path,
        settings.body_bytes, settings.body_bytes > 0 ? "Expect: 100-continue\r\n" : "");
    connection->sent = 0;
    connection->answer_size = 0;
    connection->due_ns = due_ns;
    connection->state = HEAD;
    pump(connection);
}

static void
finish(struct connection *connection)
{
    int64_t now_ns = clock_monotonic_ns();

    if (connection->status / 100 == 2) {
        good_count++;
        histogram_add(&latencies, (uint64_t)(now_ns - connection->due_ns));
    } else if (connection->status == 429 || connection->status == 503) {
        refused_count++;
    } else {
        failed_count++;
        failed_status = connection->status;
    }
    if (connection->is_closing) {
        reopen(connection);
    } else {
        connection->state = IDLE;
        idle[idle_count++] = connection;
    }
    if (settings.rate <= 0 && now_ns < end_ns) {
        begin(now_ns);
    }
}

static bool
send_piece(struct connection *connection, const char *data, size_t size)
{
    while (connection->sent < size) {
        ssize_t sent = send(connection->fd, data + connection->sent, size - connection->sent,
                            MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0) {
            return false;
        }
        connection->sent += (size_t)sent;
    }
    connection->sent = 0;
    return true;
}

/* A whole head: 100 Continue, or the answer. */
static void
take_head(struct connection *connection, size_t end)
{
    struct bytes head = bytes_of(connection->answer, end);
    size_t at = bytes_find(head, 0, BYTES_LITERAL("\r\nContent-Length: "));
    uint64_t length = 0;

    connection->status = (connection->answer[9] - '0') * 100 + (connection->answer[10] - '0') * 10 +
                         (connection->answer[11] - '0');
    if (connection->status == 100) {
        connection->answer_size = 0;
        connection->state = BODY;
        return;
    }
    if (at != SIZE_MAX) {
        struct bytes line = bytes_slice(head, at + 18, end);

        CHECK(bytes_parse_u64(bytes_cut(&line, '\r'), UINT64_MAX, &length) == ST_OK);
    }
    connection->is_closing =
        bytes_find(head, 0, BYTES_LITERAL("\r\nConnection: close")) != SIZE_MAX;
    length -= connection->answer_size - end;
    connection->left = length;
    connection->state = REST;
    if (length == 0) {
        finish(connection);
    }
}

static void
receive(struct connection *connection)
{
    while (connection->state == CONTINUE || connection->state == ANSWER) {
        size_t end;
        ssize_t size = recv(connection->fd, connection->answer + connection->answer_size,
                            sizeof(connection->answer) - connection->answer_size, MSG_DONTWAIT);

        if (size < 0 && errno == EAGAIN) {
            return;
        }
        if (size <= 0) {
            cut_count++;
            reopen(connection);
            return;
        }
        connection->answer_size += (size_t)size;
        end = bytes_find(bytes_of(connection->answer, connection->answer_size), 0,
                         BYTES_LITERAL("\r\n\r\n"));
        if (end != SIZE_MAX) {
            take_head(connection, end + 4);
        }
    }
    while (connection->state == REST) {
        ssize_t size = recv(connection->fd, body, connection->left, MSG_DONTWAIT | MSG_TRUNC);

        if (size <= 0) {
            return;
        }
        connection->left -= (uint64_t)size;
        if (connection->left == 0) {
            finish(connection);
        }
    }
}

static void
pump(struct connection *connection)
{
    if (connection->state == HEAD &&
        send_piece(connection, connection->head, connection->head_size)) {
        connection->state = settings.body_bytes > 0 ? CONTINUE : ANSWER;
    }
    receive(connection);
    if (connection->state == BODY && send_piece(connection, body, settings.body_bytes)) {
        connection->state = ANSWER;
        receive(connection);
    }
}

static void
begin_due(int64_t now_ns)
{
    static uint64_t due_count;
    uint64_t wanted =
        (uint64_t)((double)((now_ns < end_ns ? now_ns : end_ns) - begin_ns) / 1e9 * settings.rate);

    for (; due_count < wanted; due_count++) {
        if (idle_count > 0) {
            begin(begin_ns + (int64_t)((double)due_count / settings.rate * 1e9));
        } else {
            never_came_count++;
        }
    }
}

static bool
give_up_late(int64_t now_ns)
{
    bool is_any_busy = false;

    for (size_t i = 0; i < settings.connection_count; i++) {
        if (connections[i].state != IDLE && now_ns - connections[i].due_ns > settings.patience_ns) {
            gave_up_count++;
            reopen(&connections[i]);
        }
        is_any_busy |= connections[i].state != IDLE;
    }
    return is_any_busy;
}

static void
run(void)
{
    struct epoll_event events[512];
    int64_t looked_ns = 0;
    bool is_any_busy = true;

    begin_ns = clock_monotonic_ns();
    end_ns = begin_ns + (int64_t)(settings.duration_s * 1e9);
    for (size_t i = 0; i < settings.connection_count && settings.rate <= 0; i++) {
        begin(begin_ns);
    }
    while (clock_monotonic_ns() < end_ns || is_any_busy) {
        int count = epoll_wait(epoll_fd, events, 512, 1);
        int64_t now_ns;

        for (int i = 0; i < count; i++) {
            pump(events[i].data.ptr);
        }
        now_ns = clock_monotonic_ns();
        if (settings.rate > 0) {
            begin_due(now_ns);
        }
        if (now_ns - looked_ns > LOOK_NS) {
            looked_ns = now_ns;
            is_any_busy = give_up_late(now_ns);
        }
    }
}

int
main(int argc, char **argv)
{
    if (argc != 9) {
        fprintf(stderr,
                "usage: overload_client PORT METHOD PATH_FORMAT BODY_BYTES CONNECTIONS RATE "
                "SECONDS PATIENCE_S\n");
        return 2;
    }
    settings.port = (uint16_t)strtoul(argv[1], NULL, 10);
    settings.method = argv[2];
    settings.path_format = argv[3];
    settings.body_bytes = strtoul(argv[4], NULL, 10);
    settings.connection_count = strtoul(argv[5], NULL, 10);
    settings.rate = strtod(argv[6], NULL);
    settings.duration_s = strtod(argv[7], NULL);
    settings.patience_ns = (int64_t)(strtod(argv[8], NULL) * 1e9);
    CHECK(settings.connection_count > 0 && settings.connection_count <= CONNECTION_MAX);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    body = xcalloc(1, settings.body_bytes + ANSWER_BYTES_MAX);
    connections = xcalloc(settings.connection_count, sizeof(*connections));
    idle = xcalloc(settings.connection_count, sizeof(struct connection *));
    for (size_t i = 0; i < settings.connection_count; i++) {
        open_connection(&connections[i]);
    }
    run();
    printf("{\"offered\":%.0f,\"good\":%.1f,\"refused\":%.1f,\"gave_up\":%.1f,\"never_came\":%.1f,"
           "\"failed\":%.1f,\"failed_status\":%d,\"cut\":%.1f,\"p50_ms\":%.1f,\"p99_ms\":%.1f}\n",
           settings.rate, (double)good_count / settings.duration_s,
           (double)refused_count / settings.duration_s, (double)gave_up_count / settings.duration_s,
           (double)never_came_count / settings.duration_s,
           (double)failed_count / settings.duration_s, failed_status,
           (double)cut_count / settings.duration_s,
           (double)histogram_quantile(&latencies, 0.5) / 1e6,
           (double)histogram_quantile(&latencies, 0.99) / 1e6);
    return 0;
}
