/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/cluster_model/protocol_state.h"

#include "base/bytes.h"
#include "base/check.h"

#include "base/banned.h"

static const char *const RULE_NAMES[] = {
#define PROTOCOL_RULE_WORD(name, section, text) #name,
    PROTOCOL_RULE_LIST(PROTOCOL_RULE_WORD)
#undef PROTOCOL_RULE_WORD
};

static const char *const RULE_SECTIONS[] = {
#define PROTOCOL_RULE_SECTION(name, section, text) section,
    PROTOCOL_RULE_LIST(PROTOCOL_RULE_SECTION)
#undef PROTOCOL_RULE_SECTION
};

static const char *const RULE_TEXTS[] = {
#define PROTOCOL_RULE_TEXT(name, section, text) text,
    PROTOCOL_RULE_LIST(PROTOCOL_RULE_TEXT)
#undef PROTOCOL_RULE_TEXT
};

const char *
protocol_rule_name(enum protocol_rule rule)
{
    return RULE_NAMES[rule];
}

const char *
protocol_rule_section(enum protocol_rule rule)
{
    return RULE_SECTIONS[rule];
}

const char *
protocol_rule_text(enum protocol_rule rule)
{
    return RULE_TEXTS[rule];
}

const char *
violation_text(enum violation violation)
{
    static const char *const TEXTS[] = {
        [VIOLATION_NONE] = "none",
        [VIOLATION_HISTORY] = "a client saw what no order of the operations explains",
        [VIOLATION_LISTING] = "a listing page showed what no order of the operations explains",
        [VIOLATION_TWO_OWNERS] = "two targets admit writes on one key",
        [VIOLATION_MIXED_COPY] = "a copy consists of two different objects",
        [VIOLATION_MIXED_READ] = "a read consists of two different objects, or of half of one",
        [VIOLATION_LAST_COPY] = "a cleanup removed what its owner does not have",
        [VIOLATION_UNREADABLE] = "all is healthy and a key cannot be read",
        [VIOLATION_STUCK] = "all is healthy and the placement does not come to a clean end",
    };

    return TEXTS[violation];
}

void
state_start(const struct model *model, struct state *ret_state)
{
    const struct scenario *scenario = model->scenario;

    memset(ret_state, 0, sizeof(*ret_state));
    ret_state->finished = 1;
    ret_state->crashes = scenario->crashes;
    ret_state->home_losses = scenario->home_losses;
    ret_state->withdrawals = scenario->withdrawals;
    ret_state->pages = scenario->pages;
    ret_state->put_backs = scenario->put_backs;
    ret_state->cleanups = scenario->cleanups;
    for (int i = 0; i < PROTOCOL_TARGETS; i++) {
        ret_state->targets[i].is_up = 1;
        ret_state->targets[i].has_home = 1;
        ret_state->targets[i].known = 1;
    }
    for (unsigned int key = 0; key < PROTOCOL_KEYS; key++) {
        bool has_value = has_bit(scenario->has_value, key);

        ret_state->histories[key] = history_start(has_value);
        if (has_value) {
            struct target *owner = &ret_state->targets[model_owner(model, 0, key)];

            owner->counter = 1;
            owner->cells[key] = (struct cell){CELL_RECORD, 1, HISTORY_INITIAL, 1, 0};
        }
    }
}

unsigned int
state_version(const struct state *state)
{
    return 2U * state->placement + has_bit(state->finished, state->placement);
}

unsigned int
model_owner(const struct model *model, unsigned int placement, unsigned int key)
{
    for (int i = 0; i < PROTOCOL_TARGETS; i++) {
        unsigned int target = model->scenario->orders[key][i];

        if (has_bit(model->scenario->placed[placement], target)) {
            return target;
        }
    }
    UNREACHABLE("a placement has a target");
}

bool
model_is_member(const struct model *model, unsigned int placement, unsigned int target)
{
    return has_bit(model->scenario->members[placement], target);
}

unsigned int
state_last_finished(const struct state *state, unsigned int version)
{
    unsigned int placement = VERSION_PLACEMENT(version);

    if (VERSION_IS_FINISHED(version)) {
        return placement;
    }
    while (placement > 0) {
        placement--;
        if (has_bit(state->finished, placement)) {
            return placement;
        }
    }
    UNREACHABLE("the first placement is finished");
}

unsigned int
state_formers(const struct model *model, const struct state *state, unsigned int version,
              unsigned int key)
{
    unsigned int placement = VERSION_PLACEMENT(version);
    unsigned int first = state_last_finished(state, version);
    unsigned int formers = 0;

    if (!model_has(model, RULE_ASK_ALL_FORMERS) && first < placement) {
        first = placement - 1;
    }
    for (unsigned int i = first; i < placement; i++) {
        formers |= 1U << model_owner(model, i, key);
    }
    formers &= ~(1U << model_owner(model, placement, key));
    return formers & model->scenario->members[placement];
}

bool
model_owned_throughout(const struct model *model, unsigned int first, unsigned int last,
                       unsigned int target, unsigned int key)
{
    for (unsigned int i = first; i <= last; i++) {
        if (model_owner(model, i, key) != target) {
            return false;
        }
    }
    return true;
}

