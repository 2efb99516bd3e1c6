/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps whose outcome nobody knows, of which there may be many at once: which of them are worth
 * trying. For register_search.c only.
 */
#ifndef TESTS_LINEARIZABILITY_OPEN_STEPS_H
#define TESTS_LINEARIZABILITY_OPEN_STEPS_H

#include "tests/linearizability/search_state.h"

/* A value that is not asked for any more is VALUE_UNSEEN from then on. */
int32_t open_steps_value_now(const struct search *search, int32_t value);
int32_t open_steps_result_now(const struct search *search, uint32_t step);
/* May this copy have brought a value that nobody asks for, or not any more? */
bool open_steps_bring_unseen(const struct search *search, uint32_t step);
bool open_steps_has_choice(const struct register_step *step, int32_t value);
/* Are there so many open writes of value that using one up makes no difference? */
bool open_steps_abound(const struct search *search, int32_t value);
/* Is another unused step at least as good to take as the one in slot? */
bool open_steps_have_better_twin(const struct search *search, const uint64_t *row, uint32_t slot,
                                 int32_t value);
/* At each return: what abounds, and which conditions are worth fulfilling. */
void open_steps_weigh(struct search *search);

#endif
