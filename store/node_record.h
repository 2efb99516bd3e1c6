/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What DATA/node keeps: the node's id, the registered mountpaths, how far seq numbers are reserved.
 */
#ifndef STORE_NODE_RECORD_H
#define STORE_NODE_RECORD_H

#include "base/arena.h"
#include "meta/meta_db.h"
#include "store/store.h"

struct node_mountpath {
    unsigned char uuid[16];
    const char *directory;
};

/* ST_NOT_FOUND; ret_id lives in arena. */
MUST_USE enum status node_get_id(struct meta_db *db, struct arena *arena, const char **ret_id,
                                 struct error *err);
MUST_USE enum status node_put_id(struct meta_db *db, const char *id, struct error *err);
/* In order of registration: how it was kept before there was a document "placement". */
MUST_USE enum status node_get_mountpaths(struct meta_db *db, struct arena *arena,
                                         struct node_mountpath *out, size_t *ret_count,
                                         struct error *err);
/* A document by name ("placement", "resilver"); ST_NOT_FOUND; lives in arena. */
MUST_USE enum status node_get_document(struct meta_db *db, const char *name, struct arena *arena,
                                       struct bytes *ret_text, struct error *err);
MUST_USE enum status node_put_document(struct meta_db *db, const char *name, struct bytes text,
                                       bool is_synced, struct error *err);
/* What DATA noted of a home; zeros if nothing. */
struct node_note {
    uint64_t open_number;
    uint64_t synced_batch;
};
MUST_USE enum status node_get_note(struct meta_db *db, const unsigned char *uuid,
                                   struct node_note *ret_note, struct error *err);
/* Not synced: a lost note is only an older one. */
MUST_USE enum status node_put_note(struct meta_db *db, const unsigned char *uuid,
                                   const struct node_note *note, struct error *err);
/* 0 if nothing is reserved yet. */
MUST_USE enum status node_get_seq(struct meta_db *db, uint64_t *ret_reserved, struct error *err);
MUST_USE enum status node_put_seq(struct meta_db *db, uint64_t reserved, struct error *err);

#endif
