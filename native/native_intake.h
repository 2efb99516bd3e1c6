/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a PUT, a part or an append on their way into a put, which is opened with the first
 * of them, on a worker.  Lives in the call's arena; the call ends its put.
 */
#ifndef NATIVE_NATIVE_INTAKE_H
#define NATIVE_NATIVE_INTAKE_H

#include "base/hash.h"
#include "native/native_call.h"

struct native_intake {
    struct sink sink; /* first */
    struct native_call *call;
    struct object_put_options options;
    struct upload_id upload;
    bool is_hashed; /* here, for native_repeat.h, because nobody else does */
    struct hash_stream hash;
};

/* Key, size and what was signed; opens the bucket. */
MUST_USE enum status native_intake_open(struct native_call *call,
                                        struct object_put_options *options, struct error *err);
/* It is the call's sink. */
struct native_intake *native_intake_create(struct native_call *call);

/* Its sink's; for sinks that do more. */
MUST_USE enum status native_intake_write(struct sink *sink, struct bytes data, struct error *err);
MUST_USE enum status native_intake_finish(struct sink *sink, struct error *err);
void native_intake_release(struct sink *sink);

#endif
