/* SPDX-License-Identifier: Apache-2.0 */
/* Rules 1, 4, 5, 6.1-6.3, 7, 8 and 10: what a target does for a client. */
#include <string.h>

#include "base/check.h"
#include "tests/cluster_model/protocol_operation.h"

#include "base/banned.h"

static const uint8_t ADMISSIONS[] = {
    [OP_PUT] = ACTION_admit_put,
    [OP_DELETE] = ACTION_admit_delete,
    [OP_PUT_IF_ABSENT] = ACTION_admit_put_if_absent,
    [OP_COMPLETE] = ACTION_admit_complete,
    [OP_GET] = ACTION_admit_get,
    [OP_COPY] = ACTION_admit_copy,
};

struct cell
step_answer(const struct model *model, const struct state *state, unsigned int owner,
            unsigned int former, unsigned int key)
{
    struct cell cell = state_counting(model, state, former, key, state->targets[owner].known);

    if ((cell.kind == CELL_MOVED && !model_has(model, RULE_ASK_COUNTS_MARKS)) ||
        (cell.kind == CELL_TOMBSTONE && !model_has(model, RULE_ASK_COUNTS_TOMBSTONES))) {
        return (struct cell){0};
    }
    return cell;
}

static struct cell
own_answer(const struct model *model, const struct state *state, unsigned int target,
           unsigned int key)
{
    return step_answer(model, state, target, target, key);
}

bool
step_find(const struct model *model, const struct state *state, unsigned int target,
          unsigned int key, struct cell *ret_cell)
{
    const struct target *self = &state->targets[target];
    struct cell best = own_answer(model, state, target, key);
    unsigned int formers = state_formers(model, state, self->known, key);

    if (state_counts_alone(model, state, target, key)) {
        *ret_cell = self->cells[key];
        return true;
    }
    for (unsigned int former = 0; former < PROTOCOL_TARGETS; former++) {
        const struct target *other = &state->targets[former];
        bool is_there = other->is_up != 0 && other->has_home != 0;

        if (!has_bit(formers, former)) {
            continue;
        }
        if (!is_there && !model_has(model, RULE_ASK_UNREACHABLE_FAILS)) {
            continue;
        }
        if (!is_there || (other->known != self->known && model_has(model, RULE_ASK_CARRIES_MAP))) {
            return false;
        }
        best = cell_greater(best, step_answer(model, state, target, former, key));
    }
    *ret_cell = best;
    return best.kind != CELL_MOVED;
}

static bool
may_admit(const struct model *model, const struct state *state, unsigned int target,
          unsigned int key)
{
    const struct target *self = &state->targets[target];

    if (!model_has(model, RULE_OWNER_ADMITS)) {
        return self->is_up != 0 && self->has_home != 0 &&
               model_is_member(model, VERSION_PLACEMENT(self->known), target);
    }
    return state_may_serve(model, state, target, key);
}

/* Rule 4: the operation may go on at the target that admitted it. */
bool
operation_is_admitted(const struct model *model, const struct state *state, const struct op *op)
{
    const struct target *self = &state->targets[op->at];
    unsigned int last = VERSION_PLACEMENT(self->known);
    unsigned int first = VERSION_PLACEMENT(op->admitted);

    if (!model_has(model, RULE_OWNER_ADMITS)) {
        return true;
    }
    if (!model_has(model, RULE_CHECK_UNBROKEN)) {
        first = last;
    }
    return !state_is_stopped(model, state, op->at, op->key) &&
           model_owned_throughout(model, first, last, op->at, op->key);
}

