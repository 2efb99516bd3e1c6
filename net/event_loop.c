/* SPDX-License-Identifier: Apache-2.0 */
#include "net/event_loop.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"

#include "base/banned.h"

/* Of h2o 2.2.5's memory pools: a piece is what a chunk gives without going to the heap directly. */
#define POOL_CHUNKS_KEPT 16
#define POOL_CHUNK_BYTES ((size_t)4096)
#define POOL_PIECE_BYTES ((size_t)1008)

static __thread struct event_loop *current_loop;

enum status
event_loop_init(struct event_loop *loop, const char *name, struct error *err)
{
    int epoll_fd;

    memset(loop, 0, sizeof(*loop));
    loop->magic = EVENT_LOOP_MAGIC;
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd == -1) {
        return fail_errno(err, ST_IO, "cannot create the event descriptor of loop %s", name);
    }
    /* The library closes what it is given; ours must outlive the loop, as posts may come late. */
    loop->poll_fd = fcntl(loop->wake_fd, F_DUPFD_CLOEXEC, 0);
    if (loop->poll_fd == -1) {
        close(loop->wake_fd);
        return fail_errno(err, ST_IO, "cannot duplicate the event descriptor of loop %s", name);
    }
    /* Where there is no descriptor for its epoll the library ends the process: ask first. */
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd == -1) {
        close(loop->poll_fd);
        close(loop->wake_fd);
        return fail_errno(err, ST_IO, "cannot create the epoll of loop %s", name);
    }
    close(epoll_fd);
    loop->h2o = h2o_evloop_create();
    snprintf(loop->name, sizeof(loop->name), "%s", name);
    atomic_init(&loop->messages, NULL);
    atomic_init(&loop->poster_count, 0);
    list_init(&loop->deferred);
    return ST_OK;
}

void
event_loop_release(struct event_loop *loop)
{
    CHECK(!loop->is_started);
    /* The last message may have run, and ended all this, before its sender came to its wake. */
    while (atomic_load_explicit(&loop->poster_count, memory_order_acquire) != 0) {
        sched_yield();
    }
    h2o_evloop_destroy(loop->h2o);
    close(loop->wake_fd);
    if (loop->poll_fd != -1) {
        close(loop->poll_fd);
    }
}

bool
event_loop_is_current(const struct event_loop *loop)
{
    return current_loop == loop;
}

void
event_loop_post(struct event_loop *loop, struct loop_message *message)
{
    struct loop_message *newest = atomic_load_explicit(&loop->messages, memory_order_relaxed);
    static const uint64_t one = 1;

    atomic_fetch_add_explicit(&loop->poster_count, 1, memory_order_acq_rel);
    do {
        message->next = newest;
    } while (!atomic_compare_exchange_weak_explicit(&loop->messages, &newest, message,
                                                    memory_order_acq_rel, memory_order_relaxed));
    /* Only the first of a batch wakes; after that the message may be gone already. */
    if (newest == NULL) {
        while (write(loop->wake_fd, &one, sizeof(one)) == -1 && errno == EINTR) {
        }
    }
    atomic_fetch_sub_explicit(&loop->poster_count, 1, memory_order_acq_rel);
}

static void
run_messages(struct event_loop *loop)
{
    struct loop_message *message =
        atomic_exchange_explicit(&loop->messages, NULL, memory_order_acq_rel);
    struct loop_message *oldest = NULL;

    while (message != NULL) {
        struct loop_message *next = message->next;

        message->next = oldest;
        oldest = message;
        message = next;
    }
    while (oldest != NULL) {
        struct loop_message *next = oldest->next;

        oldest->run(oldest);
        oldest = next;
    }
}

static void
on_wake(h2o_socket_t *socket, const char *failure)
{
    struct event_loop *loop = socket->data;
    uint64_t count;

    CHECK(loop->magic == EVENT_LOOP_MAGIC && failure == NULL);
    while (read(loop->wake_fd, &count, sizeof(count)) == -1 && errno == EINTR) {
    }
    run_messages(loop);
}

