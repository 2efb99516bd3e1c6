/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PutObject and UploadPart: a writer that is fed through a sink and then committed.
 *
 *   open -> (bytes through object_put_sink: write*, finish) -> commit -> release
 *   release without commit, at any point, leaves nothing behind
 * Every function ON_WORKER, except that open may be called on the loop when size is at most
 * OBJECT_PUT_ON_LOOP_BYTES (nothing is opened before the first write then).
 */
#ifndef OBJECT_OBJECT_PUT_H
#define OBJECT_OBJECT_PUT_H

#include "meta/upload_record.h"
#include "object/bucket.h"
#include "object/native_put.h"
#include "object/object_conditions.h"
#include "stream/sink.h"

#define OBJECT_SIZE_UNKNOWN UINT64_MAX
/* Bodies of up to this size arrive whole and go to a worker once, for their bytes and commit. */
#define OBJECT_PUT_ON_LOOP_BYTES ((uint64_t)256 << 10)

/* A digest that the client sent and that the bytes must have, else ST_DIGEST_MISMATCH. */
struct object_put_expectation {
    bool has_md5; /* Content-MD5 */
    unsigned char md5[16];
    bool has_payload_sha256; /* x-amz-content-sha256: dialect code XAmzContentSHA256Mismatch */
    unsigned char payload_sha256[32];
    struct checksum
        checksum;     /* algorithm NONE: none; size 0: algorithm known, value in a trailer */
    bool is_computed; /* ... or nowhere: the checksum is only to be kept */
};

struct object_put_options {
    struct bytes key; /* 1..OBJECT_KEY_BYTES_MAX bytes, UTF-8, no NUL; else ST_INVALID */
    uint64_t size;    /* of the object's bytes, or OBJECT_SIZE_UNKNOWN */
    struct object_attributes attributes;
    struct object_conditions conditions;
    struct object_put_expectation expectation;
    const struct native_put_options *native; /* AIStore's PUT; NULL: S3's */
    struct bytes custom; /* AIStore's custom metadata of what is copied, as its record has it */
    bool is_copied;      /* a native PUT of the bytes that are there writes, too */
    /* UploadPart: */
    const struct upload_id *upload; /* NULL: PutObject */
    uint32_t part_number;
    /* From a node that owned the key when the client's request came: */
    bool is_forwarded;  /* not forwarded once more: ST_MOVED */
    struct bytes owner; /* user id; data NULL: the bucket's principal */
};

struct object_put;

/* Copies what it needs.  ST_INVALID, ST_TOO_LARGE, ST_NO_SPACE, ST_UNAVAILABLE, ST_NO_SUCH_UPLOAD.
 */
MUST_USE enum status object_put_open(const struct bucket *bucket,
                                     const struct object_put_options *options,
                                     struct object_put **ret_put, struct error *err);
/* Borrowed: lives as long as the put; its release does nothing. */
struct sink *object_put_sink(struct object_put *put);
/* A checksum that arrived in a trailer, before the sink's finish.  ST_INVALID: not the announced
 * one. */
MUST_USE enum status object_put_expect_checksum(struct object_put *put,
                                                const struct checksum *checksum, struct error *err);

struct object_put_result {
    char etag[64];            /* without quotes */
    struct checksum checksum; /* of the object or part; CRC64NVME if the client sent none */
    uint64_t size;
    struct seq seq;
    struct native_checksum native_checksum; /* of AIStore's PUT */
    uint64_t overwrite_count;               /* of PutObject */
    int64_t created_ns;                     /* of PutObject */
};
/* Of a native put, after the sink's finish; type NONE: the bucket keeps none.  Borrowed. */
const struct native_checksum *object_put_native_checksum(const struct object_put *put);
/* The bytes are durable and visible when this returns ST_OK.  ST_PRECONDITION, ST_NO_SUCH_KEY
 * (If-Match), ST_NO_SUCH_UPLOAD, ST_NO_SUCH_BUCKET, ST_UNAVAILABLE, ST_NO_SPACE. */
MUST_USE ON_WORKER enum status
object_put_commit(struct object_put *put, struct object_put_result *ret_result, struct error *err);
void object_put_release(struct object_put **take_put);

#endif
