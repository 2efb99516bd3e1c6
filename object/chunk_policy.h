/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Into how many files the bytes of an object are cut: AIStore's chunks.objsize_limit and
 * chunks.chunk_size.  Up to PACK_DATA_BYTES_MAX bytes stand in one piece whatever the policy (in
 * the record or a pack).  Pure, any thread.
 */
#ifndef OBJECT_CHUNK_POLICY_H
#define OBJECT_CHUNK_POLICY_H

#include <stdint.h>

#include "base/status.h"

/* A chunk file below one block of integrity makes no sense, one above 5 GiB no difference. */
#define CHUNK_POLICY_BYTES_MIN ((uint64_t)64 << 10)
#define CHUNK_POLICY_BYTES_MAX ((uint64_t)5 << 30)
/* No object is cut into more chunks than S3 allows parts: what is kept in memory of one that is
 * written is bounded.  Chunks of larger objects are larger. */
#define CHUNK_POLICY_COUNT_MAX ((uint64_t)10000)

struct chunk_policy {
    uint64_t chunk_bytes; /* of a full chunk */
    /* Objects of so many bytes and more are cut into chunks; 0: only those that are longer than
     * CHUNK_POLICY_BYTES_MAX. */
    uint64_t limit_bytes;
};

/* ST_INVALID with a sentence that names the bounds. */
MUST_USE enum status chunk_policy_check(const struct chunk_policy *policy, struct error *err);
/* Size of a full chunk of an object of so many bytes; UINT64_MAX: not known yet. */
uint64_t chunk_policy_piece(const struct chunk_policy *policy, uint64_t size);

#endif
