/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may still hold names of bytes that commits have dropped.  A pin notes the batch that was
 * published when it was taken; what batch B dropped may be freed once no pin older than B is left.
 * Any thread, no locks, no waiting.
 */
#ifndef STORE_PIN_TABLE_H
#define STORE_PIN_TABLE_H

#include <stdint.h>

struct pin_table;

struct pin_table *pin_table_create(void);
void pin_table_destroy(struct pin_table **take_table);
/* The slot, to be given back.  Must be called before the record is read. */
uint32_t pin_table_take(struct pin_table *table, uint64_t published_batch);
void pin_table_give_back(struct pin_table *table, uint32_t slot);
/* No pin is older than the returned batch; 0: unknown, free nothing.  UINT64_MAX: no pins.  Must be
 * called after the batch whose drops are in question was published. */
uint64_t pin_table_oldest(struct pin_table *table);

#endif
