/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named fault points for tests, compiled in by --enable-faults and costing nothing otherwise.
 * A point stands before (or between) the steps whose failure a test wants to see:
 *
 *     if ((sys_errno = FAULT_ERRNO("pack_write")) != 0) { ... as if the call had failed with it ...
 * } FAULT_KILL("commit_after_sync");
 *
 * A test arms one point: "the n-th passing fails with errno e", or "... kills the process".  Every
 * point that was passed is remembered, so that a test can iterate over all of them.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stddef.h>
#include <stdint.h>

#ifdef LODE_FAULTS
#define FAULT_ERRNO(name) fault_pass(name)
#define FAULT_KILL(name) ((void)fault_pass(name))
#else
#define FAULT_ERRNO(name) 0
#define FAULT_KILL(name) ((void)0)
#endif

/* sys_errno of an armed point: fails with it; FAULT_ACTION_KILL: SIGKILL to the own process;
 * FAULT_ACTION_SHORT: the caller, where it writes, writes only half. */
#define FAULT_ACTION_KILL (-1)
#define FAULT_ACTION_SHORT (-2)
/* The caller, where it syncs, answers success without syncing: to show that the sync is needed. */
#define FAULT_ACTION_SKIP (-3)

int fault_pass(const char *name);
/* Arm one point; its nth passing from now (1 = the next) acts, `times` times in a row. */
void fault_arm(const char *name, uint64_t nth, uint64_t times, int action);
void fault_disarm(void);
uint64_t fault_acted_count(void); /* since fault_arm */
/* Names passed since the process began, in order of first passing; borrowed. */
size_t fault_names(const char *const **ret_names);

#endif
