/* SPDX-License-Identifier: Apache-2.0 */
/* Deleting keys of this node: for a node without a cluster, and for one node's share. */
#ifndef OBJECT_OBJECT_DELETE_OWN_H
#define OBJECT_OBJECT_DELETE_OWN_H

#include "object/object_delete.h"

/* As object_delete. */
MUST_USE ON_WORKER enum status object_delete_local(const struct bucket *bucket,
                                                   struct object_delete_entry *entries,
                                                   size_t count, struct error *err);

/* The answer of one node: status and sentence of each key, in order.  False: it cannot be read. */
bool object_delete_results_read(struct object_delete_entry *const *entries, size_t count,
                                struct bytes rest);

#endif
