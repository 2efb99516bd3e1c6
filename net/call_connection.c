/* SPDX-License-Identifier: Apache-2.0 */
#include "net/call_connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "net/http_limits.h"

#include "base/banned.h"

void
call_connection_close(struct call_connection *connection)
{
    if (connection == NULL) {
        return;
    }
    wire_end(&connection->wire);
    close(connection->wire.fd);
    buffer_release(&connection->input);
    free(connection);
}

void
call_connection_set_deadline(struct call_connection *connection, int64_t timeout_ms)
{
    connection->deadline_ns = clock_monotonic_ns() + timeout_ms * CLOCK_NS_PER_MS;
}

static enum status
wait_for(const struct call_connection *connection, short events, struct error *err)
{
    struct pollfd poll_fd = {.fd = connection->wire.fd, .events = events};

    for (;;) {
        int64_t left_ms = (connection->deadline_ns - clock_monotonic_ns() + CLOCK_NS_PER_MS - 1) /
                          CLOCK_NS_PER_MS;
        int result = left_ms <= 0 ? 0 : poll(&poll_fd, 1, left_ms > INT32_MAX ? -1 : (int)left_ms);

        if (result > 0) {
            return ST_OK;
        }
        if (result == 0) {
            return fail(err, ST_TIMEOUT, "A node of the cluster did not answer in time");
        }
        if (errno != EINTR) {
            return fail_errno(err, ST_IO, "A connection to a node cannot be waited for");
        }
    }
}

static enum status
connect_socket(struct call_connection *connection, const struct socket_address *address,
               struct error *err)
{
    int fd = connection->wire.fd;
    int unacknowledged_ms = HTTP_PEER_UNACKNOWLEDGED_MS;
    int one = 1, failure = 0;
    socklen_t size = sizeof(failure);
    enum status st = ST_OK;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof(unacknowledged_ms));
    if (connect(fd, (const struct sockaddr *)&address->storage, address->size) != 0) {
        failure = errno;
        if (failure == EINPROGRESS) {
            st = wait_for(connection, POLLOUT, err);
            failure = 0;
        }
    }
    if (st == ST_OK && failure == 0) {
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size);
    }
    if (st != ST_OK || failure != 0) {
        errno = st != ST_OK ? ETIMEDOUT : failure;
        return fail_errno(err, ST_UNAVAILABLE, "The node at %.*s cannot be reached",
                          (int)connection->wire.name_size, connection->wire.name);
    }
    return ST_OK;
}

static enum status
shake_hands(struct call_connection *connection, struct error *err)
{
    for (;;) {
        enum status st = wire_handshake(&connection->wire, err);

        if (st == ST_WOULD_WAIT) {
            st = wait_for(connection, connection->wire.wants_write ? POLLOUT : POLLIN, err);
            if (st == ST_OK) {
                continue;
            }
        }
        return st;
    }
}

static int64_t
smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static enum status
open_to(const struct wire_options *options, const struct socket_address *address,
        int64_t timeout_ms, struct call_connection **ret_connection, struct error *err)
{
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct call_connection *connection;
    enum status st;

    if (fd == -1) {
        return fail_errno(err, ST_UNAVAILABLE, "No socket for a connection to a node");
    }
    connection = xcalloc(1, sizeof(*connection));
    wire_begin(&connection->wire, fd, options);
    call_connection_set_deadline(connection, smaller(HTTP_LIMITS_DEFAULT.connect_ms, timeout_ms));
    st = connect_socket(connection, address, err);
    if (st == ST_OK) {
        call_connection_set_deadline(connection,
                                     smaller(HTTP_LIMITS_DEFAULT.handshake_ms, timeout_ms));
        st = shake_hands(connection, err);
    }
    if (st != ST_OK) {
        call_connection_close(connection);
        return st;
    }
    *ret_connection = connection;
    return ST_OK;
}

enum status
call_connection_open(const struct wire_options *options, int64_t timeout_ms,
                     struct call_connection **ret_connection, struct error *err)
{
    struct host_addresses addresses = {.count = 1, .list = {options->address}};
    enum status st = ST_OK;

    if (options->address.size == 0) {
        st = host_resolver_wait(options->resolver, options->host,
                                smaller(HTTP_LIMITS_DEFAULT.connect_ms, timeout_ms), &addresses,
                                err);
    }
    if (st != ST_OK) {
        return st;
    }
    /* A name may have addresses of both kinds, of which one leads nowhere. */
    for (size_t i = 0; i < addresses.count; i++) {
        st = wire_check_address(options, &addresses.list[i], err);
        if (st == ST_OK) {
            st = open_to(options, &addresses.list[i], timeout_ms, ret_connection, err);
        }
        if (st != ST_UNAVAILABLE) {
            break;
        }
    }
    return st;
}

static enum status
fail_closed(const struct call_connection *connection, struct error *err)
{
    const struct wire *wire = &connection->wire;

    if (wire->alert != NULL) { /* it has acted on nothing */
        return fail(err, ST_UNAVAILABLE, "The node at %.*s refused this node's certificate: %s",
                    (int)wire->name_size, wire->name, wire->alert);
    }
    return fail(err, ST_CLOSED, "The node at %.*s closed its connection", (int)wire->name_size,
                wire->name);
}

enum status
call_connection_send(struct call_connection *connection, struct iovec *parts, size_t count,
                     struct error *err)
{
    size_t first = 0;

    while (first < count) {
        size_t size = 0;
        enum status st = wire_send(&connection->wire, parts + first, count - first, &size);

        if (st == ST_WOULD_WAIT) {
            st = wait_for(connection, POLLOUT, err);
            if (st != ST_OK) {
                return st;
            }
            continue;
        }
        if (st != ST_OK) {
            return fail_closed(connection, err);
        }
        while (first < count && size >= parts[first].iov_len) {
            size -= parts[first++].iov_len;
        }
        if (first < count) {
            parts[first].iov_base = (char *)parts[first].iov_base + size;
            parts[first].iov_len -= size;
        }
    }
    return ST_OK;
}

enum status
call_connection_receive(struct call_connection *connection, char *out, size_t capacity,
                        size_t *ret_size, struct error *err)
{
    for (;;) {
        enum status st = wire_receive(&connection->wire, out, capacity, ret_size);

        if (st == ST_OK) {
            return st;
        }
        if (st != ST_WOULD_WAIT) {
            return fail_closed(connection, err);
        }
        st = wait_for(connection, POLLIN, err);
        if (st != ST_OK) {
            return st;
        }
    }
}
