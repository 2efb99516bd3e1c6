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
    close(connection->fd);
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
    struct pollfd poll_fd = {.fd = connection->fd, .events = events};

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

enum status
call_connection_open(const struct socket_address *address, struct bytes host, int64_t timeout_ms,
                     struct call_connection **ret_connection, struct error *err)
{
    struct call_connection *connection = xcalloc(1, sizeof(*connection));
    int64_t connect_ms = HTTP_LIMITS_DEFAULT.connect_ms;
    int unacknowledged_ms = HTTP_PEER_UNACKNOWLEDGED_MS;
    int one = 1, failure = 0;
    socklen_t size = sizeof(failure);
    enum status st = ST_OK;

    connection->address = *address;
    connection->fd =
        socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connection->fd == -1) {
        free(connection);
        return fail_errno(err, ST_UNAVAILABLE, "No socket for a connection to a node");
    }
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(connection->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms,
               sizeof(unacknowledged_ms));
    call_connection_set_deadline(connection, connect_ms < timeout_ms ? connect_ms : timeout_ms);
    if (connect(connection->fd, (const struct sockaddr *)&address->storage, address->size) != 0) {
        failure = errno;
        if (failure == EINPROGRESS) {
            st = wait_for(connection, POLLOUT, err);
            failure = 0;
        }
    }
    if (st == ST_OK && failure == 0) {
        getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &failure, &size);
    }
    if (st != ST_OK || failure != 0) {
        call_connection_close(connection);
        errno = st != ST_OK ? ETIMEDOUT : failure;
        return fail_errno(err, ST_UNAVAILABLE, "The node at %.*s cannot be reached",
                          BYTES_ARGS(host));
    }
    *ret_connection = connection;
    return ST_OK;
}

enum status
call_connection_send(struct call_connection *connection, struct iovec *parts, size_t count,
                     struct error *err)
{
    size_t first = 0;

    while (first < count) {
        struct msghdr message = {.msg_iov = parts + first, .msg_iovlen = count - first};
        ssize_t size = sendmsg(connection->fd, &message, MSG_NOSIGNAL);

        if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
            enum status st = wait_for(connection, POLLOUT, err);

            if (st != ST_OK) {
                return st;
            }
            continue;
        }
        if (size < 0) {
            return fail_errno(err, ST_CLOSED, "A node of the cluster closed its connection");
        }
        while (first < count && (size_t)size >= parts[first].iov_len) {
            size -= (ssize_t)parts[first++].iov_len;
        }
        if (first < count) {
            parts[first].iov_base = (char *)parts[first].iov_base + size;
            parts[first].iov_len -= (size_t)size;
        }
    }
    return ST_OK;
}

enum status
call_connection_receive(struct call_connection *connection, char *out, size_t capacity,
                        size_t *ret_size, struct error *err)
{
    for (;;) {
        ssize_t size = recv(connection->fd, out, capacity, 0);
        enum status st;

        if (size > 0) {
            *ret_size = (size_t)size;
            return ST_OK;
        }
        if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
            return fail(err, ST_CLOSED, "A node of the cluster closed its connection");
        }
        st = wait_for(connection, POLLIN, err);
        if (st != ST_OK) {
            return st;
        }
    }
}
