/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which parts a completed object was uploaded in: pages of the layout family under the layout's
 * write id.  Written once by the completion (or copied), removed with the object.
 */
#ifndef OBJECT_PART_TABLE_H
#define OBJECT_PART_TABLE_H

#include "meta/upload_record.h"
#include "store/commit.h"

/* A page of 256 entries is about 16 KiB, one block of the database. */
#define PART_TABLE_PAGE_COUNT 256

/* Inside decide. */
void part_table_put(struct commit *commit, struct write_id id, const struct part_entry *entries,
                    size_t count);
void part_table_delete(struct commit *commit, struct write_id id);

/* Entries with number > after, at most count_max, in arena. */
MUST_USE ON_WORKER enum status part_table_read(struct home *home, struct write_id id,
                                               uint32_t after, size_t count_max,
                                               struct arena *arena, struct part_entry **ret_entries,
                                               size_t *ret_count, bool *ret_is_truncated,
                                               struct error *err);

#endif
