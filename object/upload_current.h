/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of an upload, before and inside decide.
 */
#ifndef OBJECT_UPLOAD_CURRENT_H
#define OBJECT_UPLOAD_CURRENT_H

#include "meta/upload_record.h"
#include "store/commit.h"

/* ST_OK: the upload takes parts.  ST_NO_SUCH_UPLOAD: it was completed or aborted.  ST_MOVED: it is
 * another target's, or about to be. */
MUST_USE enum status upload_check_open(const struct upload_record *record, struct error *err);
/* ST_NO_SUCH_UPLOAD.  In arena. */
MUST_USE enum status upload_get(struct home *home, uint64_t bucket_id, struct bytes key,
                                struct upload_id id, bool may_wait, struct arena *arena,
                                struct upload_record *ret_record, struct error *err);
/* As upload_check_open; may_leave: ST_OK too if another target has it, or is about to.
 * ST_WOULD_WAIT. */
MUST_USE enum status upload_require_open(struct home *home, uint64_t bucket_id, struct bytes key,
                                         struct upload_id id, bool may_wait, bool may_leave,
                                         enum checksum_algorithm *ret_algorithm, struct error *err);

/* Its parts with number > after, in arena. */
MUST_USE ON_WORKER enum status upload_parts_read(struct home *home, uint64_t bucket_id,
                                                 struct bytes key, struct upload_id id,
                                                 uint32_t after, size_t count_max,
                                                 struct arena *arena,
                                                 struct part_record **ret_parts, size_t *ret_count,
                                                 bool *ret_is_truncated, struct error *err);

/* Inside decide.  ST_NO_SUCH_UPLOAD.  In the commit's arena. */
MUST_USE enum status upload_current_get(struct commit *commit, struct commit_view *view,
                                        uint64_t bucket_id, struct bytes key, struct upload_id id,
                                        struct upload_record *ret_record, struct bytes *ret_value,
                                        struct error *err);
/* Inside decide: the upload must be open (upload_check_open), and gets a new seq. */
MUST_USE enum status upload_touch(struct commit *commit, struct commit_view *view,
                                  uint64_t bucket_id, struct bytes key, struct upload_id id,
                                  struct error *err);
/* Inside decide: the bytes of the part that stands under that key go with the commit; none is fine.
 */
MUST_USE enum status upload_drop_part(struct commit *commit, struct commit_view *view,
                                      struct bytes part_key, struct error *err);

/* Of a stored record: is the upload only on its way here, or gone from here, so that a note that it
 * was completed takes its place? */
MUST_USE enum status upload_yields_to_note(struct bytes value, struct arena *arena,
                                           bool *ret_yields, struct error *err);

#endif