static void
begin_history(struct state *state, unsigned int number, enum op_kind kind, unsigned int key)
{
    switch (kind) {
    case OP_PUT:
    case OP_COMPLETE:
        state_event(state, key, HISTORY_BEGIN_WRITE, number, HISTORY_PUT);
        break;
    case OP_DELETE:
        state_event(state, key, HISTORY_BEGIN_WRITE, number, HISTORY_DELETE);
        break;
    case OP_PUT_IF_ABSENT:
        state_event(state, key, HISTORY_BEGIN_WRITE, number, HISTORY_PUT_IF_ABSENT);
        break;
    case OP_COPY:
        state_event(state, 0, HISTORY_BEGIN_OBSERVE, 0, 0);
        state_event(state, key, HISTORY_BEGIN_WRITE, number, HISTORY_PUT);
        break;
    case OP_GET:
        state_event(state, key, HISTORY_BEGIN_OBSERVE, 0, 0);
        break;
    case OP_NONE:
        break;
    }
}

/* There is one observer for all slow reads, and one upload. */
static bool
is_kind_busy(const struct state *state, enum op_kind kind)
{
    for (int i = 0; i < PROTOCOL_OPS; i++) {
        const struct op *op = &state->ops[i];
        bool is_open = op->state != OP_UNUSED && op->state != OP_ENDED;
        bool is_observer = op->kind == OP_GET || op->kind == OP_COPY;

        if (kind == OP_COMPLETE ? op->kind == OP_COMPLETE
                                : is_open && is_observer && (kind == OP_GET || kind == OP_COPY)) {
            return true;
        }
    }
    return false;
}

bool
operation_needs_answers(const struct model *model, const struct state *state, const struct op *op)
{
    const struct target *self = &state->targets[op->at];
    unsigned int last = VERSION_PLACEMENT(self->known);

    if (op->kind == OP_COMPLETE && model_has(model, RULE_UPLOAD_NOTE_ASKED)) {
        return !model_owned_throughout(model, state_last_finished(state, self->known), last, op->at,
                                       op->key);
    }
    return (model->scenario->asks_always || op->kind == OP_PUT_IF_ABSENT || op->kind == OP_GET ||
            op->kind == OP_COMPLETE) &&
           !state_counts_alone(model, state, op->at, op->key);
}

/* An operation that asks has looked at what its own target holds before the answers come. */
void
operation_look_at_own(const struct model *model, const struct state *state, struct op *op)
{
    op->former = op->at;
    op->best = operation_needs_answers(model, state, op) ? own_answer(model, state, op->at, op->key)
                                                         : (struct cell){0};
}

static void
admit_new(const struct step *step, unsigned int target, enum op_kind kind, unsigned int key)
{
    const struct scenario *scenario = step->model->scenario;
    struct state next;
    unsigned int number = 0;

    while (number < scenario->op_count && step->from->ops[number].state != OP_UNUSED) {
        number++;
    }
    if (number == scenario->op_count || is_kind_busy(step->from, kind) ||
        (kind == OP_COPY && key == 0) || !may_admit(step->model, step->from, target, key)) {
        return;
    }
    next = *step->from;
    begin_history(&next, number, kind, key);
    next.ops[number] = (struct op){.kind = (uint8_t)kind,
                                   .state = OP_ADMITTED,
                                   .key = (uint8_t)key,
                                   .at = (uint8_t)target,
                                   .admitted = next.targets[target].known};
    operation_look_at_own(step->model, &next, &next.ops[number]);
    step_emit(step, &next, (enum protocol_action)ADMISSIONS[kind], target, key);
}

void
operation_begin_anew(struct op *op)
{
    *op = (struct op){.kind = op->kind, .key = op->key, .state = OP_AGAIN};
}

void
operation_end(struct op *op)
{
    *op = (struct op){.kind = op->kind, .key = op->key, .state = OP_ENDED};
}

static void
admit_again(const struct step *step, unsigned int number, unsigned int target)
{
    struct state next = *step->from;
    struct op *op = &next.ops[number];

    if (op->state == OP_AGAIN && may_admit(step->model, &next, target, op->key)) {
        op->state = OP_ADMITTED;
        op->at = (uint8_t)target;
        op->admitted = next.targets[target].known;
        operation_look_at_own(step->model, &next, op);
        step_emit(step, &next, ACTION_admit_again, target, number);
    }
}

