/* SPDX-License-Identifier: Apache-2.0 */
/* Rules 2 and 3: versions that take keys away, nodes that end and start, homes that are away. */
#include "base/bytes.h"
#include "tests/cluster_model/protocol_step.h"

#include "base/banned.h"

static bool
loses_keys(const struct model *model, unsigned int placement, unsigned int next,
           unsigned int target)
{
    for (unsigned int key = 0; key < model->scenario->key_count; key++) {
        if (model_owner(model, placement, key) == target &&
            model_owner(model, next, key) != target) {
            return true;
        }
    }
    return false;
}

static unsigned int
losers(const struct model *model, const struct state *state)
{
    unsigned int bits = 0;

    for (unsigned int target = 0; target < PROTOCOL_TARGETS; target++) {
        if (loses_keys(model, state->placement, state->pending, target) &&
            model_is_member(model, state->pending, target)) {
            bits |= 1U << target;
        }
    }
    return bits;
}

void
step_fetch(const struct model *model, struct state *state, unsigned int target)
{
    struct target *self = &state->targets[target];
    unsigned int version = state_version(state);

    (void)model;
    if (VERSION_PLACEMENT(version) > VERSION_PLACEMENT(self->known) || state->pending == 0 ||
        state->revision != self->stopped) {
        self->stopped = 0;
    }
    self->known = (uint8_t)version;
}

static void
propose_map(const struct step *step)
{
    const struct scenario *scenario = step->model->scenario;
    struct state next = *step->from;
    unsigned int placement = next.placement + 1U;

    if (next.pending != 0 || placement >= scenario->placement_count ||
        has_bit(scenario->repeated, placement)) {
        return;
    }
    for (unsigned int target = 0; target < PROTOCOL_TARGETS; target++) {
        bool is_removed =
            has_bit(scenario->removed, target) && placement + 1U == scenario->placement_count;

        if (is_removed && next.targets[target].is_up != 0) {
            return; /* --confirm-stopped */
        }
    }
    next.pending = (uint8_t)placement;
    next.revision++;
    next.acknowledged = 0;
    step_emit(step, &next, ACTION_propose_map, 0, placement);
}

static bool
is_syncing(const struct state *state, unsigned int target)
{
    for (int i = 0; i < PROTOCOL_OPS; i++) {
        if (state->ops[i].state == OP_TAKEN && state->ops[i].at == target) {
            return true;
        }
    }
    return false;
}

static void
acknowledge_pending(const struct step *step, unsigned int target)
{
    struct state next = *step->from;
    struct target *self = &next.targets[target];

    if (next.pending == 0 || self->is_up == 0 || self->known != state_version(&next) ||
        self->sent == next.revision || has_bit(next.acknowledged, target) ||
        !has_bit(losers(step->model, &next), target)) {
        return;
    }
    if (model_has(step->model, RULE_ACKNOWLEDGE_BEHIND_SYNC) && is_syncing(&next, target)) {
        return;
    }
    self->stopped = next.revision;
    self->sent = next.revision;
    step_emit(step, &next, ACTION_acknowledge_pending, target, next.revision);
}

static void
deliver_acknowledgment(const struct step *step, unsigned int target)
{
    struct state next = *step->from;
    struct target *self = &next.targets[target];
    bool is_named =
        self->sent == next.revision || !model_has(step->model, RULE_ACKNOWLEDGE_REVISION);

    unsigned int revision = self->sent;

    if (revision == 0) {
        return;
    }
    if (next.pending != 0 && is_named) {
        next.acknowledged |= (uint8_t)(1U << target);
    }
    self->sent = 0;
    step_emit(step, &next, ACTION_deliver_acknowledgment, target, revision);
}

/* The operator gave a target's data up: what was acknowledged there may be gone. */
static void
give_up(const struct model *model, struct state *state)
{
    for (unsigned int key = 0; key < PROTOCOL_KEYS; key++) {
        unsigned int owner = model_owner(model, state->placement, key);

        if (has_bit(model->scenario->removed, owner)) {
            state_event(state, key, HISTORY_GIVE_UP, 0, 0);
        }
    }
}

static void
activate_map(const struct step *step)
{
    const struct model *model = step->model;
    struct state next = *step->from;
    bool is_complete =
        next.pending != 0 && (losers(model, &next) & ~(unsigned int)next.acknowledged) == 0;
    bool is_swapped;

    if (next.pending != 0 && !model_has(model, RULE_LOSERS_ACKNOWLEDGE)) {
        is_complete = true;
    }
    if (is_complete && model->scenario->has_slow_leader && next.decided != next.revision) {
        next.decided = next.revision;
        step_emit(step, &next, ACTION_decide_activation, 0, next.revision);
        next = *step->from;
    }
    if (next.decided == 0 && !is_complete) {
        return;
    }
    is_swapped = is_complete || (next.pending != 0 && next.decided == next.revision);
    if (!is_swapped && !model_has(model, RULE_ACTIVATE_BY_CAS)) {
        is_swapped = next.placement + 1U < model->scenario->placement_count;
    }
    if (is_swapped) {
        if (next.placement + 2U == model->scenario->placement_count) {
            give_up(model, &next);
        }
        next.placement++;
        next.pending = 0;
        next.acknowledged = 0;
    }
    next.decided = 0;
    step_emit(step, &next, ACTION_activate_map, 0, next.placement);
}

