/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule 7: the Complete of an upload that stayed with this target while its key went to another one.
 * The object goes there as a description with a part table; the owner fetches the parts' bytes,
 * decides the conditions, and keeps the upload id in the batch that publishes.
 *
 *   target of the upload:  publish -> verb "complete" -> owner:  note? -> fetch parts -> commit
 */
#ifndef OBJECT_UPLOAD_PUBLISH_H
#define OBJECT_UPLOAD_PUBLISH_H

#include "object/completion.h"
#include "stream/source.h"

/* A part table and a record. */
#define UPLOAD_PUBLISH_BODY_MAX ((size_t)2 << 20)

/* is_here: completion was built from the upload; else the owner is only asked for its note.  ST_OK:
 * *ret_upload says how it was completed, in completion's arena.  ST_MOVED: nothing was done. */
MUST_USE ON_WORKER enum status upload_publish(struct completion *completion, bool is_here,
                                              struct upload_record *ret_upload, struct error *err);
/* Arguments for upload_publish_open: exactly these parts, in order of number. */
void upload_publish_want(struct upload_id id, const struct part_record *const *parts, size_t count,
                         struct buffer *out);
/* At the owner; the answer is the upload's record. */
MUST_USE ON_WORKER enum status upload_publish_take(const struct bucket *bucket, struct bytes from,
                                                   uint64_t map_version, struct bytes arguments,
                                                   struct bytes body, struct buffer *out,
                                                   struct error *err);
/* The bytes of the parts that arguments name, one after the other. */
MUST_USE ON_WORKER enum status upload_publish_open(const struct bucket *bucket, struct bytes key,
                                                   struct bytes arguments, struct buffer *out,
                                                   struct source **ret_source, uint64_t *ret_size,
                                                   struct error *err);

#endif
