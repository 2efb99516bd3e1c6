/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is there an order of concurrent steps on one register that explains what each of them saw?  After
 * Wing and Gong, in Lowe's just-in-time form: events are walked in order of time, and only the set
 * of configurations (value, which pending steps have taken place) is kept.  A step is placed when
 * it returns at the latest; one that never returns may be placed at any time from its call on, or
 * never.
 *
 * Called by the judge for each key, by the counterexample for each smaller try, and by its test.
 * Keeps nothing; single thread.
 */
#ifndef TESTS_LINEARIZABILITY_REGISTER_SEARCH_H
#define TESTS_LINEARIZABILITY_REGISTER_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values are numbers; a register begins as VALUE_ABSENT. */
#define VALUE_ABSENT 0
/* Any value that no step asks for: which one it is cannot matter. */
#define VALUE_UNSEEN (-1)
/* When an outcome was never learnt. */
#define NEVER INT64_MAX
/* More configurations than this and the search gives up: some 200 MB. */
#define SEARCH_CONFIGURATION_MAX (1u << 20)

enum step_demand {
    DEMAND_NOTHING,
    DEMAND_VALUE,     /* the register holds demanded (VALUE_ABSENT: nothing) */
    DEMAND_PRESENT,   /* it holds something */
    DEMAND_NOT_VALUE, /* it does not hold demanded */
};

enum step_effect {
    EFFECT_NONE,   /* a read */
    EFFECT_SET,    /* the register holds result afterwards */
    EFFECT_CHOICE, /* it holds one of choices, nobody knows which: a copy with an unknown outcome */
};

struct register_step {
    int64_t call_ns;
    int64_t return_ns; /* NEVER: outcome unknown */
    enum step_demand demand;
    enum step_effect effect;
    int32_t demanded;
    int32_t result;
    const int32_t *choices; /* EFFECT_CHOICE: ascending, borrowed */
    size_t choice_count;
    uint32_t source; /* EFFECT_CHOICE: steps with the same source choose from nested sets */
    uint32_t op;     /* where the step comes from; not looked at here */
};

enum verdict {
    VERDICT_LINEARIZABLE,
    VERDICT_VIOLATION,
    VERDICT_UNDECIDED, /* above SEARCH_CONFIGURATION_MAX, or 2,000 steps under way at once */
};

#define SEARCH_HELD_MAX 8

struct search_result {
    enum verdict verdict;
    size_t failed_step; /* VIOLATION: the step at whose return no order is left */
    /* and what the register could hold just before, without repetition */
    int32_t held[SEARCH_HELD_MAX];
    size_t held_count; /* at most SEARCH_HELD_MAX */
    size_t configuration_count_max;
};

/* The steps may stand in any order.  A step without effect and return is ignored. */
struct search_result register_search(const struct register_step *steps, size_t count);

/* The same without looking ahead: slower, but failed_step is the first whose answer cannot be
 * explained. */
struct search_result register_search_in_turn(const struct register_step *steps, size_t count);

/* Does a register that holds value fulfil what the step demands? */
bool register_step_fits(const struct register_step *step, int32_t value);

#endif
