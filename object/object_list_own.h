/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of this node alone: for a node without a cluster, and for the merge of all targets. */
#ifndef OBJECT_OBJECT_LIST_OWN_H
#define OBJECT_OBJECT_LIST_OWN_H

#include "cluster/cluster_map.h"
#include "object/object_list.h"
#include "object/page_merge.h"

/* As object_list, of what is stored here and counts. */
MUST_USE ON_WORKER enum status
object_list_local(const struct bucket *bucket, const struct object_list_options *options,
                  object_list_fn *found, void *arg, struct arena *arena,
                  struct object_list_result *ret_result, struct error *err);

/* While keys move: one key, as this target knows it.  Exactly one of record, is_tombstone and
 * is_moved is set. */
struct listed_key {
    struct bytes name;
    const struct object_record *record; /* summary */
    bool is_tombstone;
    bool is_moved; /* it went to another target, under this seq */
    struct seq seq;
};
typedef void object_list_placing_fn(const struct listed_key *key, void *arg);
/* Of node_id under map; the delimiter only says where the page begins. */
MUST_USE ON_WORKER enum status object_list_placing(const struct bucket *bucket,
                                                   const struct object_list_options *options,
                                                   const struct cluster_map *map,
                                                   struct bytes node_id,
                                                   object_list_placing_fn *found, void *arg,
                                                   bool *ret_is_truncated, struct error *err);

/* ---- the value of an entry of another target's page; false: it cannot be read ---- */

/* Views into value; record holds the summary. */
bool object_list_entry_read(struct bytes value, struct object_record *record);
bool object_list_entry_weigh(struct bytes value, struct page_weight *ret_weight);

#endif
