/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PUT whose key went to another target while its body came is finished there, as a PUT of this
 * node (rule 7): the bytes stand in chunk files here and are sent as a stream from those, so memory
 * does not grow with them; the conditions are decided there.  The ends of the peer verb "put".
 *
 *   who had the key: object_put_forward -> head with the record -> [bytes, once asked for] ->
 * answer who has it:      object_put_take_open -> bytes through object_put_sink ->
 * object_put_take_commit
 */
#ifndef OBJECT_OBJECT_PUT_FORWARD_H
#define OBJECT_OBJECT_PUT_FORWARD_H

#include "object/object_put.h"

/* At the owner, from the head: nothing of the body was asked for.  ST_MOVED, what object_put_open
 * answers, ST_INVALID. */
MUST_USE ON_WORKER enum status object_put_take_open(const struct bucket *bucket, struct bytes key,
                                                    struct bytes arguments,
                                                    struct object_put **ret_put, struct error *err);
/* After the sink's finish.  out: how it ended, for the sender.  ST_MOVED: nothing was done. */
MUST_USE ON_WORKER enum status object_put_take_commit(struct object_put *put, struct buffer *out,
                                                      struct error *err);

/* Counter "lode_cluster_puts_passed_on_total". */
void object_put_forward_register_metrics(void);

#endif
