/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a copy of every control value on each mountpath, so that DATA can be rebuilt from them
 * (loded --recover).  Made when the object store opens; its watch then follows each change.
 */
#ifndef OBJECT_CONTROL_MIRROR_H
#define OBJECT_CONTROL_MIRROR_H

#include "control/control.h"
#include "store/store.h"

struct control_mirror;

/* Brings the copies up to date and watches from then on. */
MUST_USE enum status control_mirror_create(struct control *control, struct store *store,
                                           struct control_mirror **ret_mirror, struct error *err);
/* After the control values were closed. */
void control_mirror_destroy(struct control_mirror **take_mirror);

/* Puts every mirrored control value into an empty control store. */
MUST_USE ON_WORKER enum status control_mirror_restore(struct store *store, struct control *control,
                                                      uint64_t *ret_count, struct error *err);

#endif
