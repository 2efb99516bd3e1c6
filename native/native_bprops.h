/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AIStore's document of a bucket's properties, filled with what this server really does, and the
 * changes of it that take effect here.  Any thread.
 * SPEC: AIStore cmn/api.go Bprops, BpropsToSet.
 */
#ifndef NATIVE_NATIVE_BPROPS_H
#define NATIVE_NATIVE_BPROPS_H

#include "native/native_bck.h"
#include "native/native_message.h"
#include "object/bucket.h"

void native_bprops_append(const struct native_bck *bck, const struct bucket *bucket,
                          struct buffer *out);
/* SPEC: bid: ais buckets have bit 63 set. */
uint64_t native_bprops_bid(const struct bucket *bucket);

/* Change *properties as value says.  A value that is what holds anyway is accepted; ST_INVALID:
 * unknown or malformed; ST_NOT_IMPLEMENTED: names what has no effect here. */
MUST_USE enum status native_bprops_apply(const json_t *value, struct bucket_properties *properties,
                                         struct error *err);

#endif
