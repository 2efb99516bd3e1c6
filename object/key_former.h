/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One target asks another what it has of a key, and for the bytes (rule 6.2): the ends of the peer
 * verbs "record", "fetch" and "fetch-range".  The asked node works by the map that the head names,
 * so it does not own the key and nothing that it has can become newer.
 */
#ifndef OBJECT_KEY_FORMER_H
#define OBJECT_KEY_FORMER_H

#include "object/bucket.h"
#include "object/key_item.h"
#include "object/ownership.h"
#include "stream/source.h"

/* ---- who is asked ---- */

/* Record, mark that counts, and notes of the key; as a key_item, appended to out. */
MUST_USE ON_WORKER enum status key_former_tell(const struct bucket *bucket, struct bytes key,
                                               struct buffer *out, struct error *err);
/* The record of exactly this seq: its item with the part table, and a source of its bytes.
 * ST_NO_SUCH_KEY: it is not here (any more). */
MUST_USE ON_WORKER enum status key_former_open(const struct bucket *bucket, struct bytes key,
                                               struct seq seq, struct buffer *out,
                                               struct source **ret_source, uint64_t *ret_size,
                                               struct error *err);

/* The same of a part of the bytes, as the arguments of "fetch-range" say.  ST_INVALID: they cannot
 * be read, or the record is smaller. */
MUST_USE ON_WORKER enum status key_former_open_range(const struct bucket *bucket, struct bytes key,
                                                     struct seq seq, struct bytes arguments,
                                                     struct buffer *out, struct source **ret_source,
                                                     uint64_t *ret_size, struct error *err);

/* ---- who asks ---- */

/* What is wanted of a record's bytes, and whether of its part table. */
struct key_former_range {
    uint64_t offset;
    uint64_t length; /* 0: none; no source then */
    bool has_parts;
};

struct key_former_ask {
    const struct bucket *bucket;
    struct bytes key;
    const struct cluster_map *map; /* under which it is asked */
    const struct cluster_node *node;
    struct bytes arguments; /* fetch: of an upload's parts (object/upload_publish.h); else empty */
};
/* In arena.  ST_MOVED: one of both works by a newer map.  ST_BUSY: as many as may wait for that
 * node do.  ST_UNAVAILABLE. */
MUST_USE ON_WORKER enum status key_former_ask(const struct key_former_ask *ask, struct arena *arena,
                                              struct key_item *ret_item, struct error *err);
/* ret_source is released before the arena.  ST_NO_SUCH_KEY. */
MUST_USE ON_WORKER enum status key_former_fetch(const struct key_former_ask *ask, struct seq seq,
                                                struct arena *arena, struct key_item *ret_item,
                                                struct source **ret_source, struct error *err);
/* A part of them; the item has parts only where they are wanted. */
MUST_USE ON_WORKER enum status
key_former_fetch_range(const struct key_former_ask *ask, struct seq seq,
                       const struct key_former_range *range, struct arena *arena,
                       struct key_item *ret_item, struct source **ret_source, struct error *err);

/* Arguments of "fetch-range": foreign bytes.  ST_INVALID. */
void key_former_range_write(const struct key_former_range *range, struct buffer *out);
MUST_USE enum status key_former_range_read(struct bytes text, struct key_former_range *ret_range,
                                           struct error *err);

#endif
