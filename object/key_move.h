/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of the peer verb "move" that receives (rule 6.4): records, tombstones and upload notes of
 * keys that this target owns under the sender's map.  The body is a sequence of counted key_items;
 * an item with a record but without bytes is fetched from the sender.  The answer has a byte for
 * each item: KEY_MOVE_TAKEN frees the source.
 */
#ifndef OBJECT_KEY_MOVE_H
#define OBJECT_KEY_MOVE_H

#include "base/affinity.h"
#include "object/object_store.h"

/* A body: small objects share a request and the syncs at both ends. */
#define KEY_MOVE_BODY_BYTES_MAX ((size_t)2 << 20)
#define KEY_MOVE_ITEM_COUNT_MAX 64
/* Objects up to this size travel in the body, larger ones are fetched. */
#define KEY_MOVE_BYTES_MAX ((uint64_t)256 << 10)
/* No more is begun behind so many bytes to fetch: the request waits for all of them. */
#define KEY_MOVE_FETCH_BYTES_MAX ((uint64_t)64 << 20)

enum key_move_answer { KEY_MOVE_REFUSED = 0, KEY_MOVE_TAKEN = 1 };

/* from: node id of the sender.  ST_MOVED: another placement by now.  ST_INVALID. */
MUST_USE ON_WORKER enum status key_move_receive(struct object_store *store, uint64_t map_version,
                                                struct bytes from, struct bytes body,
                                                struct buffer *out, struct error *err);

#endif
