/* SPDX-License-Identifier: Apache-2.0 */
/* Rules 6.4-6.6 and 7: what targets move, mark, report and drop. */
#include <string.h>

#include "tests/cluster_model/protocol_step.h"

#include "base/banned.h"

static bool
is_member(const struct step *step, unsigned int target)
{
    return model_is_member(step->model, step->from->placement, target);
}

/* Does the target still have to send its cell of the key? */
static bool
must_move(const struct model *model, const struct state *state, unsigned int target,
          unsigned int key)
{
    const struct target *self = &state->targets[target];
    struct cell cell = state_counting(model, state, target, key, self->known);
    bool is_moved = cell.kind == CELL_RECORD ||
                    (cell.kind == CELL_TOMBSTONE && model_has(model, RULE_MOVE_TOMBSTONES));

    return is_moved && model_owner(model, VERSION_PLACEMENT(self->known), key) != target;
}

static void
send_move(const struct step *step, unsigned int source, unsigned int key)
{
    struct state next = *step->from;
    const struct target *self = &next.targets[source];
    const struct cell *cell = &self->cells[key];
    unsigned int slot = 0;

    if (self->is_up == 0 || self->has_home == 0 || VERSION_IS_FINISHED(self->known) ||
        !is_member(step, source) || !must_move(step->model, &next, source, key)) {
        return;
    }
    while (slot < step->model->scenario->move_count && next.moves[slot].state != MOVE_NONE) {
        slot++;
    }
    if (slot == step->model->scenario->move_count) {
        return;
    }
    next.moves[slot] = (struct move){
        .state = MOVE_SENT,
        .version = self->known,
        .source = (uint8_t)source,
        .destination = (uint8_t)model_owner(step->model, VERSION_PLACEMENT(self->known), key),
        .key = (uint8_t)key,
        .kind = cell->kind,
        .seq = cell->seq,
        .value = cell->value,
    };
    if (slot > 0 && memcmp(&next.moves[0], &next.moves[1], sizeof(next.moves[0])) == 0 &&
        next.crashes == 0) {
        return; /* the same twice tells nothing that one does not */
    }
    step_emit(step, &next, ACTION_send_move, source, key);
}

static bool
is_published(const struct model *model, const struct state *state, const struct move *move)
{
    struct cell own = state_counting(model, state, move->destination, move->key,
                                     state->targets[move->destination].known);

    if (!model_has(model, RULE_MOVE_IN_GREATER) || own.kind == CELL_NONE) {
        return true;
    }
    if (own.kind == CELL_MOVED && model_has(model, RULE_MOVE_IN_BESIDE_EQUAL_MARK)) {
        return own.seq <= move->seq;
    }
    return own.seq < move->seq;
}

static void
move_in(const struct step *step, unsigned int slot)
{
    const struct model *model = step->model;
    struct state next = *step->from;
    struct move *move = &next.moves[slot];
    struct target *self = &next.targets[move->destination];
    unsigned int placement = VERSION_PLACEMENT(self->known);

    if (move->state != MOVE_SENT || self->is_up == 0 || self->has_home == 0) {
        return;
    }
    if (self->known < move->version) {
        return; /* it fetches the map first */
    }
    if (self->known != move->version && model_has(model, RULE_MOVE_IN_FENCED)) {
        *move = (struct move){0};
        step_emit(step, &next, ACTION_refuse_move, step->from->moves[slot].destination, slot);
        return;
    }
    move->state = MOVE_ANSWERED;
    if (is_published(model, &next, move)) {
        self->cells[move->key] = (struct cell){
            .kind = move->kind,
            .seq = move->seq,
            .value = move->value,
            .confirmed = model_has(model, RULE_MOVE_IN_UNCONFIRMED) ? 0 : (uint8_t)(placement + 1),
            .written = (uint8_t)placement,
        };
    } else if (!model_has(model, RULE_MOVE_REFUSED_FREES)) {
        *move = (struct move){0};
    }
    if (move->state == MOVE_ANSWERED && next.targets[move->source].is_up == 0) {
        *move = (struct move){0};
    }
    step_emit(step, &next, ACTION_move_in, step->from->moves[slot].destination, slot);
}

static void
mark_moved(const struct step *step, unsigned int slot)
{
    const struct model *model = step->model;
    struct state next = *step->from;
    struct move move = next.moves[slot];
    struct target *self = &next.targets[move.source];
    struct cell *cell = &self->cells[move.key];

    if (move.state == MOVE_SENT &&
        (move.version != state_version(&next) || next.targets[move.source].is_up == 0 ||
         next.targets[move.destination].is_up == 0)) {
        next.moves[slot] = (struct move){0};
        step_emit(step, &next, ACTION_lose_move, move.source, slot);
        return;
    }
    if (move.state != MOVE_ANSWERED || self->is_up == 0 || self->has_home == 0) {
        return;
    }
    next.moves[slot] = (struct move){0};
    if ((self->known == move.version || !model_has(model, RULE_MARK_MOVED_MAP)) &&
        ((cell->seq == move.seq && cell->kind >= CELL_TOMBSTONE) ||
         !model_has(model, RULE_MARK_MOVED_SEQ))) {
        *cell = (struct cell){.kind = CELL_MOVED,
                              .seq = move.seq,
                              .written = (uint8_t)VERSION_PLACEMENT(move.version)};
        if (!model_has(model, RULE_MOVED_MARK)) {
            *cell = (struct cell){0};
        }
    }
    step_emit(step, &next, ACTION_mark_moved, move.source, slot);
}

