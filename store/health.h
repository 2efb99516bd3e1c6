/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells a failing disk from a full one.  A thread of its own probes each present mountpath from
 * time to time, and at once when a read failed: is it still the one that was opened, is it
 * writable, do a few bytes survive a sync?  What fails is quarantined: it takes no more writes and
 * frees nothing, reads go on where they can.  A full disk is never a fault (store/space.h refuses
 * writes there).
 */
#ifndef STORE_HEALTH_H
#define STORE_HEALTH_H

#include "store/home.h"

struct health;

/* has_thread false: only health_check, by hand. */
struct health *health_create(struct store *store, bool has_thread);
void health_destroy(struct health **take_health);
/* A read failed: look soon.  Any thread, does not wait. */
void health_suspect(struct health *health);

/* One probe.  *ret_is_sound false: quarantined now, why in the log.  Blocks as long as the disk
 * does. */
void health_check(struct home *home, bool *ret_is_sound);

#endif
