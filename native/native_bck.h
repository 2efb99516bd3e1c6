/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which bucket a native request means: provider, namespace and name, and the name under which the
 * object store has it.  Buckets of the global namespace are S3's buckets; one of namespace N is
 * kept as "@#N/name", which no S3 client can say.  Pure, any thread.
 * SPEC: AIStore cmn/bck.go: provider=, namespace=@uuid#name, uname provider/@uuid#ns/bucket/object.
 */
#ifndef NATIVE_NATIVE_BCK_H
#define NATIVE_NATIVE_BCK_H

#include "base/arena.h"
#include "base/bytes.h"

#define NATIVE_BCK_NAME_BYTES_MAX 64

struct native_bck {
    struct bytes provider;       /* "ais", "aws", "gcp", "azure", "oci" */
    struct bytes namespace_uuid; /* of a remote cluster; empty: this one */
    struct bytes namespace_name; /* empty: global */
    struct bytes name;
    struct bytes own_name; /* what the object store calls it */
};

/* From the decoded parts of a request; empty name: a query over buckets.  ST_INVALID;
 * ST_NOT_IMPLEMENTED: a remote bucket, with AIStore's words. */
MUST_USE enum status native_bck_init(struct bytes provider, struct bytes namespace_text,
                                     struct bytes name, struct arena *arena,
                                     struct native_bck *ret_bck, struct error *err);
/* bck_to= and object_to=.  *ret_object is empty if there is none. */
MUST_USE enum status native_bck_parse_uname(struct bytes uname, struct arena *arena,
                                            struct native_bck *ret_bck, struct bytes *ret_object,
                                            struct error *err);
/* What a name in the object store is; the reverse of own_name. */
void native_bck_of_own_name(struct bytes own_name, struct native_bck *ret_bck);
/* "ais://name", "ais://#ns/name"; "s3://name". */
void native_bck_append_url(const struct native_bck *bck, struct buffer *out);
/* {"name":...,"provider":...,"namespace":{"uuid":...,"name":...}} */
void native_bck_append_json(const struct native_bck *bck, struct buffer *out);

#endif