static void
ask_former(const struct step *step, unsigned int number, unsigned int former)
{
    const struct model *model = step->model;
    struct state next = *step->from;
    struct op *op = &next.ops[number];
    struct target *other = &next.targets[former];
    const struct target *self = &next.targets[op->at];
    bool is_there = other->is_up != 0 && other->has_home != 0;

    if (op->state != OP_ADMITTED || !operation_needs_answers(model, &next, op) ||
        former == op->at || !has_bit(state_formers(model, &next, self->known, op->key), former) ||
        has_bit(op->asked, former)) {
        return;
    }
    if (is_there && model_has(model, RULE_ASK_CARRIES_MAP)) {
        if (other->known > self->known) {
            return; /* ST_MOVED: the owner fetches the map */
        }
        if (other->known < self->known) {
            step_fetch(model, &next, former);
        }
        if (other->known != self->known) {
            return;
        }
    }
    if (is_there) {
        struct cell answer = step_answer(model, &next, op->at, former, op->key);
        struct cell greater = cell_greater(op->best, answer);

        if (memcmp(&greater, &op->best, sizeof(greater)) != 0) {
            op->former = (uint8_t)former;
        }
        op->best = greater;
        if (op->kind == OP_COMPLETE && model_has(model, RULE_UPLOAD_NOTE_TRAVELS)) {
            op->has_note |= other->has_note;
        }
    } else if (model_has(model, RULE_ASK_UNREACHABLE_FAILS)) {
        return;
    }
    op->asked |= (uint8_t)(1U << former);
    step_emit(step, &next, ACTION_ask_former, former, number);
}

/* The greatest of own and answers; false: not all answered, or the answer travels. */
bool
operation_has_found(const struct model *model, const struct state *state, const struct op *op,
                    struct cell *ret_cell)
{
    const struct target *self = &state->targets[op->at];

    if (!operation_needs_answers(model, state, op)) {
        *ret_cell = self->cells[op->key];
        return true;
    }
    if ((state_formers(model, state, self->known, op->key) & ~(unsigned int)op->asked) != 0) {
        return false;
    }
    *ret_cell = op->best;
    if (op->kind != OP_GET) { /* the committer decides with what is there now */
        *ret_cell = cell_greater(own_answer(model, state, op->at, op->key), op->best);
    }
    return ret_cell->kind != CELL_MOVED;
}

static void
ask_again(const struct step *step, unsigned int number)
{
    struct state next = *step->from;
    struct op *op = &next.ops[number];
    struct cell cell;

    if (op->state == OP_ADMITTED && op->best.kind == CELL_MOVED &&
        !operation_has_found(step->model, &next, op, &cell)) {
        op->asked = 0;
        operation_look_at_own(step->model, &next, op);
        step_emit(step, &next, ACTION_ask_again, op->at, number);
    }
}

static void
confirm_record(const struct step *step, unsigned int number)
{
    const struct model *model = step->model;
    struct state next = *step->from;
    struct op *op = &next.ops[number];
    struct target *self = &next.targets[op->at];
    unsigned int placement = VERSION_PLACEMENT(self->known);
    struct cell cell = op->best;

    if (op->state != OP_ADMITTED || op->asked == 0 || self->has_home == 0 ||
        (state_formers(model, &next, self->known, op->key) & ~(unsigned int)op->asked) != 0) {
        return;
    }
    if (model_has(model, RULE_CONFIRM_CHECKED) && !operation_is_admitted(model, &next, op)) {
        return;
    }
    if (model_has(model, RULE_CONFIRM_VALIDATED)) {
        if (!operation_needs_answers(model, &next, op)) {
            return;
        }
        cell = cell_greater(self->cells[op->key], cell);
    }
    if (cell.kind < CELL_TOMBSTONE) {
        return;
    }
    cell.confirmed = (uint8_t)(placement + 1);
    cell.written = (uint8_t)placement;
    self->cells[op->key] = cell;
    step_emit(step, &next, ACTION_confirm_record, op->at, number);
}

