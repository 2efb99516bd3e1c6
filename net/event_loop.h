/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that runs an h2o event loop, and the two ways to give it work: messages from any thread,
 * and deferred tasks from the loop itself.
 *
 * Happy path: init -> start (begin runs first on the new thread) -> post ... -> stop (joins; end
 * runs last on the thread) -> release.  There is no failure mode but a kernel without descriptors:
 * init answers ST_IO then.
 *
 *   phase    | legal calls
 *   init     | start, post (runs once started), release
 *   running  | post from any thread; defer, cancel on the loop; stop from another thread
 *   stopped  | release
 */
#ifndef NET_EVENT_LOOP_H
#define NET_EVENT_LOOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/affinity.h"
#include "base/list.h"
#include "base/status.h"
#include "net/h2o_library.h"

/* Embedded by the sender; belongs to the loop from post until run is called. */
struct loop_message {
    struct loop_message *next;
    void (*run)(struct loop_message *message);
};

/* Embedded; runs once in the next turn of the loop. */
struct loop_task {
    struct list node;
    void (*run)(struct loop_task *task);
};

#define EVENT_LOOP_MAGIC UINT32_C(0x65766C70)

struct event_loop {
    uint32_t magic;
    h2o_loop_t *h2o; /* loop thread only */
    h2o_socket_t *wake_socket;
    int wake_fd;
    int poll_fd;                             /* the same eventfd, until the loop has taken it */
    _Atomic(struct loop_message *) messages; /* newest first */
    atomic_int poster_count;                 /* inside event_loop_post now */
    struct list deferred;
    struct loop_message stop_message;
    pthread_t thread;
    bool is_started;
    bool is_stopping;
    char name[16];
    void (*begin)(struct event_loop *loop);
    bool (*end)(struct event_loop *loop); /* true: nothing left, the thread may end */
};

MUST_USE enum status event_loop_init(struct event_loop *loop, const char *name, struct error *err);
void event_loop_start(struct event_loop *loop);
void event_loop_stop(struct event_loop *loop);
void event_loop_release(struct event_loop *loop);
/* Any thread; wakes the loop. */
void event_loop_post(struct event_loop *loop, struct loop_message *message);
/* ON_LOOP.  A task that is deferred already stays where it is. */
void event_loop_defer(struct event_loop *loop, struct loop_task *task);
void event_loop_cancel(struct loop_task *task);
/* Is the calling thread the one of this loop? */
bool event_loop_is_current(const struct event_loop *loop);

#endif
