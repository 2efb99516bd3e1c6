/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What keeps the set small: reads take place at the first value that fits (they change nothing);
 * known writes wait until something that returns needs them to be placed; a write with an unknown
 * outcome is placed only where something pending fits its value and did not fit the one before; and
 * of several such writes that differ in nothing, one is tried.
 * A way on that loses for good a value which somebody reads later is not taken.
 */
#include "tests/linearizability/register_search.h"

#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "tests/linearizability/open_steps.h"

#include "base/banned.h"

struct event {
    int64_t time_ns;
    bool is_return;
    uint32_t step;
};

bool
register_step_fits(const struct register_step *step, int32_t value)
{
    switch (step->demand) {
    case DEMAND_NOTHING:
        return true;
    case DEMAND_VALUE:
        return value == step->demanded;
    case DEMAND_PRESENT:
        return value != VALUE_ABSENT;
    case DEMAND_NOT_VALUE:
        return value != step->demanded;
    }
    UNREACHABLE("demands are listed above");
}

/* Will somebody who is not here yet read the value, with nobody left to write it again? */
static bool
is_needed_later(const struct search *search, int32_t value)
{
    const struct asked_value *asked = asked_values_find(&search->asked, value);

    return value != VALUE_ABSENT && asked != NULL && asked->writer_count == 1 &&
           asked->last_known_call_ns > search->now_ns;
}

static void
take_fitting_reads(const struct search *search, uint64_t *row)
{
    int32_t value = row_value(row);

    for (uint32_t slot = 0; slot < search->pending_end; slot++) {
        uint32_t step = search->slot_step[slot];
        if (step != NO_SLOT && search->steps[step].effect == EFFECT_NONE && !is_used(row, slot) &&
            register_step_fits(&search->steps[step], value)) {
            set_used(row, slot);
        }
    }
}

/* Would value serve a pending step (other than except) that the row's value does not serve? */
static bool
is_wanted(const struct search *search, const uint64_t *row, uint32_t except, int32_t value)
{
    int32_t before = row_value(row);

    for (uint32_t slot = 0; slot < search->pending_end; slot++) {
        uint32_t index = search->slot_step[slot];
        if (index == NO_SLOT || slot == except || is_used(row, slot)) {
            continue;
        }
        const struct register_step *step = &search->steps[index];
        if (step->return_ns == NEVER && !search->is_useful[slot]) {
            continue;
        }
        if (!register_step_fits(step, before) && register_step_fits(step, value)) {
            return true;
        }
    }
    return false;
}

static void explore(struct search *search, const uint64_t *from, uint32_t goal);

static void
place(struct search *search, const uint64_t *row, uint32_t slot, int32_t value, uint32_t goal)
{
    uint64_t next[ROW_WORDS_MAX];

    if (search->is_looking_ahead && row_value(row) != value &&
        is_needed_later(search, row_value(row))) {
        return;
    }
    memcpy(next, row, row_size(search) * sizeof(*next));
    next[0] = (uint64_t)(int64_t)value;
    if (search->steps[search->slot_step[slot]].return_ns != NEVER ||
        !open_steps_abound(search, value)) {
        set_used(next, slot);
    }
    explore(search, next, goal);
}

/* Something pending asks for any value at all: each that a copy may have brought is a way on. */
static void
place_any_choice(struct search *search, const uint64_t *row, uint32_t slot, uint32_t goal)
{
    const struct register_step *step = &search->steps[search->slot_step[slot]];

    if (!is_wanted(search, row, slot, VALUE_UNSEEN)) {
        return;
    }
    if (!search->is_unseen_abundant && open_steps_bring_unseen(search, search->slot_step[slot]) &&
        !open_steps_have_better_twin(search, row, slot, VALUE_UNSEEN)) {
        place(search, row, slot, VALUE_UNSEEN, goal);
    }
    for (size_t i = 0; i < step->choice_count; i++) {
        if (open_steps_value_now(search, step->choices[i]) != VALUE_UNSEEN &&
            is_wanted(search, row, slot, step->choices[i]) &&
            !open_steps_have_better_twin(search, row, slot, step->choices[i])) {
            place(search, row, slot, step->choices[i], goal);
        }
    }
}

/* A step whose outcome is unknown takes place only where that explains something. */
static void
place_open(struct search *search, const uint64_t *row, uint32_t slot, uint32_t goal)
{
    uint32_t index = search->slot_step[slot];
    const struct register_step *step = &search->steps[index];

    if (step->effect == EFFECT_SET) {
        if (step->demand != DEMAND_NOTHING &&
            open_steps_abound(search, open_steps_result_now(search, index))) {
            return; /* others do it without a condition */
        }
        if (is_wanted(search, row, slot, open_steps_result_now(search, index)) &&
            !open_steps_have_better_twin(search, row, slot, open_steps_result_now(search, index))) {
            place(search, row, slot, open_steps_result_now(search, index), goal);
        }
        return;
    }
    place_any_choice(search, row, slot, goal);
    for (uint32_t other = 0; other < search->pending_end; other++) {
        uint32_t asking = search->slot_step[other];
        if (asking == NO_SLOT || other == slot || is_used(row, other)) {
            continue;
        }
        const struct register_step *reader = &search->steps[asking];
        if ((reader->return_ns != NEVER || search->is_useful[other]) &&
            reader->demand == DEMAND_VALUE && reader->demanded != row_value(row) &&
            open_steps_has_choice(step, reader->demanded) &&
            !open_steps_have_better_twin(search, row, slot, reader->demanded)) {
            place(search, row, slot, reader->demanded, goal);
        }
    }
}

