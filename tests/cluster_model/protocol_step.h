/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that can happen next in a state.  Each action is atomic, as one commit, one message or one
 * control transaction is; what can come between two of them in reality is two actions here.
 */
#ifndef TESTS_CLUSTER_MODEL_PROTOCOL_STEP_H
#define TESTS_CLUSTER_MODEL_PROTOCOL_STEP_H

#include "tests/cluster_model/protocol_state.h"

/* Name, and its rank when everything is healthy: the least goes first and leads to the end of the
 * placement.  0: an action of clients, operators or faults, which progress must not depend on. */
#define PROTOCOL_ACTION_LIST(ACTION)                                                               \
    ACTION(propose_map, 0)                                                                         \
    ACTION(acknowledge_pending, 20)                                                                \
    ACTION(deliver_acknowledgment, 3)                                                              \
    ACTION(decide_activation, 0)                                                                   \
    ACTION(activate_map, 4)                                                                        \
    ACTION(withdraw_pending, 0)                                                                    \
    ACTION(fetch_map, 5)                                                                           \
    ACTION(admit_without_reading, 0)                                                               \
    ACTION(crash, 0)                                                                               \
    ACTION(restart, 2)                                                                             \
    ACTION(lose_home, 0)                                                                           \
    ACTION(return_home, 1)                                                                         \
    ACTION(admit_put, 0)                                                                           \
    ACTION(admit_delete, 0)                                                                        \
    ACTION(admit_put_if_absent, 0)                                                                 \
    ACTION(admit_complete, 0)                                                                      \
    ACTION(admit_get, 0)                                                                           \
    ACTION(admit_copy, 0)                                                                          \
    ACTION(admit_again, 0)                                                                         \
    ACTION(ask_former, 0)                                                                          \
    ACTION(ask_again, 0)                                                                           \
    ACTION(relay_former, 0)                                                                        \
    ACTION(relay_rest, 0)                                                                          \
    ACTION(confirm_record, 0)                                                                      \
    ACTION(pull_source, 0)                                                                         \
    ACTION(take_put, 0)                                                                            \
    ACTION(commit_put, 7)                                                                          \
    ACTION(commit_put_unanswered, 0)                                                               \
    ACTION(read_record, 0)                                                                         \
    ACTION(get, 0)                                                                                 \
    ACTION(get_own_copy, 0)                                                                        \
    ACTION(send_move, 12)                                                                          \
    ACTION(move_in, 8)                                                                             \
    ACTION(refuse_move, 9)                                                                         \
    ACTION(mark_moved, 10)                                                                         \
    ACTION(lose_move, 0)                                                                           \
    ACTION(move_note, 13)                                                                          \
    ACTION(report_done, 14)                                                                        \
    ACTION(finish_placement, 15)                                                                   \
    ACTION(drop_moved, 16)                                                                         \
    ACTION(drop_tombstones, 17)                                                                    \
    ACTION(put_back, 0)                                                                            \
    ACTION(judge_copy, 0)                                                                          \
    ACTION(remove_copy, 0)                                                                         \
    ACTION(repeat_placement, 0)                                                                    \
    ACTION(begin_page, 0)                                                                          \
    ACTION(list_page, 0)                                                                           \
    ACTION(end_page, 0)                                                                            \
    ACTION(repeat_page, 0)

enum protocol_action {
    ACTION_START,
#define PROTOCOL_ACTION_NAME(name, rank) ACTION_##name,
    PROTOCOL_ACTION_LIST(PROTOCOL_ACTION_NAME)
#undef PROTOCOL_ACTION_NAME
        PROTOCOL_ACTION_COUNT
};

/* What was done, to whom and with what; of each trace. */
struct protocol_act {
    uint8_t action;
    uint8_t target;
    uint8_t what;
};

/* next is the callee's to read until it returns. */
typedef void protocol_visit_fn(void *arg, struct state *next, struct protocol_act act);

struct step {
    const struct model *model;
    const struct state *from;
    protocol_visit_fn *visit;
    void *arg;
};

/* Calls visit for each successor of the state. */
void step_all(const struct model *model, const struct state *from, protocol_visit_fn *visit,
              void *arg);
void step_emit(const struct step *step, struct state *next, enum protocol_action action,
               unsigned int target, unsigned int what);

/* The five parts of step_all, by file. */
void step_control(const struct step *step);
void step_operations(const struct step *step);
void step_moves(const struct step *step);
void step_listing(const struct step *step);
void step_operator(const struct step *step);

/* The greatest seq that an owner finds for a key if all formers answer at this moment; false: it
 * has to ask and one does not answer, or an answer speaks of something that travels. */
bool step_find(const struct model *model, const struct state *state, unsigned int target,
               unsigned int key, struct cell *ret_cell);
/* An answer of a former to the owner, as the owner counts it. */
struct cell step_answer(const struct model *model, const struct state *state, unsigned int owner,
                        unsigned int former, unsigned int key);
/* What stands in the control store, as the target knows it from now on. */
void step_fetch(const struct model *model, struct state *state, unsigned int target);

const char *protocol_action_name(enum protocol_action action);
unsigned int protocol_action_rank(enum protocol_action action);

#endif
