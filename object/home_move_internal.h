/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of home_move share: one record on its way.  Nobody else includes this. */
#ifndef OBJECT_HOME_MOVE_INTERNAL_H
#define OBJECT_HOME_MOVE_INTERNAL_H

#include "meta/meta_key.h"
#include "meta/object_record.h"
#include "meta/upload_record.h"
#include "object/home_move.h"
#include "object/rehome.h"
#include "store/commit.h"

struct home_move {
    struct object_store *store;
    struct home *from;
    struct home *to;
    uint64_t bucket_id;
    struct bytes name;
    enum family family;
    struct meta_key key;
    struct arena arena;
    struct seq seq;
    bool has_object;
    struct object_record object;
    struct bytes mark; /* of the key, encoded; empty: none */
    struct part_record part;
    bool is_part;
    struct rehome rehome;
    struct part_entry *entries; /* its part table */
    size_t entry_count;
    struct buffer encoded;
    bool is_there; /* decide found it at the home */
};

void home_move_init(struct home_move *move, struct object_store *store, struct home *from,
                    struct home *to, enum family family, uint64_t bucket_id, struct bytes name);
void home_move_release(struct home_move *move);

/* In move's arena; a value of family, or a mark.  ST_NOT_FOUND. */
MUST_USE enum status home_move_get(struct home *home, enum family family,
                                   const struct meta_key *key, struct arena *arena,
                                   struct bytes *ret_value, struct error *err);
struct seq home_move_seq_of(struct bytes value);
/* Does it go in, where own (NULL: nothing) stands?  Sets is_there. */
bool home_move_accepts(struct home_move *move, const struct seq *own);
/* Is what move->from has there at the home already?  Then nothing is built. */
MUST_USE enum status home_move_look(struct home_move *move, struct error *err);
/* The bytes, ready at the home; *layout becomes what it is there. */
MUST_USE enum status home_move_build(struct home_move *move, struct layout *layout,
                                     const struct upload_id *upload, uint32_t part_number,
                                     struct home_move_counts *counts, struct error *err);
/* The commit at the home; rehome is released. */
MUST_USE enum status home_move_publish(struct home_move *move, commit_decide_fn *decide,
                                       struct error *err);
/* The commit at the former home. */
MUST_USE enum status home_move_leave(struct home_move *move, commit_decide_fn *decide,
                                     struct error *err);

/* All uploads of the key, notes of completed ones as well. */
MUST_USE enum status home_move_uploads(struct object_store *store, struct home *from,
                                       struct home *to, uint64_t bucket_id, struct bytes name,
                                       struct home_move_counts *counts, struct error *err);

#endif
