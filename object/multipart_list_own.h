/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of this node's uploads: for a node without a cluster, and for the merge of all targets. */
#ifndef OBJECT_MULTIPART_LIST_OWN_H
#define OBJECT_MULTIPART_LIST_OWN_H

#include "object/multipart.h"

static inline bool
multipart_list_shows(enum upload_state state)
{
    return state == UPLOAD_OPEN || state == UPLOAD_LEAVING;
}

/* As multipart_list, of what is stored here. */
MUST_USE ON_WORKER enum status
multipart_list_local(const struct bucket *bucket, const struct multipart_list_options *options,
                     struct arena *arena, struct multipart_upload_entry **ret_entries,
                     size_t *ret_count, bool *ret_is_truncated, struct error *err);

/* An entry of another target's page; copied to arena.  ST_INVALID, ST_CORRUPT. */
MUST_USE enum status multipart_list_entry_read(struct bytes sort_key, struct bytes value,
                                               struct arena *arena,
                                               struct multipart_upload_entry *ret_entry,
                                               struct error *err);

#endif