static void
withdraw_pending(const struct step *step)
{
    struct state next = *step->from;

    if (next.pending == 0 || next.withdrawals == 0) {
        return;
    }
    next.withdrawals--;
    next.pending = 0;
    next.acknowledged = 0;
    step_emit(step, &next, ACTION_withdraw_pending, 0, next.revision);
}

static void
fetch_map(const struct step *step, unsigned int target)
{
    struct state next = *step->from;
    struct target *self = &next.targets[target];

    if (self->is_up == 0 || !model_is_member(step->model, next.placement, target)) {
        return;
    }
    step_fetch(step->model, &next, target);
    if (memcmp(&next, step->from, sizeof(next)) != 0) {
        step_emit(step, &next, ACTION_fetch_map, target, self->known);
    }
    if (step->from->targets[target].stopped != 0 && !model_has(step->model, RULE_READ_WITHDRAWAL)) {
        next = *step->from;
        self->stopped = 0;
        step_emit(step, &next, ACTION_admit_without_reading, target, 0);
    }
}

/* What only memory had is gone.  That a taken operation reached the disk and nobody was told is
 * commit_put_unanswered, with a crash behind it. */
static void
crash(const struct step *step, unsigned int target)
{
    struct state next = *step->from;

    if (next.crashes == 0 || next.targets[target].is_up == 0) {
        return;
    }
    next.crashes--;
    next.targets[target].is_up = 0;
    if (!model_has(step->model, RULE_STOP_ON_DISK)) {
        next.targets[target].stopped = 0;
    }
    if (!model_has(step->model, RULE_COUNTER_ON_DISK)) {
        next.targets[target].counter = 0;
    }
    for (unsigned int i = 0; i < PROTOCOL_OPS; i++) {
        struct op *op = &next.ops[i];

        if ((op->state == OP_ADMITTED || op->state == OP_TAKEN || op->state == OP_RELAYED) &&
            op->at == target) {
            /* The client of an upload asks again, of others it is told nothing. */
            bool is_repeated = op->kind == OP_COMPLETE;
            struct op ended = {
                .kind = op->kind, .key = op->key, .state = is_repeated ? OP_AGAIN : OP_ENDED};

            if (op->kind == OP_GET || op->kind == OP_COPY) {
                state_event(&next, 0, HISTORY_DROP_OBSERVE, 0, 0);
            }
            *op = ended;
        }
    }
    state_cut_relays(&next, target);
    for (int i = 0; i < PROTOCOL_MOVES; i++) {
        if (next.moves[i].state == MOVE_ANSWERED && next.moves[i].source == target) {
            next.moves[i] = (struct move){0};
        }
    }
    step_emit(step, &next, ACTION_crash, target, 0);
}

static void
restart(const struct step *step, unsigned int target)
{
    struct state next = *step->from;

    if (next.targets[target].is_up != 0) {
        return;
    }
    next.targets[target].is_up = 1;
    if (model_has(step->model, RULE_READ_CONTROL_AT_START)) {
        step_fetch(step->model, &next, target);
        if (next.pending != 0 && loses_keys(step->model, next.placement, next.pending, target) &&
            model_has(step->model, RULE_START_READS_PENDING)) {
            next.targets[target].stopped = next.revision;
        }
    }
    step_emit(step, &next, ACTION_restart, target, next.targets[target].known);
}

static void
change_home(const struct step *step, unsigned int target)
{
    struct state next = *step->from;
    struct target *self = &next.targets[target];

    if (self->has_home == 0) {
        self->has_home = 1;
        step_emit(step, &next, ACTION_return_home, target, 0);
    } else if (next.home_losses != 0 && !is_syncing(&next, target)) {
        self->has_home = 0;
        state_cut_relays(&next, target);
        next.home_losses--;
        step_emit(step, &next, ACTION_lose_home, target, 0);
    }
}

void
step_control(const struct step *step)
{
    propose_map(step);
    activate_map(step);
    withdraw_pending(step);
    for (unsigned int target = 0; target < PROTOCOL_TARGETS; target++) {
        acknowledge_pending(step, target);
        deliver_acknowledgment(step, target);
        fetch_map(step, target);
        crash(step, target);
        restart(step, target);
        change_home(step, target);
    }
}
