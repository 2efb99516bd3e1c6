/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs of this node, or of all nodes of its cluster: a job may run on another node than the one
 * that is asked for it.  Lives in the arena.
 */
#ifndef NATIVE_NATIVE_JOB_LIST_H
#define NATIVE_NATIVE_JOB_LIST_H

#include "native/native_call.h"

struct native_job {
    struct job_info info;
    struct bytes node;
};

struct native_job_list {
    struct native_job *jobs; /* those of one node behind each other */
    size_t count;
    struct bytes missing; /* a node that did not answer; empty: all did */
};

/* id empty: of any.  A job that this node runs for all is looked for here alone. */
MUST_USE ON_WORKER enum status native_job_list(const struct native_call *call, struct bytes id,
                                               bool is_running_only,
                                               struct native_job_list *ret_list, struct error *err);

#endif
