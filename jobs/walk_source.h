/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a walk gets its items from: pages of the merged listing of a bucket, or names of a list or
 * of a template with ranges.  Goes on at any position.  One thread.
 */
#ifndef JOBS_WALK_SOURCE_H
#define JOBS_WALK_SOURCE_H

#include "jobs/name_template.h"
#include "jobs/walk_message.h"

struct walk_source {
    const struct bucket *bucket;
    struct bytes prefix;
    bool is_list;
    bool is_template; /* with ranges */
    struct bytes names;
    struct name_template template;
    struct buffer name; /* of the template, the last one */
    uint64_t name_count;
    struct walk_position position; /* behind what was given; last is in `last` */
    struct buffer last;
};

/* bucket and the texts of message are borrowed.  ST_INVALID. */
MUST_USE enum status walk_source_open(struct walk_source *source, const struct bucket *bucket,
                                      const struct walk_message *message, struct error *err);
void walk_source_close(struct walk_source *source);
void walk_source_go_to(struct walk_source *source, const struct walk_position *position);
/* Names of which nobody knows yet whether they are there. */
bool walk_source_is_named(const struct walk_source *source);
/* At most WALK_BATCH_OBJECTS and WALK_BATCH_BYTES, in arena; position is behind them. */
MUST_USE ON_WORKER enum status walk_source_next(struct walk_source *source, struct arena *arena,
                                                struct walk_item **ret_items, size_t *ret_count,
                                                struct error *err);

#endif
