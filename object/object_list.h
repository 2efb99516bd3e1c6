/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One page of a bucket in byte order of keys, merged over all homes, with common prefixes skipped
 * by seeking.  A page that met any error fails: it never ends short.
 */
#ifndef OBJECT_OBJECT_LIST_H
#define OBJECT_OBJECT_LIST_H

#include "base/arena.h"
#include "meta/upload_record.h"
#include "object/bucket.h"

/* What one node asks another for at most.  SPEC: S3 ListObjects / max-keys; native pages are cut
 * to it. */
#define OBJECT_LIST_PAGE_MAX ((size_t)100000)

struct object_list_options {
    struct bytes prefix;
    struct bytes delimiter; /* empty: none; may have several bytes */
    struct bytes after;     /* keys and common prefixes greater than this; empty: from the start.
                               A common prefix given as after is not repeated */
    size_t count_max;       /* keys and common prefixes together; 0: an empty page */
    bool is_continued;      /* after is a key that was read, not where a client's page ended */
    /* NULL: every key that is stored here counts. */
    bool (*counts)(struct bytes key, void *arg);
    void *counts_arg;
};

/* Called in order for each key (record: summary only, views valid during the call) or common prefix
 * (record NULL). */
typedef void object_list_fn(struct bytes name, const struct object_record *record, void *arg);

struct object_list_result {
    size_t count;
    bool is_truncated;
    struct bytes last; /* last key or common prefix given; in arena */
};

MUST_USE ON_WORKER enum status object_list(const struct bucket *bucket,
                                           const struct object_list_options *options,
                                           object_list_fn *found, void *arg, struct arena *arena,
                                           struct object_list_result *ret_result,
                                           struct error *err);

/* The page that a peer asks this target for, with the verb's arguments: page_put entries appended
 * to out.  ST_MOVED: this node does not work by that map. */
MUST_USE ON_WORKER enum status object_list_serve(const struct bucket *bucket,
                                                 struct bytes arguments, uint64_t map_version,
                                                 struct buffer *out, bool *ret_is_truncated,
                                                 struct error *err);

#endif
