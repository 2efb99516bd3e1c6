/* SPDX-License-Identifier: Apache-2.0 */
/* What reads of this node's objects and of a former owner's have in common. */
#ifndef OBJECT_OBJECT_GET_OWN_H
#define OBJECT_OBJECT_GET_OWN_H

#include "object/key_settle.h"
#include "object/object_get.h"
#include "store/home.h"

/* The record and a pin on the home that holds it; the caller gives the pin back.  Nothing that it
 * names goes away before that.  ST_NO_SUCH_KEY, ST_WOULD_WAIT, ST_UNAVAILABLE. */
MUST_USE enum status object_get_find(const struct bucket *bucket,
                                     const struct object_get_options *options, struct arena *arena,
                                     struct home_pin *ret_pin, struct object_record *ret_record,
                                     struct error *err);
/* Which bytes of result->record a range or an entry of its part table (NULL: it has no such part)
 * means.  ST_INVALID_RANGE, ST_INVALID_PART, ST_CORRUPT. */
MUST_USE enum status object_get_resolve_range(const struct object_range *range,
                                              struct object_get_result *result, struct error *err);
MUST_USE enum status object_get_resolve_part(uint32_t number, const struct part_entry *entry,
                                             struct object_get_result *result, struct error *err);
/* A source without bytes; nobody owns it. */
struct source *object_get_empty(void);

/* Rule 6.2R: everything behind the record, which stands at a former owner; the claim is checked
 * afterwards.  ST_CONFLICT: it is not there any more, look again. */
MUST_USE ON_WORKER enum status object_get_relay(const struct bucket *bucket,
                                                const struct object_get_options *options,
                                                const struct key_far *far, struct arena *arena,
                                                struct object_get_result *ret_result,
                                                struct error *err);

#endif
