/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A put between its bytes (object_put.c) and its commit (object_put_commit.c).  Nobody else
 * includes this.
 */
#ifndef OBJECT_OBJECT_PUT_INTERNAL_H
#define OBJECT_OBJECT_PUT_INTERNAL_H

#include "object/key_claim.h"
#include "object/object_put.h"
#include "object/rehome.h"
#include "store/layout_writer.h"
#include "stream/digest.h"

enum put_state { PUT_NEW, PUT_WRITING, PUT_FINISHED, PUT_COMMITTED, PUT_FAILED };

struct object_put {
    struct sink sink;
    enum put_state state;
    struct arena arena;
    struct bucket bucket;
    struct home *home;
    struct bytes key;
    uint64_t announced_size; /* or OBJECT_SIZE_UNKNOWN */
    uint64_t size;           /* received */
    uint64_t size_max;
    struct object_attributes attributes;
    struct object_conditions conditions;
    struct object_put_expectation expectation;
    bool is_native;
    struct native_put native;
    struct bytes custom;
    bool is_copied;
    bool is_forwarded;
    struct bytes owner; /* user id */
    bool is_part;
    struct upload_id upload;
    uint32_t part_number;
    bool is_prepared;                         /* the upload or the conditions were looked at */
    enum checksum_algorithm upload_algorithm; /* what the upload wants of its parts */
    enum checksum_algorithm record_algorithm; /* what the record keeps */
    struct digest_set digests;
    struct digest_value values[DIGEST_COUNT];
    struct layout_writer *writer;
    struct rehome rehome; /* the bytes again, if the key's home changed meanwhile */
    bool is_rehomed;
    bool is_kept; /* the commit that names the bytes succeeded, or may have */
    struct layout rehomed_layout;
    struct key_claim claim; /* at the commit; parts have none, they stay with their upload */
    struct layout layout;
    struct object_record record; /* PutObject: what decide publishes */
    struct buffer encoded;       /* the record or part record */
};

/* The key is another node's by now: the finished put goes there, as a PUT of this node (rule 7).
 * ST_MOVED: nothing was done there; *ret_is_sent: but the bytes went. */
MUST_USE ON_WORKER enum status object_put_forward(struct object_put *put, struct seq *ret_seq,
                                                  bool *ret_is_sent, struct error *err);
/* The same for a part whose upload went to another node. */
MUST_USE ON_WORKER enum status object_put_forward_part(struct object_put *put, struct seq *ret_seq,
                                                       bool *ret_is_sent, struct error *err);

#endif
