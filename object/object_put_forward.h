/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PUT whose key went to another target while its body came: the bytes and the conditions go there
 * (rule 7), once.  Bodies above OBJECT_FORWARD_BYTES_MAX are answered 503: their clients come
 * again.  The ends of the peer verb "put".
 */
#ifndef OBJECT_OBJECT_PUT_FORWARD_H
#define OBJECT_OBJECT_PUT_FORWARD_H

#include "object/bucket.h"

/* What a request between nodes holds in memory at most. */
#define OBJECT_FORWARD_BYTES_MAX ((uint64_t)8 << 20)
#define OBJECT_FORWARD_BODY_BYTES_MAX ((size_t)9 << 20)

/* At the owner.  ST_MOVED, what a PUT answers, ST_INVALID. */
MUST_USE ON_WORKER enum status object_put_take(const struct bucket *bucket, struct bytes arguments,
                                               struct bytes body, struct seq *ret_seq,
                                               struct error *err);

#endif