bool
state_counts_alone(const struct model *model, const struct state *state, unsigned int target,
                   unsigned int key)
{
    const struct cell *cell = &state->targets[target].cells[key];
    unsigned int version = state->targets[target].known;
    unsigned int last = VERSION_PLACEMENT(version);
    unsigned int first = state_last_finished(state, version);

    if (!model_has(model, RULE_ASK_BEFORE_ANSWER)) {
        return true;
    }
    if (model_owned_throughout(model, first, last, target, key)) {
        return true;
    }
    if (cell->confirmed == 0 || (cell->kind != CELL_RECORD && cell->kind != CELL_TOMBSTONE)) {
        return false;
    }
    if (!model_has(model, RULE_CONFIRMED_UNBROKEN)) {
        return true;
    }
    first = cell->confirmed - 1U > first ? cell->confirmed - 1U : first;
    return model_owned_throughout(model, first, last, target, key);
}

bool
state_is_stopped(const struct model *model, const struct state *state, unsigned int target,
                 unsigned int key)
{
    unsigned int next = VERSION_PLACEMENT(state->targets[target].known) + 1;

    return model_has(model, RULE_STOP_ADMITTING) && state->targets[target].stopped != 0 &&
           next < model->scenario->placement_count && model_owner(model, next, key) != target;
}

bool
state_may_serve(const struct model *model, const struct state *state, unsigned int target,
                unsigned int key)
{
    const struct target *self = &state->targets[target];

    return self->is_up != 0 && self->has_home != 0 &&
           model_owner(model, VERSION_PLACEMENT(self->known), key) == target &&
           !state_is_stopped(model, state, target, key);
}

void
state_cut_relays(struct state *state, unsigned int former)
{
    for (unsigned int i = 0; i < PROTOCOL_OPS; i++) {
        struct op *op = &state->ops[i];

        if (op->state == OP_RELAYED && op->former == former) {
            state_event(state, op->key, HISTORY_DROP_OBSERVE, 0, 0);
            *op = (struct op){.kind = op->kind, .key = op->key, .state = OP_ENDED};
        }
    }
}

void
state_event(struct state *state, unsigned int key, enum history_event event, unsigned int a,
            unsigned int b)
{
    if (state->histories[key] == HISTORY_IMPOSSIBLE) {
        return;
    }
    state->histories[key] = history_apply(state->histories[key], event, a, b);
    if (state->histories[key] == HISTORY_IMPOSSIBLE && state->violation == VIOLATION_NONE) {
        state->violation =
            event == HISTORY_END_OBSERVE && a == 1 ? VIOLATION_LISTING : VIOLATION_HISTORY;
    }
}

struct cell
state_counting(const struct model *model, const struct state *state, unsigned int target,
               unsigned int key, unsigned int version)
{
    struct cell cell = state->targets[target].cells[key];
    unsigned int placement = VERSION_PLACEMENT(version);
    bool is_absent = false;

    if (cell.kind == CELL_MOVED) {
        unsigned int destination = model_owner(model, cell.written, key);

        is_absent = (cell.written <= state_last_finished(state, version) &&
                     model_has(model, RULE_OLD_MARKS_ABSENT)) ||
                    (has_bit(model->scenario->removed, destination) &&
                     !model_is_member(model, placement, destination) &&
                     model_has(model, RULE_REMOVED_MARKS_ABSENT));
    }
    if (cell.kind == CELL_TOMBSTONE) {
        is_absent = cell.written <= state_last_finished(state, version) &&
                    model_has(model, RULE_OLD_TOMBSTONES_ABSENT);
    }
    return is_absent ? (struct cell){0} : cell;
}

bool
state_has_dropped_marks(const struct model *model, const struct state *state, unsigned int finished)
{
    for (unsigned int target = 0; target < PROTOCOL_TARGETS; target++) {
        const struct target *self = &state->targets[target];

        if (!model_is_member(model, state->placement, target)) {
            continue;
        }
        if (state_last_finished(state, self->known) < finished) {
            return false;
        }
        for (unsigned int key = 0; key < PROTOCOL_KEYS; key++) {
            if (self->cells[key].kind == CELL_MOVED && self->cells[key].written <= finished) {
                return false;
            }
        }
    }
    return true;
}

struct cell
cell_greater(struct cell left, struct cell right)
{
    if (left.kind == CELL_NONE || right.kind == CELL_NONE) {
        return left.kind == CELL_NONE ? right : left;
    }
    if (left.seq == right.seq) {
        return left.kind >= right.kind ? left : right;
    }
    return left.seq > right.seq ? left : right;
}

bool
state_is_done(const struct model *model, const struct state *state)
{
    if (state->pending != 0 || !has_bit(state->finished, state->placement)) {
        return false;
    }
    for (unsigned int target = 0; target < PROTOCOL_TARGETS; target++) {
        const struct target *self = &state->targets[target];

        if (!model_is_member(model, state->placement, target)) {
            continue;
        }
        if (self->is_up == 0 || self->has_home == 0 || self->known != state_version(state)) {
            return false;
        }
        for (unsigned int key = 0; key < PROTOCOL_KEYS; key++) {
            if (self->cells[key].kind == CELL_MOVED || self->cells[key].kind == CELL_TOMBSTONE) {
                return false;
            }
        }
    }
    return true;
}
