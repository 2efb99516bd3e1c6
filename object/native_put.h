/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a PUT of AIStore's dialect does beside one of S3's: no MD5 unless asked, the bucket's
 * checksum in the record, a checksum that the client sent compared, and nothing rewritten where the
 * key has the same bytes already.  Part of a put (object/object_put.c); same thread.
 */
#ifndef OBJECT_NATIVE_PUT_H
#define OBJECT_NATIVE_PUT_H

#include "object/native_checksum.h"

struct native_put_options {
    enum native_checksum_type type; /* what the record keeps */
    struct native_checksum given;   /* by the client; type NONE: none */
};

struct native_put {
    struct native_put_options options;
    struct native_digest kept_digest;
    struct native_digest given_digest; /* if of another type */
    struct native_checksum kept;       /* after finish */
    bool is_unchanged;                 /* the key had these bytes; nothing was written */
};

void native_put_init(struct native_put *put, const struct native_put_options *options);
void native_put_release(struct native_put *put);
void native_put_update(struct native_put *put, struct bytes data);
/* ST_DIGEST_MISMATCH with AIStore's words. */
MUST_USE enum status native_put_finish(struct native_put *put, struct error *err);
/* The MD5 if that was asked for, else something with a '-' in it. */
#define NATIVE_PUT_ETAG_SIZE 36
void native_put_etag(const struct native_put *put, uint64_t size, char etag[NATIVE_PUT_ETAG_SIZE]);
bool native_put_is_same(const struct native_put *put, uint64_t size,
                        const struct object_record *old);

#endif
