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

/* What native_bprops_append writes. */
#define NATIVE_BPROPS_SHAPE                                                                        \
    "{backend_bck: Bck, write_policy: {data: text, md: text}, provider: text, Renamed: text, "     \
    "checksum: {type: text, validate_cold_get: bool, validate_warm_get: bool, "                    \
    "validate_obj_move: bool, enable_read_range: bool}, "                                          \
    "extra: {aws: {...}, gcp: {...}, oci: {...}}, rate_limit: {backend: {num_retries: int, "       \
    "interval: text, max_tokens: int, enabled: bool}, frontend: {burst_size: int, "                \
    "interval: text, max_tokens: int, enabled: bool}}, ec: {compression: text, "                   \
    "bundle_multiplier: int, burst_buffer: int, objsize_limit: int, data_slices: int, "            \
    "parity_slices: int, enabled: bool, disk_only: bool}, "                                        \
    "chunks: {objsize_limit: text, max_monolithic_size: text, chunk_size: text, "                  \
    "checkpoint_every: int}, "                                                                     \
    "mirror: {copies: int, burst_buffer: int, enabled: bool}, lru: {dont_evict_time: text, "       \
    "capacity_upd_time: text, enabled: bool}, access: digits, features: digits, bid: digits, "     \
    "created: digits, versioning: {enabled: bool, validate_warm_get: bool, synchronize: bool}}"

void native_bprops_append(const struct native_bck *bck, const struct bucket *bucket,
                          struct buffer *out);
/* SPEC: bid: ais buckets have bit 63 set. */
uint64_t native_bprops_bid(const struct bucket *bucket);

/* Change *properties as value says.  A value that is what holds anyway is accepted; ST_INVALID:
 * unknown or malformed; ST_NOT_IMPLEMENTED: names what has no effect here. */
MUST_USE enum status native_bprops_apply(const json_t *value, struct bucket_properties *properties,
                                         struct error *err);

#endif
