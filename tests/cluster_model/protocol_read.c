/* SPDX-License-Identifier: Apache-2.0 */
/* Rules 4, 6.2 and 6.2R: reads, at once, slow, and from the bytes of a former. */
#include "tests/cluster_model/protocol_operation.h"

#include "base/banned.h"

/* A read that begins and ends at once, at each target that would answer it. */
void
step_get(const struct step *step, unsigned int target, unsigned int key)
{
    struct state next = *step->from;
    const struct target *self = &next.targets[target];
    struct cell cell;

    if (state_may_serve(step->model, &next, target, key)) {
        if (step_find(step->model, &next, target, key, &cell)) {
            state_event(&next, key, HISTORY_SEE, cell_value(cell), 0);
            step_emit(step, &next, ACTION_get, target, key);
        }
    } else if (!model_has(step->model, RULE_NO_OWN_COPY) && self->is_up != 0 &&
               self->has_home != 0 && self->cells[key].kind == CELL_RECORD) {
        state_event(&next, key, HISTORY_SEE, self->cells[key].value, 0);
        step_emit(step, &next, ACTION_get_own_copy, target, key);
    }
}

/* A read knows what counts, and it is a former's. */
static bool
may_relay(const struct model *model, const struct state *state, const struct op *op)
{
    struct cell cell;

    return op->state == OP_ADMITTED && op->kind == OP_GET &&
           operation_needs_answers(model, state, op) &&
           operation_has_found(model, state, op, &cell) && cell.kind == CELL_RECORD &&
           op->former != op->at;
}

/* All formers have answered, and one of them has the record that counts: what is large is not
 * brought here first, the former sends it.  This is the head of its answer, and half of the body.
 */
void
step_relay(const struct step *step, unsigned int number, unsigned int former)
{
    const struct model *model = step->model;
    struct state next = *step->from;
    struct op *op = &next.ops[number];
    struct target *other = &next.targets[former];
    const struct target *self = &next.targets[op->at];
    const struct cell *cell = &other->cells[op->key];

    if (!may_relay(model, &next, op) || op->former != former || other->is_up == 0 ||
        other->has_home == 0) {
        return;
    }
    if (model_has(model, RULE_ASK_CARRIES_MAP) && other->known != self->known) {
        return;
    }
    if (model_has(model, RULE_RELAY_CHECKED) && !operation_is_admitted(model, &next, op)) {
        operation_begin_anew(op);
    } else if (model_has(model, RULE_RELAY_PINNED) &&
               (cell->kind != CELL_RECORD || cell->seq != op->best.seq)) {
        op->asked = 0;
        operation_look_at_own(model, &next, op);
    } else {
        op->state = OP_RELAYED;
        op->pulled_seq = cell->seq;
        op->pulled_value = (uint8_t)cell_value(*cell);
    }
    step_emit(step, &next, ACTION_relay_former, former, number);
}

/* The other half.  The bytes are the former's, whoever owns the key by now. */
void
step_relay_rest(const struct step *step, unsigned int number)
{
    struct state next = *step->from;
    struct op *op = &next.ops[number];
    unsigned int former = op->former;
    const struct cell *cell = &next.targets[former].cells[op->key];

    if (op->state != OP_RELAYED) {
        return;
    }
    if (!model_has(step->model, RULE_RELAY_HELD) &&
        (cell->kind != CELL_RECORD || cell->seq != op->pulled_seq)) {
        next.violation = VIOLATION_MIXED_READ;
    }
    state_event(&next, op->key, HISTORY_END_OBSERVE, 0, op->pulled_value);
    operation_end(op);
    step_emit(step, &next, ACTION_relay_rest, former, number);
}

/* A slow read: admitted some time ago. */
void
step_read_record(const struct step *step, unsigned int number)
{
    const struct model *model = step->model;
    struct state next = *step->from;
    struct op *op = &next.ops[number];
    unsigned int at = op->at;
    struct cell cell;

    if (op->state != OP_ADMITTED || op->kind != OP_GET || next.targets[at].has_home == 0 ||
        may_relay(model, &next, op)) {
        return; /* a former's record is relayed, or confirmed first */
    }
    if (model_has(model, RULE_CHECK_AFTER_READ) && !operation_is_admitted(model, &next, op)) {
        operation_begin_anew(op);
    } else if (operation_has_found(model, &next, op, &cell)) {
        state_event(&next, op->key, HISTORY_END_OBSERVE, 0, cell_value(cell));
        operation_end(op);
    } else {
        return;
    }
    step_emit(step, &next, ACTION_read_record, at, number);
}