/* One of the two requests of which a copy's body consists here. */
static void
pull_source(const struct step *step, unsigned int number, unsigned int source)
{
    struct state next = *step->from;
    struct op *op = &next.ops[number];
    struct cell cell;

    if (op->state != OP_ADMITTED || op->kind != OP_COPY || op->pulls == 2 ||
        !state_may_serve(step->model, &next, source, 0) ||
        !step_find(step->model, &next, source, 0, &cell) || cell.kind != CELL_RECORD) {
        return;
    }
    if (op->pulls == 1 && model_has(step->model, RULE_COPY_PINNED) && op->pulled_seq != cell.seq) {
        op->pulls = 0; /* begins anew */
    } else if (op->pulls == 1 && op->pulled_value != cell.value) {
        next.violation = VIOLATION_MIXED_COPY;
    }
    op->pulls++;
    op->pulled_seq = cell.seq;
    op->pulled_value = cell.value;
    step_emit(step, &next, ACTION_pull_source, source, number);
}

/* A home's committer decides an operation with what the one before it wrote. */
static bool
is_taken(const struct state *state, unsigned int target, unsigned int key)
{
    for (int i = 0; i < PROTOCOL_OPS; i++) {
        const struct op *op = &state->ops[i];

        if (op->state == OP_TAKEN && op->at == target && op->key == key) {
            return true;
        }
    }
    return false;
}

/* The committer takes the operation: what it decides now is what it will write. */
static void
take_put(const struct step *step, unsigned int number)
{
    const struct model *model = step->model;
    struct state next = *step->from;
    struct op *op = &next.ops[number];
    struct target *self = &next.targets[op->at];
    struct cell cell;

    if (op->state != OP_ADMITTED || op->kind == OP_GET || self->has_home == 0 ||
        is_taken(&next, op->at, op->key)) {
        return;
    }
    if (model_has(model, RULE_CHECK_AT_TAKE) && !operation_is_admitted(model, &next, op)) {
        operation_begin_anew(op);
        step_emit(step, &next, ACTION_take_put, step->from->ops[number].at, number);
        return;
    }
    if (!operation_has_found(model, &next, op, &cell) || (op->kind == OP_COPY && op->pulls < 2)) {
        return;
    }
    op->state = OP_TAKEN;
    if (op->kind == OP_PUT_IF_ABSENT && cell.kind == CELL_RECORD) {
        state_event(&next, op->key, HISTORY_FAIL_WRITE, number, 0);
        operation_end(op);
    } else if (op->kind == OP_COMPLETE && model_has(model, RULE_UPLOAD_NOTE) &&
               (self->has_note != 0 || op->has_note != 0)) {
        state_event(&next, op->key, HISTORY_END_WRITE, number, 0);
        operation_end(op);
    }
    step_emit(step, &next, ACTION_take_put, step->from->ops[number].at, number);
}

static uint8_t
next_seq(const struct model *model, struct target *self, const struct op *op)
{
    unsigned int placement = VERSION_PLACEMENT(self->known);
    unsigned int seen = cell_greater(self->cells[op->key], op->best).seq;
    unsigned int seq;

    CHECK(self->counter < 14);
    self->counter++;
    seq = (model_has(model, RULE_SEQ_HAS_MAP) ? placement << 4 : 0) | self->counter;
    if (seq <= seen && model_has(model, RULE_SEQ_ABOVE_SEEN)) {
        seq = seen + 1;
        self->counter = (uint8_t)((seq & 15) > self->counter ? (seq & 15) : self->counter);
    }
    return (uint8_t)seq;
}

