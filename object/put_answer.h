/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a PUT ended that another target finished (object/object_put_forward.h): the answer of the
 * peer verb "put".  Foreign bytes, so a fuzz target.  Pure.
 */
#ifndef OBJECT_PUT_ANSWER_H
#define OBJECT_PUT_ANSWER_H

#include "meta/object_record.h"

/* Room of an ETag, terminated, as a client gets it. */
#define PUT_ANSWER_ETAG_BYTES_MAX ((size_t)64)

struct put_answer {
    struct seq seq;
    struct bytes etag; /* empty: not told.  Goes into a header of the client's answer */
    bool has_overwrite_count;
    uint64_t overwrite_count;
    bool has_created;
    int64_t created_ns;
    bool is_unchanged;
};

void put_answer_write(const struct put_answer *answer, struct buffer *out);
/* etag is a view into text.  ST_INVALID. */
MUST_USE enum status put_answer_read(struct bytes text, struct put_answer *ret_answer,
                                     struct error *err);

#endif
