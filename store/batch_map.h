/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the batch at hand has written so far, so that a decision that runs in the committer sees it,
 * and the sums that are written once per batch instead of once per commit.  Committer only; keys
 * and values are views into commits that live until the batch is complete.
 */
#ifndef STORE_BATCH_MAP_H
#define STORE_BATCH_MAP_H

#include "meta/meta_db.h"

/* Counters of a bucket: the longest vector that is merged. */
#define BATCH_SUM_MAX 4

enum batch_entry_kind { BATCH_PUT, BATCH_DELETED, BATCH_SUM };

struct batch_entry {
    uint64_t hash;
    uint64_t generation; /* of another batch: free */
    enum family family;
    enum batch_entry_kind kind;
    struct bytes key;
    struct bytes value; /* BATCH_PUT */
    int64_t sum[BATCH_SUM_MAX];
    size_t sum_count;
};

struct batch_map;

struct batch_map *batch_map_create(void);
void batch_map_destroy(struct batch_map **take_map);
void batch_map_clear(struct batch_map *map);
uint64_t batch_key_hash(enum family family, struct bytes key);

/* NULL: this batch has not touched the key. */
struct batch_entry *batch_map_find(struct batch_map *map, uint64_t hash, enum family family,
                                   struct bytes key);
void batch_map_put(struct batch_map *map, uint64_t hash, enum family family, struct bytes key,
                   struct bytes value);
void batch_map_delete(struct batch_map *map, uint64_t hash, enum family family, struct bytes key);
/* The key must not have been put or deleted in this batch. */
void batch_map_add(struct batch_map *map, uint64_t hash, enum family family, struct bytes key,
                   const int64_t *values, size_t count);
/* Add every sum to the batch that is written. */
void batch_map_emit_sums(struct batch_map *map, struct meta_batch *batch);

#endif
