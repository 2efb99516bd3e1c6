/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The object store beside a reference in memory: each operation is done on both and the results
 * compared.  A sequence of operations is an array; each operation carries its own random numbers
 * and is resolved against the state it finds, so any part of a sequence is a sequence again (which
 * is what shrinking needs).  One thread.
 */
#ifndef TESTS_MODEL_MODEL_H
#define TESTS_MODEL_MODEL_H

#include "object/bucket.h"
#include "object/multipart.h"

#define MODEL_HOME_COUNT 2
#define MODEL_BUCKET_COUNT 3
#define MODEL_KEY_COUNT 40
#define MODEL_UPLOAD_COUNT 10
#define MODEL_PART_MAX 6
#define MODEL_PART_BYTES_MIN 300
#define MODEL_CHUNK_BYTES ((uint64_t)256 << 10)

/* X(name, weight unless --weights says otherwise) */
#define MODEL_OP_LIST(X)                                                                           \
    X(put, 200)                                                                                    \
    X(put_if, 60)                                                                                  \
    X(get, 150)                                                                                    \
    X(get_range, 80)                                                                               \
    X(get_part, 20)                                                                                \
    X(head, 60)                                                                                    \
    X(delete, 60)                                                                                  \
    X(delete_many, 20)                                                                             \
    X(copy, 60)                                                                                    \
    X(copy_self, 15)                                                                               \
    X(list, 60)                                                                                    \
    X(list_walk, 10)                                                                               \
    X(upload_create, 30)                                                                           \
    X(part, 90)                                                                                    \
    X(part_copy, 25)                                                                               \
    X(complete, 40)                                                                                \
    X(complete_again, 8)                                                                           \
    X(abort, 10)                                                                                   \
    X(list_parts, 10)                                                                              \
    X(list_uploads, 10)                                                                            \
    X(counters, 10)                                                                                \
    X(bucket_create, 8)                                                                            \
    X(bucket_delete, 4)                                                                            \
    X(collect, 15)                                                                                 \
    X(sweep, 6)                                                                                    \
    X(cleanup, 3)                                                                                  \
    X(attach, 3)                                                                                   \
    X(disable, 3)                                                                                  \
    X(resilver, 5)                                                                                 \
    X(restart, 1)                                                                                  \
    X(away, 1)                                                                                     \
    X(fsck, 1)

enum model_op_kind {
#define MODEL_OP_ENUM(name, weight) MODEL_##name,
    MODEL_OP_LIST(MODEL_OP_ENUM)
#undef MODEL_OP_ENUM
        MODEL_OP_COUNT
};

struct model_op {
    enum model_op_kind kind;
    uint64_t dice[4];
};

/* Bytes that several objects and parts share. */
struct model_blob {
    size_t reference_count;
    size_t size;
    char data[];
};

struct model_object {
    struct model_blob *blob; /* NULL: there is none */
    char etag[64];
    uint64_t type; /* its Content-Type names this number */
    size_t part_count;
    uint32_t part_numbers[MODEL_PART_MAX];
    uint64_t part_sizes[MODEL_PART_MAX];
};

enum model_upload_state { MODEL_UPLOAD_NONE, MODEL_UPLOAD_OPEN, MODEL_UPLOAD_COMPLETED };

struct model_part {
    struct model_blob *blob; /* NULL: not there */
    char etag[64];
};

struct model_upload {
    enum model_upload_state state;
    size_t bucket;
    size_t key;
    uint64_t type;
    struct upload_id id;
    struct model_part parts[MODEL_PART_MAX]; /* number: index * 3 + 1 */
    uint32_t asked[MODEL_PART_MAX];          /* of the completion */
    size_t asked_count;
    char etag[64];
};

struct model_bucket {
    bool exists;
    struct model_object objects[MODEL_KEY_COUNT];
};

struct model {
    const char *directory;
    struct object_store *store;
    bool is_away; /* the second home is not there */
    bool is_third_attached;
    bool is_first_disabled;
    bool may_have_orphans;
    struct model_bucket buckets[MODEL_BUCKET_COUNT];
    struct model_upload uploads[MODEL_UPLOAD_COUNT];
    char message[1024]; /* why the last operation failed */
};

const char *model_op_name(enum model_op_kind kind);

/* Below directory, which is empty. */
bool model_open(struct model *model, const char *directory);
/* Ends with a check of everything if is_checked. */
bool model_close(struct model *model, bool is_checked);
/* False: store and reference differ, message says how. */
bool model_run(struct model *model, const struct model_op *op);

/* Reference: model_state.c */
struct bytes model_key(size_t index);
const char *model_bucket_name(size_t index);
struct model_blob *model_blob_create(uint64_t dice);
struct model_blob *model_blob_of(struct bytes data);
struct model_blob *model_blob_hold(struct model_blob *blob);
void model_blob_release(struct model_blob **take_blob);
struct bytes model_blob_bytes(const struct model_blob *blob);
void model_object_clear(struct model_object *object);
void model_object_copy(struct model_object *to, const struct model_object *from);
/* What a copy makes of parts: one piece, whose ETag is the MD5 of the content. */
void model_object_join_parts(struct model_object *object);
void model_upload_clear(struct model_upload *upload);
uint32_t model_part_number(size_t index);
/* Indexes of keys in byte order. */
const size_t *model_key_order(void);

/* Helpers of the operations: model_run.c */
bool model_fail(struct model *model, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool model_expect(struct model *model, const char *what, enum status expected, enum status got,
                  const struct error *err);
/* Its home is not there. */
bool model_is_away(struct model *model, uint64_t bucket_id, size_t key);
struct bucket model_bucket_open(struct model *model, size_t index);
bool model_start(struct model *model);
void model_stop(struct model *model);
/* To its end, or until so many pages were read (0: to its end): model_mountpaths.c. */
bool model_resilver(struct model *model, uint64_t page_count);

/* One per kind. */
typedef bool model_op_fn(struct model *model, const uint64_t *dice);
#define MODEL_OP_DECLARE(name, weight) model_op_fn model_do_##name;
MODEL_OP_LIST(MODEL_OP_DECLARE)
#undef MODEL_OP_DECLARE

#endif
