/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All control values at one revision: an immutable array in order of key, counted references.  A
 * change makes a new one that shares the other entries.  Any thread; who holds a reference may read
 * without a lock.
 */
#ifndef CONTROL_CONTROL_SNAPSHOT_H
#define CONTROL_CONTROL_SNAPSHOT_H

#include <stdatomic.h>

#include "control/control.h"

struct control_entry {
    _Atomic uint32_t reference_count;
    struct control_value value; /* key and value stand behind the struct */
};

struct control_snapshot {
    _Atomic uint32_t reference_count;
    uint64_t revision;
    size_t count;
    struct control_entry *entries[];
};

/* A copy of value. */
struct control_entry *control_entry_create(const struct control_value *value);
/* One more reference. */
struct control_entry *control_entry_ref(struct control_entry *entry);
void control_entry_unref(struct control_entry *entry);

struct control_snapshot *control_snapshot_create(uint64_t revision);
struct control_snapshot *control_snapshot_ref(struct control_snapshot *snapshot);
void control_snapshot_unref(struct control_snapshot *snapshot);
/* Add an entry (taken) behind all others while reading; only while nobody else has a reference. */
void control_snapshot_append(struct control_snapshot **snapshot, struct control_entry *entry);
/* Index of the first entry whose key is not less. */
size_t control_snapshot_lower_bound(const struct control_snapshot *snapshot, struct bytes key);
/* NULL: none of that key. */
const struct control_value *control_snapshot_find(const struct control_snapshot *snapshot,
                                                  struct bytes key);
/* The snapshot with key put (entry taken) or, with entry NULL, removed; the old one stays. */
struct control_snapshot *control_snapshot_with(const struct control_snapshot *snapshot,
                                               struct bytes key, struct control_entry *entry,
                                               uint64_t revision);
/* The same values, known to be those of a later revision. */
struct control_snapshot *control_snapshot_at(const struct control_snapshot *snapshot,
                                             uint64_t revision);

#endif
