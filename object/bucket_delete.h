/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What DeleteBucket left behind when the process stopped in the middle of it.
 */
#ifndef OBJECT_BUCKET_DELETE_H
#define OBJECT_BUCKET_DELETE_H

#include "base/affinity.h"
#include "object/object_store.h"

/* At start: buckets in state `deleting` are removed if they are empty, else become active again. In
 * a cluster when the node has joined it; a deletion that goes on at another node is joined in. */
ON_WORKER void bucket_delete_resume(struct object_store *store);

#endif