/* All ways on from a configuration to one in which goal has taken place. */
static void
explore(struct search *search, const uint64_t *from, uint32_t goal)
{
    uint64_t row[ROW_WORDS_MAX];

    memcpy(row, from, row_size(search) * sizeof(*row));
    take_fitting_reads(search, row);
    if (is_used(row, goal)) {
        clear_used(row, goal);
        config_set_add(&search->next, row, row_size(search));
        return;
    }
    if (search->next.count + search->visited.count > SEARCH_CONFIGURATION_MAX ||
        !config_set_add(&search->visited, row, row_size(search))) {
        return;
    }
    for (uint32_t slot = 0; slot < search->pending_end; slot++) {
        uint32_t index = search->slot_step[slot];
        if (index == NO_SLOT || is_used(row, slot) || search->steps[index].effect == EFFECT_NONE ||
            !register_step_fits(&search->steps[index], row_value(row))) {
            continue;
        }
        if (search->steps[index].return_ns == NEVER) {
            place_open(search, row, slot, goal);
        } else {
            place(search, row, slot, open_steps_result_now(search, index), goal);
        }
    }
}

static int
compare_events(const void *a, const void *b)
{
    const struct event *one = a;
    const struct event *other = b;

    if (one->time_ns != other->time_ns) {
        return one->time_ns < other->time_ns ? -1 : 1;
    }
    if (one->is_return != other->is_return) {
        return one->is_return ? 1 : -1; /* what touches counts as concurrent */
    }
    return one->step < other->step ? -1 : one->step > other->step;
}

/* Who may write the values asked for, and which results nobody asks for. */
static void
collect_writers(struct search *search, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct register_step *step = &search->steps[i];
        struct asked_value *asked = asked_values_find(&search->asked, step->result);
        search->results[i] = step->result;
        if (step->effect == EFFECT_SET && asked != NULL) {
            asked->writer_count++;
        } else if (step->effect == EFFECT_SET && step->result != VALUE_ABSENT) {
            search->results[i] = VALUE_UNSEEN;
        }
        search->unseen_from_ns[i] = NEVER;
        for (size_t k = 0; step->effect == EFFECT_CHOICE && k < step->choice_count; k++) {
            asked = asked_values_find(&search->asked, step->choices[k]);
            int64_t unseen_ns = asked == NULL ? INT64_MIN : asked->last_return_ns;
            if (unseen_ns < search->unseen_from_ns[i]) {
                search->unseen_from_ns[i] = unseen_ns;
            }
            if (asked != NULL) {
                asked->writer_count++;
            }
        }
    }
}

/* Can leaving the step out change the verdict?  Only steps without a known outcome may be left out.
 */
static bool
is_relevant(const struct register_step *step, int32_t result, const struct asked_values *asked)
{
    if (step->return_ns != NEVER) {
        return true;
    }
    switch (step->effect) {
    case EFFECT_NONE:
        return false;
    case EFFECT_SET:
        return result == VALUE_ABSENT ? asked->is_absence_asked
                                      : result != VALUE_UNSEEN || asked->is_presence_asked;
    case EFFECT_CHOICE:
        return step->choice_count > 0 || asked->is_presence_asked;
    }
    UNREACHABLE("effects are listed above");
}

/* Fills the results and the events; returns the number of events and how many slots they need. */
static size_t
prepare(struct search *search, size_t count, struct event *events)
{
    size_t event_count = 0;
    uint32_t pending = 0;
    uint32_t pending_max = 0;

    asked_values_build(&search->asked, search->steps, count);
    collect_writers(search, count);
    for (size_t i = 0; i < count; i++) {
        const struct register_step *step = &search->steps[i];
        if (!is_relevant(step, search->results[i], &search->asked)) {
            continue;
        }
        events[event_count++] = (struct event){step->call_ns, false, (uint32_t)i};
        if (step->return_ns != NEVER) {
            events[event_count++] = (struct event){step->return_ns, true, (uint32_t)i};
        }
    }
    qsort(events, event_count, sizeof(*events), compare_events);
    for (size_t i = 0; i < event_count; i++) {
        pending = events[i].is_return ? pending - 1 : pending + 1;
        pending_max = pending > pending_max ? pending : pending_max;
    }
    search->slot_count = pending_max;
    search->words = (pending_max + WORD_BITS - 1) / WORD_BITS;
    return event_count;
}

