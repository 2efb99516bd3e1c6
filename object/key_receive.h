/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record or tombstone of a key, under its own seq, from another target (or from here, to be
 * confirmed): rules 6.3 and 6.4 of docs/cluster-protocol.md.
 *
 *   MOVE     published only where nothing of an equal or greater seq is; counts as no confirmation
 *   CONFIRM  the greatest of all that count: from now on it counts alone
 *
 * begin (what is to be published) -> [bytes] -> submit -> finish, on one worker.
 */
#ifndef OBJECT_KEY_RECEIVE_H
#define OBJECT_KEY_RECEIVE_H

#include "object/key_claim.h"
#include "object/key_item.h"
#include "object/object_conditions.h"
#include "stream/source.h"

/* PUBLISH: a completed upload of another target, a new write of the owner with the upload's note.
 */
enum receive_mode { RECEIVE_MOVE, RECEIVE_CONFIRM, RECEIVE_PUBLISH };

struct key_receive_options {
    const struct bucket *bucket;
    enum receive_mode mode;
    const struct cluster_map *map; /* under which it was sent, or asked */
    const struct key_claim *claim; /* RECEIVE_CONFIRM */
    const struct key_item *item;   /* record or tombstone; outlives the receive */
    struct source *source;         /* of the object's bytes, borrowed; NULL: item->bytes */
    const struct object_conditions *conditions; /* RECEIVE_PUBLISH */
    bool is_own;                                /* RECEIVE_CONFIRM: it stands here already */
};

struct key_receive;

/* Writes the bytes, which takes as long as they come: the caller has not entered.  ST_INVALID: the
 * item is broken.  ST_NO_SPACE, ST_UNAVAILABLE. */
MUST_USE ON_WORKER enum status key_receive_begin(const struct key_receive_options *options,
                                                 struct key_receive **ret_receive,
                                                 struct error *err);
/* Hands it to the committer, and is entered (store_enter) until its finish; several may be
 * submitted before the first is finished, and nothing slow stands in between. */
void key_receive_submit(struct key_receive *receive);
/* ST_OK also if an equal or greater one is here.  ST_MOVED: the map is another one, or the key has
 * another home by now; again. */
MUST_USE ON_WORKER enum status key_receive_finish(struct key_receive **take_receive,
                                                  struct error *err);
void key_receive_destroy(struct key_receive **take_receive); /* not submitted; or NULL */

/* All of it. */
MUST_USE ON_WORKER enum status key_receive_run(const struct key_receive_options *options,
                                               struct error *err);

#endif
