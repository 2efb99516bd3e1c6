/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All buckets in memory, kept up to date by a watch of the control values "bucket/".  One short
 * lock makes lookups possible on the loop.  An entry lives as long as someone holds a reference,
 * also after its bucket was removed.
 */
#ifndef OBJECT_BUCKET_TABLE_H
#define OBJECT_BUCKET_TABLE_H

#include <pthread.h>
#include <stdatomic.h>

#include "control/control.h"
#include "object/bucket_value.h"

/* No value has it. */
#define BUCKET_REVISION_GONE UINT64_MAX

struct bucket_entry {
    atomic_uint reference_count;
    uint64_t id;
    int64_t created_ns;
    struct bytes name; /* with owner behind the struct */
    struct bytes owner;
    atomic_bool is_refusing_writes;
    _Atomic uint64_t revision; /* of its value; BUCKET_REVISION_GONE once it was removed */
    struct bucket_properties properties; /* guarded by the table's lock */
    enum bucket_state state;             /* guarded by the table's lock */
    struct bucket_entry *next_in_slot;   /* guarded by the table's lock */
};

struct bucket_table;

struct bucket_table *bucket_table_create(void);
/* No reference may be left. */
void bucket_table_destroy(struct bucket_table **take_table);

/* control_changed_fn; arg is the table. */
void bucket_table_changed(const struct control_value *value, void *arg);

/* The entry with one more reference and its properties of now; NULL: no such bucket. */
struct bucket_entry *bucket_table_find(struct bucket_table *table, struct bytes name,
                                       struct bucket_properties *ret_properties,
                                       enum bucket_state *ret_state);
void bucket_entry_hold(struct bucket_entry *entry);
void bucket_entry_release(struct bucket_entry **take_entry);

size_t bucket_table_count(struct bucket_table *table, struct bytes owner);
/* The first name greater than after, with one more reference; NULL: none.  For listings. */
struct bucket_entry *bucket_table_next(struct bucket_table *table, struct bytes after);

#endif
