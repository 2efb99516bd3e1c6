/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/peer/faulty_link.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/entropy.h"
#include "base/memory.h"

#include "base/banned.h"

#define PIECE_BYTES ((size_t)64 << 10)
#define BACKLOG 128
/* A thread looks so often whether it should end (ms). */
#define LOOK_MS 100

struct faulty_link {
    int listener;
    uint16_t port;
    pthread_t thread;
    atomic_bool is_ending;
    atomic_uint connection_count;
    atomic_uint node_port;
    atomic_uint cut;
    atomic_uint delay;
    atomic_uint delay_ms_max;
    atomic_size_t cut_after;
    atomic_size_t stall_after;
    atomic_size_t sent_count; /* bytes of the node since stall_after was set */
    atomic_uint stalled_count;
    _Atomic uint64_t fault_count;
    _Atomic uint64_t seed;
};

struct connection {
    struct faulty_link *link;
    int ends[2]; /* who asked, the node */
    size_t sent; /* by the node */
    struct prng prng;
};

/* False: the connection is cut. */
static bool
suffer(struct connection *connection)
{
    struct faulty_link *link = connection->link;
    uint64_t draw = prng_below(&connection->prng, 1000);
    unsigned int cut = atomic_load(&link->cut);

    if (draw < cut) {
        atomic_fetch_add(&link->fault_count, 1);
        return false;
    }
    if (draw < cut + atomic_load(&link->delay)) {
        atomic_fetch_add(&link->fault_count, 1);
        clock_pause_ns(
            (int64_t)prng_below(&connection->prng, atomic_load(&link->delay_ms_max) + 1) *
            CLOCK_NS_PER_MS);
    }
    return true;
}

static bool
send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t count = send(fd, data, size, MSG_NOSIGNAL);

        if (count <= 0) {
            return false;
        }
        data += count;
        size -= (size_t)count;
    }
    return true;
}

static void
wait_until_it_passes(struct faulty_link *link, size_t size)
{
    size_t sent = atomic_fetch_add(&link->sent_count, size) + size;
    size_t stall_after = atomic_load(&link->stall_after);

    if (stall_after == 0 || sent < stall_after) {
        return;
    }
    atomic_fetch_add(&link->fault_count, 1);
    atomic_fetch_add(&link->stalled_count, 1);
    while (atomic_load(&link->stall_after) != 0 && !atomic_load(&link->is_ending)) {
        clock_pause_ns(CLOCK_NS_PER_MS);
    }
    atomic_fetch_sub(&link->stalled_count, 1);
}

/* One piece from one end to the other; false: it is over. */
static bool
pass(struct connection *connection, size_t from, char *piece)
{
    ssize_t count = recv(connection->ends[from], piece, PIECE_BYTES, 0);
    size_t cut_after = atomic_load(&connection->link->cut_after);

    connection->sent += from == 1 && count > 0 ? (size_t)count : 0;
    if (from == 1 && count > 0) {
        wait_until_it_passes(connection->link, (size_t)count);
    }
    if (cut_after != 0 && connection->sent >= cut_after) {
        atomic_fetch_add(&connection->link->fault_count, 1);
        return false;
    }
    return count > 0 && suffer(connection) &&
           send_all(connection->ends[1 - from], piece, (size_t)count);
}

static void *
connection_main(void *arg)
{
    struct connection *connection = arg;
    struct faulty_link *link = connection->link;
    char *piece = xmalloc(PIECE_BYTES);
    bool is_open = true;

    while (is_open && !atomic_load(&link->is_ending)) {
        struct pollfd polls[2] = {{.fd = connection->ends[0], .events = POLLIN},
                                  {.fd = connection->ends[1], .events = POLLIN}};

        (void)poll(polls, 2, LOOK_MS);
        for (size_t i = 0; i < 2 && is_open; i++) {
            is_open = polls[i].revents == 0 || pass(connection, i, piece);
        }
    }
    close(connection->ends[0]);
    close(connection->ends[1]);
    free(piece);
    free(connection);
    atomic_fetch_sub(&link->connection_count, 1);
    return NULL;
}

static int
connect_to_node(struct faulty_link *link)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;

    CHECK(fd >= 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)atomic_load(&link->node_port));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (address.sin_port == 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void
serve(struct faulty_link *link, int fd)
{
    struct connection *connection;
    pthread_attr_t attributes;
    pthread_t thread;
    int node = connect_to_node(link);
    int one = 1;

    if (node < 0) {
        close(fd);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    connection = xcalloc(1, sizeof(*connection));
    *connection =
        (struct connection){link, {fd, node}, 0, prng_init(atomic_fetch_add(&link->seed, 1))};
    atomic_fetch_add(&link->connection_count, 1);
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0);
    CHECK(pthread_create(&thread, &attributes, connection_main, connection) == 0);
    CHECK(pthread_attr_destroy(&attributes) == 0);
}

static void *
link_main(void *arg)
{
    struct faulty_link *link = arg;

    while (!atomic_load(&link->is_ending)) {
        struct pollfd wait = {.fd = link->listener, .events = POLLIN};
        int fd;

        if (poll(&wait, 1, LOOK_MS) == 1 &&
            (fd = accept4(link->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
            serve(link, fd);
        }
    }
    return NULL;
}

struct faulty_link *
faulty_link_create(uint64_t seed)
{
    struct faulty_link *link = xcalloc(1, sizeof(*link));
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);

    atomic_store(&link->seed, seed);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    link->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(link->listener >= 0);
    CHECK(bind(link->listener, (struct sockaddr *)&address, sizeof(address)) == 0);
    CHECK(listen(link->listener, BACKLOG) == 0);
    CHECK(getsockname(link->listener, (struct sockaddr *)&address, &size) == 0);
    link->port = ntohs(address.sin_port);
    CHECK(pthread_create(&link->thread, NULL, link_main, link) == 0);
    return link;
}

void
faulty_link_destroy(struct faulty_link **take_link)
{
    struct faulty_link *link = *take_link;

    if (link == NULL) {
        return;
    }
    atomic_store(&link->is_ending, true);
    CHECK(pthread_join(link->thread, NULL) == 0);
    while (atomic_load(&link->connection_count) > 0) {
        clock_pause_ns(CLOCK_NS_PER_MS); /* its threads are detached */
    }
    close(link->listener);
    free(link);
    *take_link = NULL;
}

uint16_t
faulty_link_port(const struct faulty_link *link)
{
    return link->port;
}

void
faulty_link_set_node(struct faulty_link *link, uint16_t port)
{
    atomic_store(&link->node_port, port);
}

void
faulty_link_cut_after(struct faulty_link *link, size_t size)
{
    atomic_store(&link->cut_after, size);
}

void
faulty_link_stall_after(struct faulty_link *link, size_t size)
{
    atomic_store(&link->sent_count, 0);
    atomic_store(&link->stall_after, size);
}

size_t
faulty_link_sent(const struct faulty_link *link)
{
    return atomic_load(&((struct faulty_link *)link)->sent_count);
}

unsigned int
faulty_link_stalled_count(const struct faulty_link *link)
{
    return atomic_load(&((struct faulty_link *)link)->stalled_count);
}

void
faulty_link_set_faults(struct faulty_link *link, const struct faulty_link_faults *faults)
{
    atomic_store(&link->delay_ms_max, faults->delay_ms_max);
    atomic_store(&link->delay, faults->delay);
    atomic_store(&link->cut, faults->cut);
}

uint64_t
faulty_link_fault_count(const struct faulty_link *link)
{
    return atomic_load(&((struct faulty_link *)link)->fault_count);
}
