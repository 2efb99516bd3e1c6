/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_server.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/memory.h"
#include "net/http_acceptor.h"
#include "net/http_listener.h"
#include "net/http_loop.h"
#include "net/http_metrics.h"

#include "base/banned.h"

struct http_server {
    struct http_shared shared;
    struct list listeners;
    bool is_started;
    bool is_drained;
    size_t loop_count;
    struct http_loop *loops;
};

static size_t
choose_loop_count(size_t wanted)
{
    long core_count;

    if (wanted == 0) {
        core_count = sysconf(_SC_NPROCESSORS_ONLN);
        wanted = core_count > 0 ? (size_t)core_count : 1;
    }
    return wanted < HTTP_LOOPS_MAX ? wanted : HTTP_LOOPS_MAX;
}

static void
init_shared(struct http_shared *shared, const struct http_server_options *options)
{
    pthread_condattr_t attributes;

    shared->options = *options;
    shared->limits = options->limits != NULL ? *options->limits : HTTP_LIMITS_DEFAULT;
    shared->budget.max_bytes = options->body_memory_bytes;
    shared->server_name =
        bytes_of_string(options->server_name != NULL ? options->server_name : "Lode");
    shared->input_budget.max_bytes = options->body_memory_bytes / HTTP_INPUT_BUDGET_PART;
    if (shared->input_budget.max_bytes < HTTP_INPUT_BUDGET_BYTES_MIN) {
        shared->input_budget.max_bytes = HTTP_INPUT_BUDGET_BYTES_MIN;
    }
    atomic_init(&shared->budget.used_bytes, 0);
    atomic_init(&shared->input_budget.used_bytes, 0);
    atomic_init(&shared->connection_count, 0);
    atomic_init(&shared->is_draining, false);
    CHECK(pthread_mutex_init(&shared->lock, NULL) == 0);
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&shared->has_no_connections, &attributes) == 0);
    pthread_condattr_destroy(&attributes);
}

enum status
http_server_create(const struct http_server_options *options, struct http_server **ret_server,
                   struct error *err)
{
    struct http_server *server = xcalloc(1, sizeof(*server));
    size_t loop_count = choose_loop_count(options->loop_count);
    enum status st = ST_OK;

    CHECK(options->workers != NULL && options->connection_max > 0);
    /* The library writes with writev(2), which has no MSG_NOSIGNAL. */
    CHECK(sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL) == 0);
    http_metrics_register();
    init_shared(&server->shared, options);
    list_init(&server->listeners);
    server->shared.loop_count = loop_count;
    server->loops = xcalloc(loop_count, sizeof(*server->loops));
    while (server->loop_count < loop_count) {
        st = http_loop_init(&server->loops[server->loop_count], server->loop_count, &server->shared,
                            err);
        if (st != ST_OK) {
            goto out;
        }
        server->loop_count++;
    }
    *ret_server = server;
    server = NULL;
out:
    http_server_destroy(&server);
    return st;
}

enum status
http_server_listen(struct http_server *server, const struct http_listen_options *options,
                   uint16_t *ret_port, struct error *err)
{
    struct http_listener *listener;
    enum status st;

    CHECK(!server->is_started);
    st = http_listener_create(options, server->loop_count, &listener, err);
    if (st != ST_OK) {
        return st;
    }
    list_append(&server->listeners, &listener->node);
    for (size_t i = 0; i < server->loop_count; i++) {
        http_acceptor_create(&server->loops[i], listener, i);
    }
    if (ret_port != NULL) {
        *ret_port = listener->port;
    }
    return ST_OK;
}

void
http_server_start(struct http_server *server)
{
    CHECK(!server->is_started);
    server->is_started = true;
    for (size_t i = 0; i < server->loop_count; i++) {
        http_loop_start(&server->loops[i]);
    }
}

bool
http_server_has_new_certificates(struct http_server *server)
{
    for (struct list *node = server->listeners.next; node != &server->listeners;
         node = node->next) {
        struct http_listener *listener = CONTAINER_OF(struct http_listener, node, node);

        if (listener->tls != NULL && tls_context_is_outdated(listener->tls)) {
            return true;
        }
    }
    return false;
}

enum status
http_server_reload_certificates(struct http_server *server, struct error *err)
{
    enum status result = ST_OK;

    for (struct list *node = server->listeners.next; node != &server->listeners;
         node = node->next) {
        struct http_listener *listener = CONTAINER_OF(struct http_listener, node, node);
        enum status st = listener->tls != NULL ? tls_context_reload(listener->tls, err) : ST_OK;

        result = st != ST_OK ? st : result;
    }
    return result;
}

static void
wait_for_connections(struct http_shared *shared, int64_t timeout_ms)
{
    struct timespec deadline;
    int result = 0;

    CHECK(clock_gettime(CLOCK_MONOTONIC, &deadline) == 0);
    deadline.tv_sec += timeout_ms / 1000;
    deadline.tv_nsec += timeout_ms % 1000 * CLOCK_NS_PER_MS;
    if (deadline.tv_nsec >= CLOCK_NS_PER_S) {
        deadline.tv_nsec -= CLOCK_NS_PER_S;
        deadline.tv_sec++;
    }
    WITH_LOCK (&shared->lock) {
        while (result == 0 && atomic_load(&shared->connection_count) != 0) {
            result = pthread_cond_timedwait(&shared->has_no_connections, &shared->lock, &deadline);
        }
    }
}

void
http_server_drain(struct http_server *server, int64_t timeout_ms)
{
    if (!server->is_started || server->is_drained) {
        return;
    }
    server->is_drained = true;
    atomic_store(&server->shared.is_draining, true);
    for (size_t i = 0; i < server->loop_count; i++) {
        http_loop_drain(&server->loops[i]);
    }
    wait_for_connections(&server->shared, timeout_ms);
    for (size_t i = 0; i < server->loop_count; i++) {
        http_loop_cut(&server->loops[i]);
    }
}

void
http_server_destroy(struct http_server **take_server)
{
    struct http_server *server = *take_server;

    if (server == NULL) {
        return;
    }
    http_server_drain(server, 0);
    for (size_t i = 0; i < server->loop_count; i++) {
        http_loop_stop(&server->loops[i]);
    }
    for (size_t i = 0; i < server->loop_count; i++) {
        http_loop_release(&server->loops[i]);
    }
    while (!list_is_empty(&server->listeners)) {
        struct http_listener *listener =
            CONTAINER_OF(struct http_listener, node, list_take_first(&server->listeners));

        http_listener_destroy(&listener);
    }
    CHECK(atomic_load(&server->shared.budget.used_bytes) == 0);
    CHECK(atomic_load(&server->shared.input_budget.used_bytes) == 0);
    pthread_cond_destroy(&server->shared.has_no_connections);
    pthread_mutex_destroy(&server->shared.lock);
    free(server->loops);
    free(server);
    *take_server = NULL;
}

void
http_server_read_load(struct load_readings *readings, int64_t now_ns, void *arg)
{
    struct http_server *server = arg;

    (void)readings;
    (void)now_ns;
    if (load_grade(server->shared.options.load, LOAD_DESCRIPTORS) == LOAD_CRITICAL) {
        for (size_t i = 0; i < server->loop_count; i++) {
            http_loop_shed(&server->loops[i]);
        }
    }
}

size_t
http_server_connection_count(struct http_server *server)
{
    return atomic_load(&server->shared.connection_count);
}

size_t
http_server_body_memory(struct http_server *server)
{
    return atomic_load(&server->shared.budget.used_bytes);
}