static void
call_step(struct search *search, uint32_t step)
{
    uint32_t slot = 0;

    while (search->slot_step[slot] != NO_SLOT) {
        slot++;
        CHECK(slot < search->slot_count);
    }
    search->slot_step[slot] = step;
    search->step_slot[step] = slot;
    if (slot >= search->pending_end) {
        search->pending_end = slot + 1;
    }
}

static void
note_held(const struct search *search, struct search_result *result)
{
    for (size_t i = 0; i < search->now.count && result->held_count < SEARCH_HELD_MAX; i++) {
        int32_t value = row_value(&search->now.rows[i * row_size(search)]);
        size_t known = 0;
        while (known < result->held_count && result->held[known] != value) {
            known++;
        }
        if (known == result->held_count) {
            result->held[result->held_count++] = value;
        }
    }
}

/* More reads done is better, fewer writes with unknown outcomes used up is better. */
static void
keep_the_best(struct search *search)
{
    uint64_t reads[ROW_WORDS_MAX] = {0};
    uint64_t open[ROW_WORDS_MAX] = {0};

    for (uint32_t slot = 0; slot < search->pending_end; slot++) {
        uint32_t step = search->slot_step[slot];
        if (step == NO_SLOT) {
            continue;
        }
        if (search->steps[step].effect == EFFECT_NONE) {
            set_used(reads, slot);
        } else if (search->steps[step].return_ns == NEVER) {
            set_used(open, slot);
        }
    }
    for (size_t i = 0; i < search->next.count; i++) {
        uint64_t *row = &search->next.rows[i * row_size(search)];
        row[0] = (uint64_t)(int64_t)open_steps_value_now(search, row_value(row));
    }
    config_set_prune(&search->next, row_size(search), reads, open);
}

static void
return_step(struct search *search, uint32_t step, struct search_result *result)
{
    uint32_t slot = search->step_slot[step];
    struct config_set swap;

    search->now_ns = search->steps[step].return_ns;
    open_steps_weigh(search);
    config_set_clear(&search->next);
    config_set_clear(&search->visited);
    for (size_t i = 0; i < search->now.count; i++) {
        explore(search, &search->now.rows[i * row_size(search)], slot);
    }
    search->slot_step[slot] = NO_SLOT;
    keep_the_best(search);
    while (search->pending_end > 0 && search->slot_step[search->pending_end - 1] == NO_SLOT) {
        search->pending_end--;
    }
    if (search->next.count + search->visited.count > search->count_max) {
        search->count_max = search->next.count + search->visited.count;
    }
    if (search->count_max > SEARCH_CONFIGURATION_MAX) {
        result->verdict = VERDICT_UNDECIDED;
    } else if (search->next.count == 0) {
        result->verdict = VERDICT_VIOLATION;
        result->failed_step = step;
        note_held(search, result);
    }
    swap = search->now;
    search->now = search->next;
    search->next = swap;
}

static struct search_result
run_search(const struct register_step *steps, size_t count, bool is_looking_ahead)
{
    struct search search = {.steps = steps, .is_looking_ahead = is_looking_ahead};
    struct search_result result = {.verdict = VERDICT_LINEARIZABLE};
    struct event *events = xmalloc((2 * count + 1) * sizeof(*events));
    size_t event_count;
    uint64_t *start;

    CHECK(count < NO_SLOT / 2);
    search.results = xcalloc(count + 1, sizeof(*search.results));
    search.unseen_from_ns = xcalloc(count + 1, sizeof(*search.unseen_from_ns));
    search.step_slot = xcalloc(count + 1, sizeof(*search.step_slot));
    event_count = prepare(&search, count, events);
    if (row_size(&search) > ROW_WORDS_MAX) {
        result.verdict = VERDICT_UNDECIDED;
        event_count = 0;
    }
    search.slot_step = xmalloc((search.slot_count + 1) * sizeof(*search.slot_step));
    search.is_useful = xcalloc(search.slot_count + 1, sizeof(*search.is_useful));
    for (uint32_t i = 0; i <= search.slot_count; i++) {
        search.slot_step[i] = NO_SLOT;
    }
    start = xcalloc(row_size(&search), sizeof(*start));
    start[0] = VALUE_ABSENT;
    config_set_add(&search.now, start, row_size(&search));

    for (size_t i = 0; i < event_count && result.verdict == VERDICT_LINEARIZABLE; i++) {
        if (events[i].is_return) {
            return_step(&search, events[i].step, &result);
        } else {
            call_step(&search, events[i].step);
        }
    }
    result.configuration_count_max = search.count_max;
    config_set_release(&search.now);
    config_set_release(&search.next);
    config_set_release(&search.visited);
    free(start);
    free(search.slot_step);
    free(search.is_useful);
    free(search.step_slot);
    free(search.results);
    free(search.unseen_from_ns);
    asked_values_release(&search.asked);
    free(events);
    return result;
}

struct search_result
register_search(const struct register_step *steps, size_t count)
{
    return run_search(steps, count, true);
}

struct search_result
register_search_in_turn(const struct register_step *steps, size_t count)
{
    return run_search(steps, count, false);
}
