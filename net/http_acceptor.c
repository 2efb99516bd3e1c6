/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_acceptor.h"

#include <errno.h>

#include "base/log.h"
#include "base/memory.h"
#include "net/http_connection.h"
#include "net/http_metrics.h"

#include "base/banned.h"

static void on_connection(h2o_socket_t *socket, const char *failure);

static void
on_pause_end(h2o_timeout_entry_t *timer)
{
    struct http_acceptor *acceptor = CONTAINER_OF(struct http_acceptor, pause_timer, timer);

    h2o_socket_read_start(acceptor->socket, on_connection);
}

void
http_acceptor_create(struct http_loop *loop, struct http_listener *listener, size_t index)
{
    struct http_acceptor *acceptor = xcalloc(1, sizeof(*acceptor));

    acceptor->magic = HTTP_ACCEPTOR_MAGIC;
    acceptor->loop = loop;
    acceptor->listener = listener;
    acceptor->index = index;
    acceptor->pause_timer.cb = on_pause_end;
    list_append(&loop->acceptors, &acceptor->node);
}

static void
take_connection(struct http_acceptor *acceptor, h2o_socket_t *socket)
{
    struct http_shared *shared = acceptor->loop->shared;
    size_t count = atomic_load_explicit(&shared->connection_count, memory_order_relaxed);
    bool is_refused = count >= shared->options.connection_max;

    metric_add(&http_connections_total, 1);
    if (is_refused) {
        metric_add(&http_refused_total, 1);
        if (count >= shared->options.connection_max + HTTP_REFUSED_CONNECTIONS_MAX) {
            h2o_socket_close(socket);
            return;
        }
    }
    http_shared_count_connection(shared, 1);
    http_connection_accept(acceptor->loop, acceptor->listener, socket, is_refused);
}

/* True if there may be more. */
static bool
accept_one(struct http_acceptor *acceptor)
{
    h2o_socket_t *socket = h2o_evloop_socket_accept(acceptor->socket);

    if (socket != NULL) {
        acceptor->is_short = false;
        take_connection(acceptor, socket);
        return true;
    }
    return errno == ECONNABORTED || errno == EINTR;
}

static void
on_connection(h2o_socket_t *socket, const char *failure)
{
    struct http_acceptor *acceptor = socket->data;
    int count = 0;

    CHECK(acceptor->magic == HTTP_ACCEPTOR_MAGIC && failure == NULL);
    errno = 0;
    while (count < HTTP_ACCEPTS_PER_TURN && accept_one(acceptor)) {
        count++;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        metric_add(&http_accept_pauses_total, 1);
        if (!acceptor->is_short) {
            log_warn(NULL, "accept_paused", "no descriptors or memory for connections: %s",
                     strerror(errno));
        }
        acceptor->is_short = true;
        h2o_socket_read_stop(acceptor->socket);
        http_loop_link_timer(acceptor->loop, HTTP_TIMER_ACCEPT, &acceptor->pause_timer);
    }
}

void
http_acceptor_open(struct http_acceptor *acceptor)
{
    int *fd = &acceptor->listener->sockets[acceptor->index];

    acceptor->socket =
        h2o_evloop_socket_create(acceptor->loop->event_loop.h2o, *fd, H2O_SOCKET_FLAG_DONT_READ);
    *fd = -1;
    acceptor->socket->data = acceptor;
    h2o_socket_read_start(acceptor->socket, on_connection);
}

void
http_acceptor_close(struct http_acceptor *acceptor)
{
    if (acceptor->socket == NULL) {
        return;
    }
    for (int i = 0; i < HTTP_LISTEN_BACKLOG && accept_one(acceptor); i++) {
    }
    h2o_timeout_unlink(&acceptor->pause_timer);
    h2o_socket_close(acceptor->socket);
    acceptor->socket = NULL;
}

void
http_acceptor_destroy(struct http_acceptor **take_acceptor)
{
    list_remove(&(*take_acceptor)->node);
    free(*take_acceptor);
    *take_acceptor = NULL;
}
