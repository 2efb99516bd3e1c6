/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Visits every state of a scenario once, breadth first, so the trace to a violation is a shortest
 * one.  States are kept whole: a hash only finds them.  When none is left, each state is followed
 * along the actions of healthy nodes; one from which the placement does not end is a violation too.
 */
#ifndef TESTS_CLUSTER_MODEL_PROTOCOL_EXPLORER_H
#define TESTS_CLUSTER_MODEL_PROTOCOL_EXPLORER_H

#include <stdio.h>

#include "tests/cluster_model/protocol_step.h"

#define EXPLORER_TRACE_MAX 256

struct explorer_result {
    enum violation violation;
    uint32_t state_count;
    uint64_t step_count; /* successors, known ones included */
    unsigned int depth;
    bool is_complete; /* false: state_max was reached */
    int64_t time_ns;
    size_t trace_size; /* of a violation */
    struct protocol_act trace[EXPLORER_TRACE_MAX];
    struct state last;
};

void explore(const struct model *model, uint32_t state_max, struct explorer_result *ret_result);
/* The trace, an action a line, each line behind "# ". */
void explorer_print_trace(const struct explorer_result *result, FILE *file);

#endif
