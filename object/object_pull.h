/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies whose source another node owns: the destination's owner pulls one version of it in one
 * exchange, the source's owner checks the conditions on it there.
 */
#ifndef OBJECT_OBJECT_PULL_H
#define OBJECT_OBJECT_PULL_H

#include "object/object_copy.h"
#include "object/object_route.h"

/* object_copy, from the node of route.  ST_MOVED: ask for the route again. */
MUST_USE ON_WORKER enum status object_pull(const struct bucket *destination,
                                           const struct object_copy_options *options,
                                           const struct object_route *route,
                                           struct object_copy_result *ret_result,
                                           struct error *err);

/* The other end: what a peer asks of this node's key. */
struct object_pulled {
    struct bytes record; /* encoded, without its layout; in arena */
    struct source *source;
    uint64_t length;
};
/* ST_MOVED: not this node's key; ST_NO_SUCH_KEY, ST_PRECONDITION, ST_INVALID_RANGE... */
MUST_USE ON_WORKER enum status object_pull_serve(const struct bucket *bucket, struct bytes key,
                                                 struct bytes arguments, struct arena *arena,
                                                 struct object_pulled *ret_pulled,
                                                 struct error *err);

#endif
