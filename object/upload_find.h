/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which node has an upload that may be on its way to another one: those that may have it are asked,
 * the former ones first, where it belongs last; so what moves in between is not missed.
 */
#ifndef OBJECT_UPLOAD_FIND_H
#define OBJECT_UPLOAD_FIND_H

#include "cluster/cluster_map.h"
#include "object/object_route.h"
#include "object/upload_pin.h"

struct upload_find_options {
    const struct bucket *bucket;
    struct bytes key;
    struct bytes name;   /* of the upload, as clients send it */
    enum upload_pin pin; /* of a local one */
    bool is_from_peer;   /* nobody is asked: it is here, or ST_MOVED */
    int64_t end_ns;      /* monotonic: no repetition after it */
};
/* As object_route, for a name that object_route would have to wait for.  A local one is pinned: the
 * caller gives it back by upload_pin_give_back.  ST_MOVED: see is_from_peer.  ST_UNAVAILABLE,
 * ST_BUSY. */
MUST_USE ON_WORKER enum status upload_find(const struct upload_find_options *options,
                                           struct arena *arena, struct object_route *ret_route,
                                           struct error *err);

/* The end of the peer verb "upload" that is asked, under that map.  ST_MOVED: it is another one by
 * now. */
MUST_USE ON_WORKER enum status upload_find_tell(const struct bucket *bucket, struct bytes key,
                                                struct bytes arguments, uint64_t map_version,
                                                struct buffer *out, struct error *err);

/* What a target says of an upload. */
enum upload_word {
    UPLOAD_WORD_NONE,    /* nothing, or it may come */
    UPLOAD_WORD_HERE,    /* this target decides it, or has decided */
    UPLOAD_WORD_LEAVING, /* another one may have it already */
    UPLOAD_WORD_MOVED    /* another one has it */
};
struct upload_find_subject {
    struct upload_id id;
    /* Not 0: the asking target has it LEAVING since this placement, and wants to know who had it
     * after that; what it left here before is UPLOAD_WORD_NONE. */
    uint64_t left_at;
};
/* Of another target, under map.  ST_MOVED: one of both works by another map. */
MUST_USE ON_WORKER enum status upload_find_ask(const struct bucket *bucket, struct bytes key,
                                               const struct upload_find_subject *subject,
                                               const struct cluster_map *map,
                                               const struct cluster_node *node,
                                               enum upload_word *ret_word, struct error *err);

#endif
