/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/etcd/tcp_proxy.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/lock.h"
#include "base/memory.h"

#include "base/banned.h"

#define PAIR_MAX 64
#define BLOCK_BYTES 65536

struct pair {
    int fds[2]; /* of client and server; -1: free */
    bool is_frozen;
    bool loses_answer;
};

struct tcp_proxy {
    uint16_t server_port;
    uint16_t port;
    int listener;
    int wake[2];
    pthread_t thread;
    struct pair pairs[PAIR_MAX]; /* the thread */
    char block[BLOCK_BYTES];     /* the thread */
    pthread_mutex_t lock;
    bool is_ending;     /* guarded by lock */
    bool is_cut;        /* guarded by lock */
    bool must_freeze;   /* guarded by lock */
    const char *losing; /* guarded by lock */
    int losing_count;   /* guarded by lock */
    int lost_count;     /* guarded by lock */
};

static void
pair_close(struct pair *pair)
{
    if (pair->fds[0] >= 0) {
        close(pair->fds[0]);
        close(pair->fds[1]);
        pair->fds[0] = pair->fds[1] = -1;
    }
}

static struct sockaddr_in
loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
}

static void
accept_pair(struct tcp_proxy *proxy, bool is_cut)
{
    struct sockaddr_in address = loopback(proxy->server_port);
    int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(client >= 0 && server >= 0);
    for (size_t i = 0; !is_cut && i < PAIR_MAX; i++) {
        struct pair *pair = &proxy->pairs[i];

        if (pair->fds[0] < 0) {
            if (connect(server, (struct sockaddr *)&address, sizeof(address)) != 0) {
                break;
            }
            *pair = (struct pair){.fds = {client, server}};
            return;
        }
    }
    close(client);
    close(server);
}

/* False: the pair is to be closed. */
static bool
write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = send(fd, data, size, MSG_NOSIGNAL);

        if (written <= 0) {
            return false;
        }
        data += written;
        size -= (size_t)written;
    }
    return true;
}

static void
note_request(struct tcp_proxy *proxy, struct pair *pair, struct bytes data)
{
    WITH_LOCK (&proxy->lock) {
        if (proxy->losing_count > 0 && bytes_has_prefix(data, bytes_of_string(proxy->losing))) {
            proxy->losing_count--;
            pair->loses_answer = true;
        }
    }
}

static bool
forward(struct tcp_proxy *proxy, struct pair *pair, int from)
{
    char *block = proxy->block;
    ssize_t size = recv(pair->fds[from], block, BLOCK_BYTES, 0);

    if (size <= 0) {
        return false;
    }
    if (from == 0) {
        note_request(proxy, pair, bytes_of(block, (size_t)size));
    } else if (pair->loses_answer) {
        WITH_LOCK (&proxy->lock) {
            proxy->lost_count++;
        }
        return false;
    }
    return write_all(pair->fds[1 - from], block, (size_t)size);
}

/* What was asked for since the last round; false: the end. */
static bool
obey(struct tcp_proxy *proxy, bool *ret_is_cut)
{
    bool is_ending = false;
    bool must_freeze = false;

    WITH_LOCK (&proxy->lock) {
        is_ending = proxy->is_ending;
        *ret_is_cut = proxy->is_cut;
        must_freeze = proxy->must_freeze;
        proxy->must_freeze = false;
    }
    for (size_t i = 0; i < PAIR_MAX; i++) {
        if (is_ending || *ret_is_cut) {
            pair_close(&proxy->pairs[i]);
        }
        proxy->pairs[i].is_frozen = proxy->pairs[i].is_frozen || must_freeze;
    }
    return !is_ending;
}

static size_t
collect(struct tcp_proxy *proxy, struct pollfd polls[2 + 2 * PAIR_MAX])
{
    size_t count = 2;

    polls[0] = (struct pollfd){.fd = proxy->listener, .events = POLLIN};
    polls[1] = (struct pollfd){.fd = proxy->wake[0], .events = POLLIN};
    for (size_t i = 0; i < PAIR_MAX; i++) {
        for (int side = 0; side < 2; side++) {
            const struct pair *pair = &proxy->pairs[i];

            polls[count++] =
                (struct pollfd){.fd = pair->is_frozen ? -1 : pair->fds[side], .events = POLLIN};
        }
    }
    return count;
}

