/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns of keys: who moves a key between homes has it to himself.  Not a lock: a turn is held over
 * disks and commits, and only keys that are moved take one.  Bounded; beyond it newcomers wait.
 */
#ifndef OBJECT_KEY_TURN_H
#define OBJECT_KEY_TURN_H

#include <stdint.h>

#include "base/affinity.h"

/* Turns at once: more than there are workers. */
#define KEY_TURN_MAX 256

struct key_turn_table;

struct key_turn_table *key_turn_table_create(void);
void key_turn_table_destroy(struct key_turn_table **take_table);
/* hash: of the key; two keys of one hash wait for each other. */
ON_WORKER void key_turn_take(struct key_turn_table *table, uint64_t hash);
void key_turn_give_back(struct key_turn_table *table, uint64_t hash);

#endif
