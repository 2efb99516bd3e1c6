/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a search is in the midst of: which steps are pending in which slots, and the configurations.
 * A row is a value, then a bit for each slot whose step has taken place.  For register_search.c and
 * open_steps.c only.
 */
#ifndef TESTS_LINEARIZABILITY_SEARCH_STATE_H
#define TESTS_LINEARIZABILITY_SEARCH_STATE_H

#include "tests/linearizability/asked_values.h"
#include "tests/linearizability/config_set.h"
#include "tests/linearizability/register_search.h"

#define WORD_BITS 64
#define NO_SLOT UINT32_MAX
/* As many open writes that do the same count as any number of them: what they explain once, they
 * explain again.  So a key that many gave up on is judged more mildly, and in time. */
#define ABUNDANT_COUNT 6
/* A value and 2,000 steps under way at once; a row lies on the stack once for each step placed. */
#define ROW_WORDS_MAX 33

struct search {
    const struct register_step *steps;
    struct asked_values asked;
    int64_t now_ns;   /* of the return being looked at */
    int32_t *results; /* of each step, VALUE_UNSEEN where nobody asks */
    int64_t
        *unseen_from_ns; /* of each EFFECT_CHOICE: from when on nobody asks for one of its values */
    uint32_t *step_slot; /* of each pending step */
    uint32_t *slot_step; /* step in each slot, or NO_SLOT; length slot_count */
    uint32_t slot_count;
    uint32_t pending_end; /* slots from here on are free */
    size_t words;
    bool is_looking_ahead;
    bool is_absence_abundant; /* of this return: as ABUNDANT_COUNT says */
    bool is_unseen_abundant;
    bool *
        is_useful; /* of each slot: an open step under a condition whose result may serve another */
    struct config_set now;
    struct config_set next;    /* being built at a return */
    struct config_set visited; /* on the way to one return */
    size_t count_max;
};

static inline size_t
row_size(const struct search *search)
{
    return 1 + search->words;
}

static inline bool
is_used(const uint64_t *row, uint32_t slot)
{
    return (row[1 + slot / WORD_BITS] >> (slot % WORD_BITS)) & 1;
}

static inline void
set_used(uint64_t *row, uint32_t slot)
{
    row[1 + slot / WORD_BITS] |= UINT64_C(1) << (slot % WORD_BITS);
}

static inline void
clear_used(uint64_t *row, uint32_t slot)
{
    row[1 + slot / WORD_BITS] &= ~(UINT64_C(1) << (slot % WORD_BITS));
}

static inline int32_t
row_value(const uint64_t *row)
{
    return (int32_t)(int64_t)row[0];
}

#endif
