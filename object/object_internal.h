/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of object/ share about an open object store.  Not for other folders.
 * Lifetime: object_store_open to object_store_close; everything here is set before the first
 * operation and only read afterwards.
 */
#ifndef OBJECT_OBJECT_INTERNAL_H
#define OBJECT_OBJECT_INTERNAL_H

#include "object/bucket_table.h"
#include "object/control_mirror.h"
#include "object/key_turn.h"
#include "object/object_cluster.h"
#include "object/object_store.h"
#include "object/upload_pin.h"

struct object_store {
    struct store *store;
    struct control *control;
    bool has_shared_control; /* it is not closed here */
    struct bucket_table *buckets;
    struct control_mirror *mirror;
    struct key_turn_table *turns;             /* of keys that are moved between homes */
    struct upload_pin_table *pins;            /* requests in progress on uploads */
    _Atomic unsigned int finder_count;        /* workers that wait for an upload on its way */
    _Atomic unsigned int fence_waiting_count; /* of object/bucket_fence.h */
    atomic_size_t fetch_count;                /* of object/fetch_place.h */
    struct ownership *ownership;              /* NULL: all keys are this node's */
    struct rebalance *rebalance;              /* with ownership, until it was stopped */
    char *region;
    const char *const *promote_from; /* borrowed */
    size_t promote_from_count;
    bool is_read_only;
    bool is_offline; /* no control: buckets are those that were known last */
    uint64_t part_bytes_min;
    bool has_cluster;
    struct object_cluster cluster;  /* if has_cluster */
    _Atomic uint64_t working_count; /* of object/client_rest.h: threads at work */
    _Atomic uint64_t asked_count;   /* while any is: keys that clients asked for */
    _Atomic int64_t flush_asked_ns; /* monotonic: a slow listing asked for a flush last then */
};

#endif
