/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of a register that some step asks for: who asks last, and how many may write them.
 * What nobody asks for any more, or ever, need not be told apart.  Owned by one search; single
 * thread.
 */
#ifndef TESTS_LINEARIZABILITY_ASKED_VALUES_H
#define TESTS_LINEARIZABILITY_ASKED_VALUES_H

#include "tests/linearizability/register_search.h"

struct asked_value {
    int32_t value;
    uint32_t writer_count;      /* steps that may write it; counted by the search */
    int64_t last_known_call_ns; /* of the steps with a known outcome that need it */
    int64_t last_return_ns;     /* of all steps that ask for it */
};

struct asked_values {
    struct asked_value *values; /* ascending */
    size_t count;
    bool is_presence_asked; /* by something that no single value answers */
    bool is_absence_asked;
};

void asked_values_build(struct asked_values *asked, const struct register_step *steps,
                        size_t count);
void asked_values_release(struct asked_values *asked);
/* NULL: nobody asks for it. */
struct asked_value *asked_values_find(const struct asked_values *asked, int32_t value);

#endif
