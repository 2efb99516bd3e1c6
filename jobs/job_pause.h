/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast jobs may go: the one place where their threads ask the load of their node
 * (base/load_rest.h), between two objects, where they hold no lock, no pin and no place in a pool.
 */
#ifndef JOBS_JOB_PAUSE_H
#define JOBS_JOB_PAUSE_H

#include <stdatomic.h>

#include "object/object_store.h"

/* Rests as long as a thread that worked for worked_ns has to; less if *is_stopped.  Blocks. */
void job_pause(struct object_store *store, int64_t worked_ns, const atomic_bool *is_stopped);

#endif