void
event_loop_defer(struct event_loop *loop, struct loop_task *task)
{
    if (!list_is_linked(&task->node)) {
        list_append(&loop->deferred, &task->node);
    }
}

void
event_loop_cancel(struct loop_task *task)
{
    if (list_is_linked(&task->node)) {
        list_remove(&task->node);
    }
}

/* Those that were there at the start: a task that defers itself again has the next turn. */
static void
run_deferred(struct event_loop *loop)
{
    struct loop_task mark = {.run = NULL};
    struct list *node;

    if (list_is_empty(&loop->deferred)) {
        return;
    }
    list_append(&loop->deferred, &mark.node);
    while ((node = list_take_first(&loop->deferred)) != &mark.node) {
        struct loop_task *task = CONTAINER_OF(struct loop_task, node, node);

        task->run(task);
    }
}

static void
on_stop(struct loop_message *message)
{
    CONTAINER_OF(struct event_loop, stop_message, message)->is_stopping = true;
}

static void
run_turn(struct event_loop *loop, int32_t wait_ms)
{
    /* -1 is EINTR: the next turn does what this one did not. */
    (void)h2o_evloop_run(loop->h2o, list_is_empty(&loop->deferred) ? wait_ms : 0);
    run_deferred(loop);
}

/* The library keeps unused input buffers and pool chunks (of TLS), up to 16 each, per thread and
 * would lose them with it.  It has no call for this: take all that can be there, free them. */
static void
free_recycled_memory(void)
{
    h2o_buffer_prototype_t *prototype = &h2o_socket_buffer_prototype;
    h2o_mem_pool_t pool;

    while (prototype->allocator.cnt > 0) {
        free(h2o_mem_alloc_recycle(&prototype->allocator, prototype->_initial_buf.capacity));
    }
    h2o_mem_init_pool(&pool);
    for (size_t size = 0; size < POOL_CHUNKS_KEPT * POOL_CHUNK_BYTES; size += POOL_PIECE_BYTES) {
        (void)h2o_mem_alloc_pool(&pool, POOL_PIECE_BYTES);
    }
    while (pool.chunks != NULL) {
        void *chunk = pool.chunks;

        memcpy(&pool.chunks, chunk, sizeof(pool.chunks)); /* its first member is the next one */
        free(chunk);
    }
}

static void *
loop_main(void *arg)
{
    struct event_loop *loop = arg;

    affinity_set(AFFINITY_LOOP, loop->name);
    current_loop = loop;
    loop->wake_socket =
        h2o_evloop_socket_create(loop->h2o, loop->poll_fd, H2O_SOCKET_FLAG_DONT_READ);
    loop->poll_fd = -1;
    loop->wake_socket->data = loop;
    h2o_socket_read_start(loop->wake_socket, on_wake);
    loop->begin(loop);
    while (!loop->is_stopping) {
        run_turn(loop, INT32_MAX);
    }
    while (!loop->end(loop)) {
        run_turn(loop, 10);
    }
    run_messages(loop); /* of questions that were cancelled: they free themselves */
    h2o_socket_read_stop(loop->wake_socket);
    h2o_socket_close(loop->wake_socket);
    /* Twice: what the first turn closed is freed by the second. */
    run_turn(loop, 0);
    run_turn(loop, 0);
    free_recycled_memory();
    current_loop = NULL;
    return NULL;
}

void
event_loop_start(struct event_loop *loop)
{
    CHECK(!loop->is_started && loop->begin != NULL && loop->end != NULL);
    loop->is_started = true;
    CHECK(pthread_create(&loop->thread, NULL, loop_main, loop) == 0);
}

void
event_loop_stop(struct event_loop *loop)
{
    if (!loop->is_started) {
        return;
    }
    CHECK(!event_loop_is_current(loop));
    loop->stop_message.run = on_stop;
    event_loop_post(loop, &loop->stop_message);
    CHECK(pthread_join(loop->thread, NULL) == 0);
    loop->is_started = false;
}
