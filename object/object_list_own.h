/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of this node alone: for a node without a cluster, and for the merge of all targets. */
#ifndef OBJECT_OBJECT_LIST_OWN_H
#define OBJECT_OBJECT_LIST_OWN_H

#include "object/object_list.h"

/* As object_list, of what is stored here and counts. */
MUST_USE ON_WORKER enum status
object_list_local(const struct bucket *bucket, const struct object_list_options *options,
                  object_list_fn *found, void *arg, struct arena *arena,
                  struct object_list_result *ret_result, struct error *err);

#endif
