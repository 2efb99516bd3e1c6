/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/linearizability/open_steps.h"

#include "base/banned.h"

/* A value that is not asked for any more is like any other such. */
int32_t
open_steps_value_now(const struct search *search, int32_t value)
{
    const struct asked_value *asked = asked_values_find(&search->asked, value);

    return value != VALUE_ABSENT && asked != NULL && asked->last_return_ns < search->now_ns
               ? VALUE_UNSEEN
               : value;
}

int32_t
open_steps_result_now(const struct search *search, uint32_t step)
{
    return open_steps_value_now(search, search->results[step]);
}

/* May this copy have brought a value that nobody asks for, or not any more? */
bool
open_steps_bring_unseen(const struct search *search, uint32_t step)
{
    return search->unseen_from_ns[step] < search->now_ns;
}

bool
open_steps_abound(const struct search *search, int32_t value)
{
    return value == VALUE_ABSENT ? search->is_absence_abundant
                                 : value == VALUE_UNSEEN && search->is_unseen_abundant;
}

bool
open_steps_has_choice(const struct register_step *step, int32_t value)
{
    size_t low = 0;
    size_t high = step->choice_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (step->choices[middle] < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < step->choice_count && step->choices[low] == value;
}

/* Two steps with unknown outcomes that do the same under the same condition. */
static bool
is_same_kind(const struct search *search, uint32_t a, uint32_t b)
{
    const struct register_step *one = &search->steps[a];
    const struct register_step *other = &search->steps[b];

    return one->effect == other->effect && one->demand == other->demand &&
           (one->demand == DEMAND_NOTHING || one->demanded == other->demanded) &&
           (one->effect == EFFECT_CHOICE
                ? one->source == other->source
                : open_steps_result_now(search, a) == open_steps_result_now(search, b));
}

/*
 * Is there another unused step with an unknown outcome that is at least as good to take?  Of equal
 * ones the first slot is taken.  Of copies the one that was called last: what it may have copied,
 * an earlier one may too, and both stay open.
 */
bool
open_steps_have_better_twin(const struct search *search, const uint64_t *row, uint32_t slot,
                            int32_t value)
{
    uint32_t index = search->slot_step[slot];
    const struct register_step *step = &search->steps[index];

    for (uint32_t other = 0; other < search->pending_end; other++) {
        uint32_t twin = search->slot_step[other];
        if (twin == NO_SLOT || other == slot || search->steps[twin].return_ns != NEVER ||
            is_used(row, other) || !is_same_kind(search, index, twin)) {
            continue;
        }
        if (step->effect != EFFECT_CHOICE) {
            if (other < slot) {
                return true;
            }
        } else if ((value == VALUE_UNSEEN ? open_steps_bring_unseen(search, twin)
                                          : open_steps_has_choice(&search->steps[twin], value)) &&
                   (search->steps[twin].call_ns > step->call_ns ||
                    (search->steps[twin].call_ns == step->call_ns && other < slot))) {
            return true;
        }
    }
    return false;
}

/* Does the result of an open step serve a step that has to take place, or a useful one? */
static bool
serves_another(const struct search *search, uint32_t slot, int32_t result)
{
    for (uint32_t other = 0; other < search->pending_end; other++) {
        uint32_t index = search->slot_step[other];
        if (index == NO_SLOT || other == slot) {
            continue;
        }
        const struct register_step *step = &search->steps[index];
        if ((step->return_ns != NEVER || search->is_useful[other]) &&
            step->demand != DEMAND_NOTHING && register_step_fits(step, result)) {
            return true;
        }
    }
    return false;
}

/* Is slot an open step under a condition?  Then *ret_result is what it leaves. */
static bool
is_open_condition(const struct search *search, uint32_t slot, int32_t *ret_result)
{
    uint32_t index = search->slot_step[slot];

    if (index == NO_SLOT || search->steps[index].return_ns != NEVER ||
        search->steps[index].demand == DEMAND_NOTHING) {
        return false;
    }
    *ret_result = search->steps[index].effect == EFFECT_SET ? open_steps_result_now(search, index)
                                                            : VALUE_UNSEEN;
    return true;
}

/* What the open steps of this moment are good for. */
void
open_steps_weigh(struct search *search)
{
    size_t absent = 0;
    size_t unseen = 0;
    bool is_changed = true;

    for (uint32_t slot = 0; slot < search->pending_end; slot++) {
        uint32_t index = search->slot_step[slot];
        search->is_useful[slot] = false;
        if (index != NO_SLOT && search->steps[index].return_ns == NEVER &&
            search->steps[index].effect == EFFECT_SET &&
            search->steps[index].demand == DEMAND_NOTHING) {
            absent += open_steps_result_now(search, index) == VALUE_ABSENT;
            unseen += open_steps_result_now(search, index) == VALUE_UNSEEN;
        }
    }
    search->is_absence_abundant = absent >= ABUNDANT_COUNT;
    search->is_unseen_abundant = unseen >= ABUNDANT_COUNT;
    while (is_changed) {
        is_changed = false;
        for (uint32_t slot = 0; slot < search->pending_end; slot++) {
            int32_t result;
            if (search->is_useful[slot] || !is_open_condition(search, slot, &result) ||
                open_steps_abound(search, result)) {
                continue;
            }
            if (search->steps[search->slot_step[slot]].effect == EFFECT_CHOICE ||
                serves_another(search, slot, result)) {
                search->is_useful[slot] = is_changed = true;
            }
        }
    }
}
