/* SPDX-License-Identifier: Apache-2.0 */
/* What is explored: scenarios in which nothing may go wrong, and rules without which it does. */
#ifndef TESTS_CLUSTER_MODEL_PROTOCOL_SCENARIOS_H
#define TESTS_CLUSTER_MODEL_PROTOCOL_SCENARIOS_H

#include <stddef.h>

#include "tests/cluster_model/protocol_state.h"

enum scenario_name {
    SCENARIO_JOIN,
    SCENARIO_JOIN_ASKING,
    SCENARIO_JOIN_ONE,
    SCENARIO_JOIN_TWO,
    SCENARIO_RETURN,
    SCENARIO_RETURN_ONE,
    SCENARIO_RETURN_CONDITION,
    SCENARIO_RETURN_ABSENT,
    SCENARIO_RETURN_CRASH,
    SCENARIO_BACK_AND_FORTH,
    SCENARIO_CHAIN,
    SCENARIO_WITHDRAW,
    SCENARIO_LATE_MOVE,
    SCENARIO_HOME,
    SCENARIO_REMOVE,
    SCENARIO_REMOVE_LATER,
    SCENARIO_SLOW_READ,
    SCENARIO_SLOW_READ_BACK,
    SCENARIO_PAGE_JOIN,
    SCENARIO_PAGE_RETURN,
    SCENARIO_UPLOAD,
    SCENARIO_COPY,
    SCENARIO_COPY_JOIN,
    SCENARIO_REPEAT,
    SCENARIO_REPEAT_LATE,
    SCENARIO_CLEANUP,
    SCENARIO_CLEANUP_PAGE,
    SCENARIO_COUNT
};

/* One rule less.  With a partner, the rule is implied by others as long as the partner stands:
 * alone it may be missing, with the partner it may not.  Partners that are implied by this rule in
 * turn may be missing alone, too. */
struct mutant {
    enum protocol_rule rule;
    enum scenario_name scenario;
    uint64_t partner;
    bool keeps_tombstones; /* in the partner's absence */
    bool is_implied;       /* the partner alone may not be missing */
};

extern const struct scenario SCENARIOS[SCENARIO_COUNT];
extern const struct scenario SCENARIOS_LONG[];
extern const size_t SCENARIO_LONG_COUNT;
extern const struct mutant MUTANTS[];
extern const size_t MUTANT_COUNT;

#endif
