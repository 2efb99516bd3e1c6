/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/cluster_model/protocol_step.h"

#include "base/check.h"

#include "base/banned.h"

static const char *const ACTION_NAMES[] = {[ACTION_START] = "start",
#define PROTOCOL_ACTION_WORD(name, rank) [ACTION_##name] = #name,
                                           PROTOCOL_ACTION_LIST(PROTOCOL_ACTION_WORD)
#undef PROTOCOL_ACTION_WORD
};

static const uint8_t ACTION_RANKS[] = {[ACTION_START] = 0,
#define PROTOCOL_ACTION_RANK(name, rank) [ACTION_##name] = (rank),
                                       PROTOCOL_ACTION_LIST(PROTOCOL_ACTION_RANK)
#undef PROTOCOL_ACTION_RANK
};

const char *
protocol_action_name(enum protocol_action action)
{
    return ACTION_NAMES[action];
}

unsigned int
protocol_action_rank(enum protocol_action action)
{
    return ACTION_RANKS[action];
}

/* A page that a target has left behind is given up: the gateway begins it anew. */
static void
close_stale_page(const struct model *model, struct state *state)
{
    unsigned int placement = VERSION_PLACEMENT(state->page.version);

    if (state->page.is_open == 0 || !model_has(model, RULE_PAGE_ONE_MAP)) {
        return;
    }
    for (unsigned int target = 0; target < PROTOCOL_TARGETS; target++) {
        if (model_is_member(model, placement, target) && !has_bit(state->page.asked, target) &&
            state->targets[target].known > state->page.version) {
            for (unsigned int key = 0; key < model->scenario->key_count; key++) {
                state_event(state, key, HISTORY_DROP_OBSERVE, 1, 0);
            }
            state->page = (struct page){0};
            return;
        }
    }
}

static bool
has_two_owners(const struct model *model, const struct state *state)
{
    for (unsigned int key = 0; key < model->scenario->key_count; key++) {
        unsigned int count = 0;

        for (unsigned int target = 0; target < PROTOCOL_TARGETS; target++) {
            count += state_may_serve(model, state, target, key);
        }
        if (count > 1) {
            return true;
        }
    }
    return false;
}

/* All nodes are there, nothing is under way, all know the same map. */
static bool
is_healthy(const struct model *model, const struct state *state)
{
    for (unsigned int target = 0; target < PROTOCOL_TARGETS; target++) {
        const struct target *self = &state->targets[target];

        if (model_is_member(model, state->placement, target) &&
            (self->is_up == 0 || self->has_home == 0 || self->stopped != 0 ||
             self->known != state_version(state))) {
            return false;
        }
    }
    return state->moves[0].state == MOVE_NONE && state->moves[1].state == MOVE_NONE;
}

static bool
has_unreadable_key(const struct model *model, const struct state *state)
{
    struct cell cell;

    if (!is_healthy(model, state)) {
        return false;
    }
    for (unsigned int key = 0; key < model->scenario->key_count; key++) {
        unsigned int owner = model_owner(model, state->placement, key);

        if (!step_find(model, state, owner, key, &cell)) {
            return true;
        }
    }
    return false;
}

void
step_emit(const struct step *step, struct state *next, enum protocol_action action,
          unsigned int target, unsigned int what)
{
    close_stale_page(step->model, next);
    if (next->violation == VIOLATION_NONE && has_two_owners(step->model, next)) {
        next->violation = VIOLATION_TWO_OWNERS;
    }
    if (next->violation == VIOLATION_NONE && has_unreadable_key(step->model, next)) {
        next->violation = VIOLATION_UNREADABLE;
    }
    step->visit(step->arg, next,
                (struct protocol_act){(uint8_t)action, (uint8_t)target, (uint8_t)what});
}

void
step_all(const struct model *model, const struct state *from, protocol_visit_fn *visit, void *arg)
{
    struct step step = {model, from, visit, arg};

    step_control(&step);
    step_operations(&step);
    step_moves(&step);
    step_listing(&step);
    step_operator(&step);
}
