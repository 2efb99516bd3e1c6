/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast jobs may go: the one place where work in the background asks the load of its node.  Each
 * thread of a job asks between two objects, where it holds no lock, no pin and no place in a pool.
 */
#ifndef JOBS_JOB_PAUSE_H
#define JOBS_JOB_PAUSE_H

#include <stdatomic.h>
#include <stdint.h>

/* How long a thread that worked for worked_ns should rest (ns); 0: not at all.  Any thread. */
typedef int64_t job_pause_fn(int64_t worked_ns);
/* Of this process; NULL, as at the start: nobody rests. */
void job_pause_set(job_pause_fn *pause);

/* Rests as long as it has to, less if *is_stopped. */
void job_pause(int64_t worked_ns, const atomic_bool *is_stopped);

#endif
