/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a status to what S3 says: one table of error codes with their HTTP status, and the error
 * document.  The sentence of struct error becomes the Message, except for our own faults, which are
 * logged and answered in general terms.
 */
#ifndef S3_S3_ERROR_H
#define S3_S3_ERROR_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/metrics.h"
#include "base/status.h"

/* InvalidRequest to AWS and BadDigest to Ceph; s3/s3_answer.c decides. */
#define S3_MALFORMED_CHECKSUM "MalformedChecksum"

struct s3_error_code {
    const char *code;
    int http_status;
};

/* The row of err: its dialect_code, or what its status means in S3.  A dialect code that the table
 * does not know is answered as 400 with that code. */
struct s3_error_code s3_error_code_of(const struct error *err);
/* May its sentence leave the server?  Not for 500, which may name files. */
bool s3_error_is_ours(const struct s3_error_code *code);

/* What the document says; empty members are left out. */
struct s3_error_document {
    const char *code;
    struct bytes message;
    struct bytes resource;
    struct bytes bucket;
    struct bytes key;
    struct bytes condition;
    struct bytes region;
    struct bytes request_id;
    struct bytes host_id;
};

/* Memory in arena. */
struct bytes s3_error_render(const struct s3_error_document *document, struct arena *arena);
/* text without a multi-byte character that was cut at its end. */
struct bytes s3_error_whole_utf8(struct bytes text);

void s3_error_register_metrics(void);
void s3_error_count(const char *code);

#endif
