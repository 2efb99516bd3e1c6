/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules 6H and 11: what operators ask for.  A disk that is put back brings a record of another's
 * key (that of a key which was deleted meanwhile would rise with the next placement, so scenarios
 * with it do not delete).
 */
#include "tests/cluster_model/protocol_step.h"

#include "base/banned.h"

/* The present placement's targets once more, and nobody is asked to acknowledge it. */
static void
repeat_placement(const struct step *step)
{
    const struct scenario *scenario = step->model->scenario;
    struct state next = *step->from;
    unsigned int placement = next.placement + 1U;
    bool is_decided = false;

    if (placement >= scenario->placement_count || !has_bit(scenario->repeated, placement)) {
        return;
    }
    if (model_has(step->model, RULE_REPEAT_BY_CAS)) {
        is_decided = state_is_done(step->model, &next) &&
                     scenario->placed[next.placement] == scenario->placed[placement];
    }
    for (unsigned int before = 0; before < placement && !model_has(step->model, RULE_REPEAT_BY_CAS);
         before++) { /* decided when that one was done */
        is_decided = is_decided || (has_bit(next.finished, before) &&
                                    scenario->placed[before] == scenario->placed[placement]);
    }
    if (!is_decided) {
        return;
    }
    next.placement = (uint8_t)placement;
    next.pending = 0;
    next.acknowledged = 0;
    step_emit(step, &next, ACTION_repeat_placement, 0, placement);
}

/* The disk of the target that had key 0 first is what it was at the start. */
static void
put_back(const struct step *step)
{
    struct state next = *step->from;
    unsigned int target = model_owner(step->model, 0, 0);

    if (next.put_backs == 0 || !state_is_done(step->model, &next) ||
        model_owner(step->model, next.placement, 0) == target ||
        next.targets[target].cells[0].kind != CELL_NONE) {
        return;
    }
    next.put_backs--;
    next.stray = (uint8_t)(target + 1);
    next.targets[target].cells[0] = (struct cell){CELL_RECORD, 1, HISTORY_INITIAL, 1, 0};
    step_emit(step, &next, ACTION_put_back, target, 0);
}

/* Seqs name contents, so of equal ones the identity is the same. */
static bool
has_as_new(const struct model *model, const struct state *state, unsigned int key, unsigned int seq)
{
    unsigned int owner = model_owner(model, state->placement, key);
    const struct cell *cell = &state->targets[owner].cells[key];

    return cell->kind == CELL_RECORD && cell->seq >= seq;
}

/* A target asks the owner, both under the same map. */
static void
judge_copy(const struct step *step, unsigned int target, unsigned int key)
{
    const struct model *model = step->model;
    struct state next = *step->from;
    const struct target *self = &next.targets[target];
    unsigned int owner = model_owner(model, VERSION_PLACEMENT(self->known), key);
    const struct cell *cell = &self->cells[key];
    bool is_elsewhere;

    if (next.cleanups == 0 || next.judged.is_open != 0 || self->is_up == 0 || self->has_home == 0 ||
        cell->kind != CELL_RECORD || owner == target || next.targets[owner].is_up == 0 ||
        next.targets[owner].known != self->known) {
        return;
    }
    if (model_has(model, RULE_CLEANUP_WHEN_DONE) &&
        (!state_is_done(model, &next) || self->known != state_version(&next))) {
        return;
    }
    is_elsewhere = has_as_new(model, &next, key, cell->seq);
    if (model_has(model, RULE_CLEANUP_OWNER_HAS) && !is_elsewhere) {
        return; /* left, and reported */
    }
    next.cleanups--;
    next.judged =
        (struct judged){1, self->known, (uint8_t)target, (uint8_t)key, cell->seq, is_elsewhere};
    step_emit(step, &next, ACTION_judge_copy, target, key);
}

/* Its committer takes it, or refuses. */
static void
remove_copy(const struct step *step)
{
    const struct model *model = step->model;
    struct state next = *step->from;
    struct judged judged = next.judged;
    struct target *self = &next.targets[judged.target];
    struct cell *cell = &self->cells[judged.key];
    bool is_same = self->known == judged.version && self->stopped == 0;

    if (judged.is_open == 0 || self->is_up == 0 || self->has_home == 0) {
        return;
    }
    next.judged = (struct judged){0};
    if ((is_same || !model_has(model, RULE_CLEANUP_SAME_MAP)) && cell->kind == CELL_RECORD &&
        cell->seq == judged.seq) {
        if (judged.is_elsewhere == 0) {
            next.violation = VIOLATION_LAST_COPY;
        }
        *cell = (struct cell){0};
        next.stray = 0;
    }
    step_emit(step, &next, ACTION_remove_copy, judged.target, judged.key);
}

void
step_operator(const struct step *step)
{
    repeat_placement(step);
    put_back(step);
    for (unsigned int target = 0; target < PROTOCOL_TARGETS; target++) {
        for (unsigned int key = 0; key < step->model->scenario->key_count; key++) {
            judge_copy(step, target, key);
        }
    }
    remove_copy(step);
}