static void *
proxy_run(void *arg)
{
    struct tcp_proxy *proxy = arg;
    struct pollfd polls[2 + 2 * PAIR_MAX];
    bool is_cut = false;

    while (obey(proxy, &is_cut)) {
        size_t count = collect(proxy, polls);
        char byte;

        CHECK(poll(polls, count, -1) > 0);
        if (polls[1].revents != 0) {
            CHECK(read(proxy->wake[0], &byte, 1) == 1);
            continue;
        }
        for (size_t i = 0; i < PAIR_MAX; i++) {
            for (int side = 0; side < 2; side++) {
                struct pair *pair = &proxy->pairs[i];

                if (pair->fds[0] >= 0 && polls[2 + 2 * i + (size_t)side].revents != 0 &&
                    !forward(proxy, pair, side)) {
                    pair_close(pair);
                }
            }
        }
        if (polls[0].revents != 0) {
            accept_pair(proxy, is_cut);
        }
    }
    return NULL;
}

struct tcp_proxy *
tcp_proxy_start(uint16_t port)
{
    struct tcp_proxy *proxy = xcalloc(1, sizeof(*proxy));
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);

    proxy->server_port = port;
    proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(proxy->listener >= 0);
    CHECK(bind(proxy->listener, (struct sockaddr *)&address, sizeof(address)) == 0);
    CHECK(listen(proxy->listener, PAIR_MAX) == 0);
    CHECK(getsockname(proxy->listener, (struct sockaddr *)&address, &size) == 0);
    proxy->port = ntohs(address.sin_port);
    CHECK(pipe2(proxy->wake, 0) == 0);
    for (size_t i = 0; i < PAIR_MAX; i++) {
        proxy->pairs[i].fds[0] = proxy->pairs[i].fds[1] = -1;
    }
    CHECK(pthread_mutex_init(&proxy->lock, NULL) == 0);
    CHECK(pthread_create(&proxy->thread, NULL, proxy_run, proxy) == 0);
    return proxy;
}

static void
wake(struct tcp_proxy *proxy)
{
    CHECK(write(proxy->wake[1], "", 1) == 1);
}

void
tcp_proxy_stop(struct tcp_proxy **take_proxy)
{
    struct tcp_proxy *proxy = *take_proxy;

    WITH_LOCK (&proxy->lock) {
        proxy->is_ending = true;
    }
    wake(proxy);
    CHECK(pthread_join(proxy->thread, NULL) == 0);
    close(proxy->listener);
    close(proxy->wake[0]);
    close(proxy->wake[1]);
    CHECK(pthread_mutex_destroy(&proxy->lock) == 0);
    free(proxy);
    *take_proxy = NULL;
}

uint16_t
tcp_proxy_port(const struct tcp_proxy *proxy)
{
    return proxy->port;
}

void
tcp_proxy_cut(struct tcp_proxy *proxy)
{
    WITH_LOCK (&proxy->lock) {
        proxy->is_cut = true;
    }
    wake(proxy);
}

void
tcp_proxy_freeze(struct tcp_proxy *proxy)
{
    WITH_LOCK (&proxy->lock) {
        proxy->must_freeze = true;
    }
    wake(proxy);
}

void
tcp_proxy_mend(struct tcp_proxy *proxy)
{
    WITH_LOCK (&proxy->lock) {
        proxy->is_cut = false;
    }
    wake(proxy);
}

void
tcp_proxy_lose_answers(struct tcp_proxy *proxy, const char *what, int count)
{
    WITH_LOCK (&proxy->lock) {
        proxy->losing = what;
        proxy->losing_count = count;
    }
}

int
tcp_proxy_lost_count(struct tcp_proxy *proxy)
{
    int count = 0;

    WITH_LOCK (&proxy->lock) {
        count = proxy->lost_count;
    }
    return count;
}