/* The upload of the model belongs to key 0. */
static bool
must_move_note(const struct model *model, const struct state *state, unsigned int target)
{
    const struct target *self = &state->targets[target];

    return self->has_note != 0 && model_has(model, RULE_UPLOAD_NOTE_TRAVELS) &&
           model_owner(model, VERSION_PLACEMENT(self->known), 0) != target;
}

static void
move_note(const struct step *step, unsigned int source)
{
    struct state next = *step->from;
    struct target *self = &next.targets[source];
    struct target *owner =
        &next.targets[model_owner(step->model, VERSION_PLACEMENT(self->known), 0)];

    if (must_move_note(step->model, &next, source) && self->is_up != 0 && self->has_home != 0 &&
        !VERSION_IS_FINISHED(self->known) && owner->is_up != 0 && owner->has_home != 0 &&
        owner->known == self->known) {
        owner->has_note = 1;
        self->has_note = 0;
        step_emit(step, &next, ACTION_move_note, source, 0);
    }
}

static void
report_done(const struct step *step, unsigned int target)
{
    struct state next = *step->from;
    struct target *self = &next.targets[target];
    unsigned int placement = VERSION_PLACEMENT(self->known);

    if (self->is_up == 0 || VERSION_IS_FINISHED(self->known) || !is_member(step, target) ||
        self->done == placement + 1) {
        return;
    }
    if (self->has_home == 0 && model_has(step->model, RULE_BARRIER_HOMES)) {
        return;
    }
    for (unsigned int key = 0; self->has_home != 0 && key < PROTOCOL_KEYS; key++) {
        if (must_move(step->model, &next, target, key)) {
            return;
        }
    }
    if (self->has_home != 0 && must_move_note(step->model, &next, target)) {
        return;
    }
    self->done = (uint8_t)(placement + 1);
    step_emit(step, &next, ACTION_report_done, target, placement);
}

static void
finish_placement(const struct step *step)
{
    const struct model *model = step->model;
    struct state next = *step->from;

    if (next.pending != 0 || has_bit(next.finished, next.placement)) {
        return;
    }
    for (unsigned int target = 0; target < PROTOCOL_TARGETS; target++) {
        unsigned int done = next.targets[target].done;

        if (done != 0 && !model_has(model, RULE_DONE_NAMES_PLACEMENT)) {
            continue;
        }
        if (is_member(step, target) && done != next.placement + 1U &&
            model_has(model, RULE_BARRIER_ALL)) {
            return;
        }
    }
    next.finished |= (uint8_t)(1U << next.placement);
    step_emit(step, &next, ACTION_finish_placement, 0, next.placement);
}

/* Marks and tombstones that a target may drop, by what it knows. */
static bool
is_dropped(const struct step *step, unsigned int target, unsigned int key, enum cell_kind kind)
{
    const struct target *self = &step->from->targets[target];
    const struct cell *cell = &self->cells[key];
    unsigned int finished = state_last_finished(step->from, self->known);
    bool is_early = kind == CELL_MOVED && !model_has(step->model, RULE_DROP_AFTER_FINISH) &&
                    self->done == VERSION_PLACEMENT(self->known) + 1;

    if (cell->kind != kind || self->is_up == 0 || self->has_home == 0) {
        return false;
    }
    if (finished > 0 && !model_has(step->model, RULE_DROP_SPARES_NEWER)) {
        return true;
    }
    return is_early || (finished > 0 && cell->written <= finished);
}

static void
drop(const struct step *step, unsigned int target, unsigned int key)
{
    struct state next = *step->from;
    unsigned int finished = state_last_finished(&next, next.targets[target].known);
    enum protocol_action action;

    if (is_dropped(step, target, key, CELL_MOVED)) {
        action = ACTION_drop_moved;
    } else if (is_dropped(step, target, key, CELL_TOMBSTONE) &&
               (!model_has(step->model, RULE_DROP_MARKS_FIRST) ||
                state_has_dropped_marks(step->model, step->from, finished))) {
        action = ACTION_drop_tombstones;
    } else {
        return;
    }
    next.targets[target].cells[key] = (struct cell){0};
    step_emit(step, &next, action, target, key);
}

void
step_moves(const struct step *step)
{
    for (unsigned int target = 0; target < PROTOCOL_TARGETS; target++) {
        for (unsigned int key = 0; key < step->model->scenario->key_count; key++) {
            send_move(step, target, key);
            drop(step, target, key);
        }
        move_note(step, target);
        report_done(step, target);
    }
    for (unsigned int slot = 0; slot < PROTOCOL_MOVES; slot++) {
        if (step->from->moves[slot].state != MOVE_NONE) {
            move_in(step, slot);
            mark_moved(step, slot);
        }
    }
    finish_placement(step);
}
