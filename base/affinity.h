/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which kind of thread may call what.  Prototypes carry ON_LOOP or ON_WORKER, and entry points of
 * such functions begin with the matching assertion.  Threads of tests and programs that never said
 * what they are may call either.
 */
#ifndef BASE_AFFINITY_H
#define BASE_AFFINITY_H

enum affinity { AFFINITY_ANY, AFFINITY_LOOP, AFFINITY_WORKER, AFFINITY_COMMITTER };

#define ON_LOOP   /* event loop threads: never waits */
#define ON_WORKER /* worker threads: may wait for disks and committers */

/* Once per thread, at its start; name (<= 15 bytes) is what ps and gdb show. */
void affinity_set(enum affinity affinity, const char *name);
void assert_on_loop(void);
void assert_on_worker(void);
void assert_on_committer(void);

#endif
