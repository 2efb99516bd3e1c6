/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule 6L: one page over all keys, under the map version that its gateway believes in.  A walk of
 * several pages is right if each page is right for its part of the keys.
 */
#include "tests/cluster_model/protocol_step.h"

#include "base/banned.h"

/* The observer of histories that stands for the page. */
#define PAGE_OBSERVER 1

static void
begin_page(const struct step *step, unsigned int target)
{
    struct state next = *step->from;
    unsigned int version = next.targets[target].known;

    for (unsigned int other = 0; other < target; other++) {
        if (next.targets[other].known == version) {
            return; /* begun already */
        }
    }
    next.pages--;
    next.page = (struct page){.is_open = 1, .version = (uint8_t)version};
    for (unsigned int key = 0; key < step->model->scenario->key_count; key++) {
        state_event(&next, key, HISTORY_BEGIN_OBSERVE, PAGE_OBSERVER, 0);
    }
    step_emit(step, &next, ACTION_begin_page, 0, version);
}

static bool
answers_page(const struct model *model, const struct state *state, unsigned int target)
{
    const struct target *self = &state->targets[target];

    if (self->is_up == 0 || (self->has_home == 0 && model_has(model, RULE_PAGE_NEEDS_HOMES))) {
        return false;
    }
    if (self->known != state->page.version && model_has(model, RULE_PAGE_ONE_MAP)) {
        return false;
    }
    return self->stopped == 0 || !model_has(model, RULE_STOP_REFUSES_PAGES);
}

static struct cell
page_answer(const struct model *model, const struct state *state, unsigned int target,
            unsigned int key)
{
    const struct target *self = &state->targets[target];
    unsigned int placement = VERSION_PLACEMENT(self->known);
    struct cell cell = state_counting(model, state, target, key, self->known);
    bool is_owner = model_owner(model, placement, key) == target;
    bool is_former = has_bit(state_formers(model, state, self->known, key), target) &&
                     model_has(model, RULE_PAGE_ASKS_FORMERS);

    if (self->has_home == 0 || (!is_owner && !is_former)) {
        return (struct cell){0};
    }
    if ((cell.kind == CELL_MOVED && !model_has(model, RULE_PAGE_COUNTS_MARKS)) ||
        (cell.kind == CELL_TOMBSTONE && !model_has(model, RULE_PAGE_COUNTS_TOMBSTONES))) {
        return (struct cell){0};
    }
    return cell;
}

static void
list_page(const struct step *step, unsigned int target)
{
    struct state next = *step->from;
    unsigned int placement = VERSION_PLACEMENT(next.page.version);

    if (has_bit(next.page.asked, target) || !model_is_member(step->model, placement, target) ||
        !answers_page(step->model, &next, target)) {
        return;
    }
    for (unsigned int key = 0; key < step->model->scenario->key_count; key++) {
        next.page.best[key] =
            cell_greater(next.page.best[key], page_answer(step->model, &next, target, key));
        next.page.best[key].confirmed = 0;
        next.page.best[key].written = 0;
    }
    next.page.asked |= (uint8_t)(1U << target);
    step_emit(step, &next, ACTION_list_page, target, next.page.version);
}

static void
end_page(const struct step *step)
{
    struct state next = *step->from;
    unsigned int members = step->model->scenario->members[VERSION_PLACEMENT(next.page.version)];
    bool is_moving = false;

    if (next.page.is_open == 0 || (members & ~(unsigned int)next.page.asked) != 0) {
        return;
    }
    for (unsigned int key = 0; key < step->model->scenario->key_count; key++) {
        is_moving = is_moving || next.page.best[key].kind == CELL_MOVED;
    }
    for (unsigned int key = 0; !is_moving && key < step->model->scenario->key_count; key++) {
        const struct cell *best = &next.page.best[key];
        unsigned int value = best->kind == CELL_RECORD ? best->value : HISTORY_NOTHING;

        state_event(&next, key, HISTORY_END_OBSERVE, PAGE_OBSERVER, value);
    }
    next.page = (struct page){.is_open = is_moving, .version = is_moving ? next.page.version : 0};
    step_emit(step, &next, is_moving ? ACTION_repeat_page : ACTION_end_page, 0, 0);
}

void
step_listing(const struct step *step)
{
    for (unsigned int target = 0; target < PROTOCOL_TARGETS; target++) {
        if (step->from->page.is_open != 0) {
            list_page(step, target);
        } else if (step->from->pages != 0) {
            begin_page(step, target);
        }
    }
    end_page(step);
}
