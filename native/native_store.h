/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations of AIStore made of those of object/: on one object each, for requests and for jobs.
 * All ON_WORKER.
 */
#ifndef NATIVE_NATIVE_STORE_H
#define NATIVE_NATIVE_STORE_H

#include "object/bucket.h"

/* Deleting what is not there is ST_OK. */
MUST_USE ON_WORKER enum status native_store_delete(const struct bucket *bucket, struct bytes key,
                                                   struct error *err);
/* With its checksum, custom metadata and S3's attributes. */
MUST_USE ON_WORKER enum status native_store_copy(const struct bucket *source,
                                                 struct bytes source_key,
                                                 const struct bucket *destination, struct bytes key,
                                                 struct error *err);
/* The copy is durable before the old name goes; who writes the old name meanwhile keeps it. */
MUST_USE ON_WORKER enum status native_store_rename(const struct bucket *bucket, struct bytes from,
                                                   struct bytes to, struct error *err);

#endif
