/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be promoted, as it travels between nodes and stands in the record of a job: tagged
 * fields.  Views; pure, any thread.
 */
#ifndef JOBS_PROMOTE_MESSAGE_H
#define JOBS_PROMOTE_MESSAGE_H

#include "base/arena.h"
#include "base/status.h"

/* SPEC: PATH_MAX. */
#define PROMOTE_PATH_BYTES_MAX ((size_t)4096)
#define PROMOTE_SHARERS_MAX ((size_t)256)

struct promote_message {
    struct bytes bucket; /* name as the object store has it */
    struct bytes path;   /* of a file or directory, absolute */
    struct bytes name;   /* of the object, or what stands before its name */
    bool is_recursive;
    bool overwrites;
    bool removes_source;
    /* Nodes that see the same directory: each promotes its share of it.  None: all of it. */
    const struct bytes *sharers;
    size_t sharer_count;
};

void promote_message_write(const struct promote_message *message, struct buffer *out);
/* sharers are in arena.  ST_INVALID. */
MUST_USE enum status promote_message_read(struct bytes text, struct arena *arena,
                                          struct promote_message *ret_message, struct error *err);
/* SPEC: AIStore PrmObjName: the object of a file that is promoted by itself, or (entry: its path
 * below the directory) of one in a directory. */
struct bytes promote_message_key(const struct promote_message *message, struct bytes entry,
                                 struct arena *arena);

#endif