static void
write_cell(const struct model *model, struct state *state, unsigned int number)
{
    const struct op *op = &state->ops[number];
    struct target *self = &state->targets[op->at];
    unsigned int placement = VERSION_PLACEMENT(self->known);
    struct cell cell = {.kind = CELL_RECORD,
                        .value = (uint8_t)(number + 1),
                        .confirmed = (uint8_t)(placement + 1),
                        .written = (uint8_t)placement};

    cell.seq = next_seq(model, self, op);
    if (op->kind == OP_DELETE) {
        unsigned int finished = state_last_finished(state, self->known);
        bool is_left =
            !VERSION_IS_FINISHED(self->known) && model_has(model, RULE_DELETE_LEAVES_TOMBSTONE);

        if (model->keeps_tombstones && finished > 0 &&
            !state_has_dropped_marks(model, state, finished)) {
            is_left = true;
        }

        cell.kind = CELL_TOMBSTONE;
        cell.value = HISTORY_NOTHING;
        if (!is_left) {
            cell = (struct cell){0};
        }
    }
    self->cells[op->key] = cell;
    if (op->kind == OP_COMPLETE && model_has(model, RULE_UPLOAD_NOTE)) {
        self->has_note = 1;
    }
}

/* The sync has returned; the check after it decides the answer. */
static void
commit_put(const struct step *step, unsigned int number)
{
    const struct model *model = step->model;
    struct state next = *step->from;
    struct op *op = &next.ops[number];
    unsigned int at = op->at;
    bool is_refused;

    if (op->state != OP_TAKEN) {
        return;
    }
    is_refused = model_has(model, RULE_CHECK_AFTER_SYNC) && model_has(model, RULE_CHECK_AT_TAKE) &&
                 !operation_is_admitted(model, &next, op);
    write_cell(model, &next, number);
    if (is_refused && !model_has(model, RULE_NO_REPEAT_AFTER_TAKE)) {
        operation_begin_anew(op);
    } else if (is_refused) {
        operation_end(op); /* the client is told nothing */
    } else {
        if (op->kind == OP_COPY) {
            state_event(&next, 0, HISTORY_END_OBSERVE, 0, op->pulled_value);
        }
        state_event(&next, op->key, HISTORY_END_WRITE, number, 0);
        operation_end(op);
    }
    step_emit(step, &next, ACTION_commit_put, at, number);
}

/* The record is durable and the answer does not arrive: an upload is completed again. */
static void
commit_put_unanswered(const struct step *step, unsigned int number)
{
    struct state next = *step->from;
    struct op *op = &next.ops[number];
    unsigned int at = op->at;

    if (op->state != OP_TAKEN || (op->kind != OP_COMPLETE && next.crashes == 0)) {
        return;
    }
    write_cell(step->model, &next, number);
    if (op->kind == OP_COMPLETE) {
        operation_begin_anew(op);
    } else {
        if (op->kind == OP_COPY) {
            state_event(&next, 0, HISTORY_DROP_OBSERVE, 0, 0);
        }
        operation_end(op);
    }
    step_emit(step, &next, ACTION_commit_put_unanswered, at, number);
}

/* All that an operation under way can do next. */
static void
go_on(const struct step *step, unsigned int number)
{
    for (unsigned int target = 0; target < PROTOCOL_TARGETS; target++) {
        admit_again(step, number, target);
        ask_former(step, number, target);
        pull_source(step, number, target);
        step_relay(step, number, target);
    }
    step_relay_rest(step, number);
    ask_again(step, number);
    confirm_record(step, number);
    take_put(step, number);
    commit_put(step, number);
    commit_put_unanswered(step, number);
    step_read_record(step, number);
}

void
step_operations(const struct step *step)
{
    const struct scenario *scenario = step->model->scenario;

    for (unsigned int target = 0; target < PROTOCOL_TARGETS; target++) {
        for (unsigned int key = 0; key < scenario->key_count; key++) {
            if (scenario->has_reads) {
                step_get(step, target, key);
            }
            for (unsigned int kind = OP_PUT; kind <= OP_COPY; kind++) {
                if (has_bit(scenario->op_kinds, kind) && has_bit(scenario->op_keys, key)) {
                    admit_new(step, target, (enum op_kind)kind, key);
                }
            }
        }
    }
    for (unsigned int number = 0; number < scenario->op_count; number++) {
        if (step->from->ops[number].state != OP_UNUSED &&
            step->from->ops[number].state != OP_ENDED) {
            go_on(step, number);
        }
    }
}
