/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operator does with mountpaths while the node runs.  The dialects call it for an
 * administrator and start the resilver job afterwards.
 */
#ifndef OBJECT_MOUNTPATH_ADMIN_H
#define OBJECT_MOUNTPATH_ADMIN_H

#include "base/affinity.h"
#include "base/arena.h"
#include "object/object_store.h"

/* Under DATA: a line of JSON for each object or part that was lost with a forgotten mountpath. */
#define MOUNTPATH_LOSSES_FILE "losses.jsonl"

enum mountpath_verb {
    MOUNTPATH_VERB_ATTACH,
    MOUNTPATH_VERB_DETACH,
    MOUNTPATH_VERB_ENABLE,
    MOUNTPATH_VERB_DISABLE,
    MOUNTPATH_VERB_FORGET
};

struct mountpath_outcome {
    bool needs_resilver;
    uint64_t generation;
    uint64_t lost_count;  /* FORGET: keys that were found on it, also in MOUNTPATH_LOSSES_FILE */
    bool is_loss_unknown; /* FORGET: it could not be read, what was on it cannot be listed */
};

/* ST_INVALID, ST_NOT_FOUND, ST_EXISTS, ST_BUSY, each with a sentence that says what to do. */
MUST_USE ON_WORKER enum status mountpath_admin(struct object_store *store, enum mountpath_verb verb,
                                               const char *directory,
                                               struct mountpath_outcome *ret_outcome,
                                               struct error *err);

struct mountpath_view {
    const char *directory;
    const char *uuid;
    const char *role;  /* active, disabled, leaving, detached, forgotten */
    const char *state; /* present, absent, quarantined */
    const char *why;   /* not present: a sentence; else empty */
    bool is_emptying;  /* takes nothing new, and may still hold records or bytes */
    bool may_be_pulled;
    uint64_t total_bytes;
    uint64_t free_bytes;
};
/* In arena; *ret_is_unfinished: a resilver has work to do. */
void mountpath_list(struct object_store *store, struct arena *arena,
                    struct mountpath_view **ret_views, size_t *ret_count, uint64_t *ret_generation,
                    bool *ret_is_unfinished);

MUST_USE ON_WORKER enum status mountpath_note_loss(struct object_store *store, uint64_t bucket_id,
                                                   struct bytes name, uint32_t part_number,
                                                   struct error *err);

#endif
