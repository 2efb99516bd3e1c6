/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a cleanup puts copies that nobody may remove: MOUNTPATH/quarantine/, two files for each,
 * for an operator to look at, put back or delete.  Nothing of Lode reads or removes them.
 *
 *   VERSION-COUNTER-DIGEST.data    the object's bytes, verified while they are copied
 *   VERSION-COUNTER-DIGEST.json    bucket, key, seq, ETag, attributes, why
 *
 * The .json appears last and whole, so a .data without one is what a crash left.
 */
#ifndef OBJECT_COPY_QUARANTINE_H
#define OBJECT_COPY_QUARANTINE_H

#include "meta/object_record.h"
#include "object/bucket.h"
#include "store/home.h"

#define COPY_QUARANTINE_DIRECTORY "quarantine"

struct copy_quarantine {
    struct home *home; /* that has the record; held */
    const struct bucket *bucket;
    struct bytes key;
    uint64_t digest; /* of the key, key_claim_digest */
    const struct object_record *record;
    struct home_pin pin; /* older than the record; given back by the call */
    const char *why;
};

/* Durable when it returns.  Put there already, by a run that was cut off: ST_OK.  ST_NO_SPACE,
 * ST_IO, ST_CORRUPT (its bytes are damaged), ST_UNAVAILABLE (they are on a disk that is away):
 * nothing has changed. */
MUST_USE ON_WORKER enum status copy_quarantine_put(struct copy_quarantine *copy, struct error *err);

#endif
