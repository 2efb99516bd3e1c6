/* SPDX-License-Identifier: Apache-2.0 */
/* What operations on keys have in common, and the reads among them: protocol_operation.c and
 * protocol_read.c. */
#ifndef TESTS_CLUSTER_MODEL_PROTOCOL_OPERATION_H
#define TESTS_CLUSTER_MODEL_PROTOCOL_OPERATION_H

#include "tests/cluster_model/protocol_step.h"

static inline unsigned int
cell_value(struct cell cell)
{
    return cell.kind == CELL_RECORD ? cell.value : HISTORY_NOTHING;
}

/* Rule 4: the operation may go on at the target that admitted it. */
bool operation_is_admitted(const struct model *model, const struct state *state,
                           const struct op *op);
/* Rules 6.1 and 6.2: it asks formers first. */
bool operation_needs_answers(const struct model *model, const struct state *state,
                             const struct op *op);
/* An operation that asks looks at what its own target holds before the answers come. */
void operation_look_at_own(const struct model *model, const struct state *state, struct op *op);
/* The greatest of own and answers; false: not all answered, or the answer travels. */
bool operation_has_found(const struct model *model, const struct state *state, const struct op *op,
                         struct cell *ret_cell);
void operation_begin_anew(struct op *op);
void operation_end(struct op *op);

/* A read that begins and ends at once. */
void step_get(const struct step *step, unsigned int target, unsigned int key);
void step_read_record(const struct step *step, unsigned int number);
void step_relay(const struct step *step, unsigned int number, unsigned int former);
void step_relay_rest(const struct step *step, unsigned int number);

#endif
