/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of the node of which every mountpath keeps a copy, so that DATA can be rebuilt from any of
 * them.  Each change counts a revision; a mountpath that missed changes gets the newest copy when
 * it is opened again.
 */
#ifndef STORE_MIRROR_H
#define STORE_MIRROR_H

#include "store/store.h"

struct mirror;

/* After the homes were opened, before their committers start: brings all copies up to date. */
MUST_USE enum status mirror_open(struct store *store, struct mirror **ret_mirror,
                                 struct error *err);
/* Between the two no value changes: a home is brought up to date and becomes one of the store's. */
void mirror_pause(struct mirror *mirror);
void mirror_resume(struct mirror *mirror);
/* The present values to a home that takes no commits yet; paused. */
MUST_USE enum status mirror_bring(struct mirror *mirror, struct home *home, struct error *err);
void mirror_close(struct mirror **take_mirror);
/* is_delete: value is not used.  ST_UNAVAILABLE unless at least one mountpath has it durably. */
MUST_USE enum status mirror_change(struct mirror *mirror, struct bytes key, struct bytes value,
                                   bool is_delete, struct error *err);
MUST_USE enum status mirror_scan(struct mirror *mirror,
                                 enum status (*found)(struct bytes key, struct bytes value,
                                                      void *arg, struct error *err),
                                 void *arg, struct error *err);

#endif
