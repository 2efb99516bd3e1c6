/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the generation of the node still while operations rest on it.  An operation enters before
 * it asks for a key's home and leaves when its commit is decided; a change waits until everyone who
 * entered has left and keeps newcomers out meanwhile: no key has two homes that admit writes.
 *
 * What stands between enter and leave is short: records and commits, never a body.  A thread may
 * enter again while it is in (it is counted once).  Any thread.
 */
#ifndef STORE_GENERATION_GUARD_H
#define STORE_GENERATION_GUARD_H

#include <stdbool.h>

struct generation_guard;

struct generation_guard *generation_guard_create(void);
void generation_guard_destroy(struct generation_guard **take_guard);

/* Waits while a change is under way. */
void generation_guard_enter(struct generation_guard *guard);
/* For loops: false instead of waiting. */
bool generation_guard_try_enter(struct generation_guard *guard);
void generation_guard_leave(struct generation_guard *guard);

/* One changer at a time; must not have entered.  From the return on nobody is in. */
void generation_guard_begin_change(struct generation_guard *guard);
void generation_guard_end_change(struct generation_guard *guard);

#endif
