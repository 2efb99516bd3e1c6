/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a walk is about, as the options of its job: kept on disk and sent to the node that runs it,
 * and in part with each share.  Pure.
 */
#ifndef JOBS_WALK_MESSAGE_H
#define JOBS_WALK_MESSAGE_H

#include "jobs/walk_job.h"

struct walk_message {
    struct bytes source;
    uint64_t source_id; /* another bucket of that name is not meant */
    struct bytes destination;
    uint64_t destination_id;
    struct bytes template;
    struct bytes prepend;
    struct bytes extra;
    int64_t started_ns; /* in shares */
    bool is_dry_run;
    bool is_prefix;
    bool has_names;
    struct bytes names; /* counted, behind each other */
};

void walk_message_put_names(const struct bytes *names, size_t count, struct buffer *out);
void walk_message_write(const struct walk_message *message, struct buffer *out);
/* Views into text.  ST_INVALID. */
MUST_USE enum status walk_message_read(struct bytes text, struct walk_message *ret_message,
                                       struct error *err);

/* Where a walk is. */
struct walk_position {
    struct bytes last; /* name behind which it goes on; of a listing */
    uint64_t consumed; /* names, of a list or a template with ranges */
    bool is_listed;    /* nothing is left but finish */
};

struct walk_node_count {
    struct bytes node;
    uint64_t object_count;
    uint64_t byte_count;
};

/* Of all that is done. */
struct walk_sizes {
    uint64_t stored_bytes;
    uint64_t size_min; /* of an object (bytes); 0: there is none */
    uint64_t size_max;
};

/* The cursor of the job: the position behind a batch, the batch, and who has done how much before
 * it. */
struct walk_cursor {
    struct walk_position position;
    struct walk_sizes sizes;
    const struct walk_node_count *nodes;
    size_t node_count;
    const struct walk_item *items;
    size_t item_count;
};

void walk_item_set_etag(struct walk_item *item, struct bytes etag);
void walk_cursor_write(const struct walk_cursor *cursor, struct buffer *out);
/* Views into text, arrays in arena.  ST_INVALID. */
MUST_USE enum status walk_cursor_read(struct bytes text, struct arena *arena,
                                      struct walk_cursor *ret_cursor, struct error *err);

#endif
