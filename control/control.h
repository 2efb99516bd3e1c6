/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few values all nodes agree on: buckets, users, keys, jobs.  One value per thing, versioned,
 * changed by compare-and-swap, watched.  Never progress or counters.  Drivers: local (a RocksDB
 * under DATA, for one node) and etcd; the vtable is in control/control_driver.h.  Keys are paths
 * such as "bucket/<name>"; values are JSON documents.
 *
 * Every value is in memory: reads (get, list, revision) never wait and any thread may call them,
 * loops too; without a connection to etcd they go on with what was known last.  Changes wait for a
 * sync or for etcd (ON_WORKER).  Leases and leaders: control/control_session.h and
 * control/control_leader.h.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "base/affinity.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/status.h"

struct control;

/* expected_revision of a change: */
#define CONTROL_MUST_NOT_EXIST UINT64_C(0)
#define CONTROL_ANY_REVISION UINT64_MAX

#define CONTROL_KEY_BYTES_MAX 512
/* A bucket with all of its configuration documents. */
#define CONTROL_VALUE_BYTES_MAX ((size_t)1 << 20)
/* Changes in one commit: etcd takes 128 operations by default, and the driver needs a few. */
#define CONTROL_CHANGE_COUNT_MAX 100
/* Keys and values of one commit together: etcd's default --max-request-bytes is 1.5 MiB. */
#define CONTROL_COMMIT_BYTES_MAX (CONTROL_VALUE_BYTES_MAX + ((size_t)256 << 10))
/* How long a change waits for etcd, over all endpoints and repetitions (ms): longer than the
 * election of an etcd leader, shorter than the patience of an S3 client. */
#define CONTROL_CHANGE_TIMEOUT_MS 10000
/* After control_hurry: an etcd that is well answers in a few ms; one that is not has nothing that
 * would be worth waiting for, since leases end by themselves. */
#define CONTROL_HURRY_MS 500
/* Reads of single keys from etcd by control_refresh, per second; names that nobody knows are asked
 * for by whoever likes to, and all nodes share one etcd. */
#define CONTROL_REFRESH_PER_S_MAX 100

struct control_value {
    struct bytes key;
    struct bytes value;
    uint64_t revision; /* of its last change; greater than 0, grows over all keys */
    /* When it came to be; local: only exact for values that are bound to a session. */
    uint64_t create_revision;
    uint64_t lease; /* of the session that it ends with; 0: stays */
};

enum control_action { CONTROL_PUT, CONTROL_DELETE, CONTROL_COMPARE /* changes nothing */ };

/* One part of a commit. */
struct control_change {
    enum control_action action;
    struct bytes key;
    struct bytes value;         /* CONTROL_PUT */
    uint64_t expected_revision; /* CONTROL_MUST_NOT_EXIST: not with CONTROL_DELETE */
    uint64_t lease;             /* CONTROL_PUT: see control/control_session.h; 0: stays */
};

#define CONTROL_LEADER_KEY_BYTES_MAX 64

/* What a leader shows with each change: holds while its key exists as it made it. */
struct control_guard {
    char key[CONTROL_LEADER_KEY_BYTES_MAX + 1];
    uint64_t create_revision;
};

/* directory is created if missing. */
MUST_USE enum status control_open_local(const char *directory, struct control **ret_control,
                                        struct error *err);
/* This process ends: calls in progress, and those that follow, wait for etcd for
 * CONTROL_HURRY_MS at most, and once it has not answered not at all.  From any thread. */
void control_hurry(struct control *control);
/* After all sessions, and when no other call is in progress. */
void control_close(struct control **take_control);

/* ST_NOT_FOUND.  Key and value live in arena. */
MUST_USE enum status control_get(struct control *control, struct bytes key, struct arena *arena,
                                 struct control_value *ret_value, struct error *err);
/* All values whose key begins with prefix, in order of key and as of one revision; a status from
 * found ends the walk. */
typedef enum status control_found_fn(const struct control_value *value, void *arg,
                                     struct error *err);
MUST_USE enum status control_list(struct control *control, struct bytes prefix,
                                  control_found_fn *found, void *arg, struct error *err);
/* Greatest revision so far. */
uint64_t control_revision(struct control *control);

/*
 * Make all changes, or none, at one revision.  No key twice.  When it returns the changes are
 * durable, in this node's memory, and its watchers were called.
 * ST_CONFLICT: a value is not at its expected_revision (get it again).  ST_NOT_FOUND: a value to be
 * deleted with CONTROL_ANY_REVISION is not there.  ST_MOVED: guard (NULL: none) does not hold.
 * ST_TOO_LARGE.  ST_UNAVAILABLE: etcd did not answer in time; nothing was changed, unless the
 * sentence says that the outcome is unknown.  ST_NO_SPACE: etcd's quota.
 */
MUST_USE ON_WORKER enum status control_commit(struct control *control,
                                              const struct control_change *changes, size_t count,
                                              const struct control_guard *guard,
                                              uint64_t *ret_revision, struct error *err);
/* control_commit of one change.  ret_revision may be NULL. */
MUST_USE ON_WORKER enum status control_put(struct control *control, struct bytes key,
                                           struct bytes value, uint64_t expected_revision,
                                           uint64_t *ret_revision, struct error *err);
MUST_USE ON_WORKER enum status control_delete(struct control *control, struct bytes key,
                                              uint64_t expected_revision, struct error *err);
MUST_USE ON_WORKER enum status control_put_as_leader(struct control *control,
                                                     const struct control_guard *guard,
                                                     struct bytes key, struct bytes value,
                                                     uint64_t expected_revision,
                                                     uint64_t *ret_revision, struct error *err);

/*
 * changed is called once for every present value, then after each change (value.data NULL:
 * deleted), one call at a time, in order of revision, before the change returns; what one commit
 * changed has one revision and is readable before the first call.  On any thread but a loop.  It
 * may read (control_get, control_list), but neither change nor watch, and should not take long.
 */
typedef void control_changed_fn(const struct control_value *value, void *arg);
MUST_USE enum status control_watch(struct control *control, struct bytes prefix,
                                   control_changed_fn *changed, void *arg, struct error *err);
/* The watch that was made with the same changed and arg; no call of it is in progress afterwards.
 */
void control_unwatch(struct control *control, control_changed_fn *changed, void *arg);

/* Wait until all watchers were called for everything up to revision.  ST_TIMEOUT. */
MUST_USE ON_WORKER enum status control_wait(struct control *control, uint64_t revision,
                                            int64_t timeout_ms, struct error *err);
/* settled (NULL: none) is called by each commit that succeeded, before it returns, with what it
 * changed; it may wait for others, and its status is the commit's.  While nobody else uses
 * control. */
typedef enum status control_settled_fn(const struct control_change *changes, size_t count,
                                       uint64_t revision, void *arg, struct error *err);
void control_set_settled(struct control *control, control_settled_fn *settled, void *arg);

/* Before an answer "no such": make sure that this node knows of key what the store knew when the
 * call began (linearizable).  ST_BUSY above CONTROL_REFRESH_PER_S_MAX; ST_UNAVAILABLE.  Local:
 * nothing to do. */
MUST_USE ON_WORKER enum status control_refresh(struct control *control, struct bytes key,
                                               struct error *err);

#endif
