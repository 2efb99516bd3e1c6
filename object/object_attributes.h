/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client says about an object or its state, kept beyond the call that brought it.
 * Pure functions, any thread.
 */
#ifndef OBJECT_OBJECT_ATTRIBUTES_H
#define OBJECT_OBJECT_ATTRIBUTES_H

#include "object/object_conditions.h"

/* ST_TOO_LARGE ("MetadataTooLarge"). */
MUST_USE enum status object_attributes_check(const struct object_attributes *attributes,
                                             struct error *err);
/* Everything is copied to arena. */
void object_attributes_copy(struct arena *arena, const struct object_attributes *from,
                            struct object_attributes *ret_to);
void object_conditions_copy(struct arena *arena, const struct object_conditions *from,
                            struct object_conditions *ret_to);

#endif
