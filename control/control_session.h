/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lease that a thread of its own keeps alive, and the values that end with it (a node's
 * presence, leadership).  Ages are monotonic: a process that was stopped sees at once that its
 * lease is not confirmed.  A lost session re-establishes itself: new lease, its values put again.
 * Local driver: never lost.  Closed before the control it was opened on.  Any thread may ask;
 * opening, closing and changes wait for etcd.
 */
#ifndef CONTROL_CONTROL_SESSION_H
#define CONTROL_CONTROL_SESSION_H

#include "control/control.h"

/* etcd's own election takes a second or more; a shorter lease would end in it (ms). */
#define CONTROL_SESSION_TTL_MIN_MS 2000

struct control_session;

/* is_held false: the lease ended, or was not confirmed for its whole time.  True: it is held again,
 * and its values are there again.  On the session's thread, one call at a time, and soon done. */
typedef void control_session_changed_fn(bool is_held, void *arg);

struct control_session_options {
    int64_t ttl_ms;                      /* rounded up to seconds */
    control_session_changed_fn *changed; /* or NULL */
    void *arg;
};

/* The session is held when it returns.  ST_UNAVAILABLE. */
MUST_USE ON_WORKER enum status control_session_open(struct control *control,
                                                    const struct control_session_options *options,
                                                    struct control_session **ret_session,
                                                    struct error *err);
/* Gives the lease back: its values are deleted (at the latest when it ends). */
void control_session_close(struct control_session **take_session);

/* Was the lease confirmed by an exchange that began at most age_ns ago? */
bool control_session_is_confirmed_within(struct control_session *session, int64_t age_ns);
/* 0 while it is not held; changes when it was lost. */
uint64_t control_session_lease(struct control_session *session);
/* For leases within a commit: control_change.lease. */
struct control *control_session_control(struct control_session *session);

/* A value that exists as long as the session, as control_put otherwise.  After a loss it is put
 * again, unless somebody else has put another one there.  ST_UNAVAILABLE also while the session is
 * not held. */
MUST_USE ON_WORKER enum status control_session_put(struct control_session *session,
                                                   struct bytes key, struct bytes value,
                                                   uint64_t expected_revision,
                                                   uint64_t *ret_revision, struct error *err);
/* ST_NOT_FOUND: it is not one of the session's.  ST_CONFLICT: somebody else has changed it. */
MUST_USE ON_WORKER enum status control_session_delete(struct control_session *session,
                                                      struct bytes key, struct error *err);

#endif
