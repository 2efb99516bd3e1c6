/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few values all nodes agree on: buckets, users, keys, jobs.  One value per thing, versioned,
 * changed by compare-and-swap, watched.  Never progress or counters.  Drivers: local (a RocksDB
 * under DATA, for one node) and, later, etcd; the vtable is in control/control_driver.h. Keys are
 * paths such as "bucket/<name>"; values are JSON documents.  Any thread may call; calls may block
 * on a sync (ON_WORKER).
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "base/affinity.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/status.h"

struct control;

/* expected_revision of a put: */
#define CONTROL_MUST_NOT_EXIST UINT64_C(0)
#define CONTROL_ANY_REVISION UINT64_MAX

#define CONTROL_KEY_BYTES_MAX 512
/* A bucket with all of its configuration documents. */
#define CONTROL_VALUE_BYTES_MAX ((size_t)1 << 20)

struct control_value {
    struct bytes key;
    struct bytes value;
    uint64_t revision; /* of its last change; greater than 0, grows over all keys */
};

/* directory is created if missing. */
MUST_USE enum status control_open_local(const char *directory, struct control **ret_control,
                                        struct error *err);
void control_close(struct control **take_control);

/* ST_NOT_FOUND.  Key and value live in arena. */
MUST_USE enum status control_get(struct control *control, struct bytes key, struct arena *arena,
                                 struct control_value *ret_value, struct error *err);
/* Synced when it returns.  ST_CONFLICT: the value is not at expected_revision. */
MUST_USE ON_WORKER enum status control_put(struct control *control, struct bytes key,
                                           struct bytes value, uint64_t expected_revision,
                                           uint64_t *ret_revision, struct error *err);
MUST_USE ON_WORKER enum status control_delete(struct control *control, struct bytes key,
                                              uint64_t expected_revision, struct error *err);
/* All values whose key begins with prefix, in order of key; a status from found ends the walk. */
typedef enum status control_found_fn(const struct control_value *value, void *arg,
                                     struct error *err);
MUST_USE enum status control_list(struct control *control, struct bytes prefix,
                                  control_found_fn *found, void *arg, struct error *err);
/* changed is called once for every present value, then after each change (value.data NULL:
 * deleted), in order of revision, before the put or delete returns.  It must not call back into
 * control. */
typedef void control_changed_fn(const struct control_value *value, void *arg);
MUST_USE enum status control_watch(struct control *control, struct bytes prefix,
                                   control_changed_fn *changed, void *arg, struct error *err);
/* Greatest revision so far. */
uint64_t control_revision(struct control *control);

#endif
