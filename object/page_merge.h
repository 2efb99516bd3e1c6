/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One page of a listing over all targets: each gives a sorted page of its own, under one map, and
 * they are merged.  A target that is down or has another map never makes a page end short: it
 * fails, or is repeated under the newer map.  Targets are asked at the same time, each for about
 * its share of the page, and again when that was not enough; so memory is bounded by the page.
 *
 * A page is a sequence of counted sort keys, each followed by a counted value.
 */
#ifndef OBJECT_PAGE_MERGE_H
#define OBJECT_PAGE_MERGE_H

#include "base/field_codec.h"
#include "meta/object_record.h"
#include "object/bucket.h"

/* What the value of an entry says of its key while keys move. */
struct page_weight {
    struct seq seq;
    bool is_shown;
    bool is_moved; /* with nothing of an equal or greater seq: the page is asked again */
};

struct page_merge_options {
    const struct bucket *bucket;
    const char *verb; /* of the other targets */
    size_t count_max;
    /* The verb's arguments for the entries behind `last` (data NULL: from the start). */
    void (*write_arguments)(const void *arg, struct bytes last, size_t count_max,
                            struct buffer *out);
    /* This node's own page, if it is a target. */
    enum status (*list_own)(const void *arg, uint64_t map_version, struct bytes last,
                            size_t count_max, struct buffer *out, bool *ret_is_truncated,
                            struct error *err);
    const void *arg;
    /* NULL: entries with equal sort keys are equal.  Else used while keys move: the greatest seq of
     * a key decides, and common prefixes are made here.  False: it cannot be read. */
    bool (*weigh)(struct bytes value, struct page_weight *ret_weight);
    struct bytes prefix;
    struct bytes delimiter;
};

/* Appends the merged page to out.  Entries with equal sort keys are one.  ST_UNAVAILABLE. */
MUST_USE ON_WORKER enum status page_merge_run(const struct page_merge_options *options,
                                              struct buffer *out, size_t *ret_count,
                                              bool *ret_is_truncated, struct error *err);

/* Both verbs' first argument, the id of the bucket that the page is of. */
#define PAGE_ARGUMENT_BUCKET_ID (1 | FIELD_CRITICAL)
/* One argument of a verb; it is given those that it does not know too.  False: refused. */
typedef bool page_argument_fn(const struct field *field, void *options);
/* All of them.  what: "a page", for messages.  ST_INVALID; ST_NO_SUCH_BUCKET: bucket has another
 * id. */
MUST_USE enum status page_arguments_read(const struct bucket *bucket, struct bytes arguments,
                                         page_argument_fn *read, void *options, const char *what,
                                         struct error *err);
/* The size of the page that is asked for.  False: refused. */
bool page_argument_count_max(const struct field *field, size_t limit, size_t *ret_count_max);

void page_put(struct buffer *out, struct bytes sort_key, struct bytes value);
/* The next entry of *rest; ST_NOT_FOUND: none; ST_INVALID. */
MUST_USE enum status page_next(struct bytes *rest, struct bytes *ret_sort_key,
                               struct bytes *ret_value);

/* What a listing of this node counts: the keys that it owns under one map. */
struct page_owner {
    struct cluster_map *map; /* a reference; NULL: this node is alone, all counts */
    struct bytes uname;
    struct bytes node_id;
    struct arena arena;
};
/* ST_MOVED: this node does not work by that map. */
MUST_USE enum status page_owner_open(struct page_owner *owner, const struct bucket *bucket,
                                     uint64_t map_version, struct error *err);
/* ST_MOVED: the map changed meanwhile. */
MUST_USE enum status page_owner_close(struct page_owner *owner, const struct bucket *bucket,
                                      struct error *err);
bool page_owner_counts(const struct page_owner *owner, struct bytes key);

#endif
