/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Candidates for one key: whoever created it leads until its session ends or it resigns.  A thread
 * of its own campaigns.  Who believes to lead may be wrong, so each change of a leader carries its
 * guard, which etcd compares in the same transaction.  Closed (resigned) before its session.
 */
#ifndef CONTROL_CONTROL_LEADER_H
#define CONTROL_CONTROL_LEADER_H

#include "control/control_session.h"

struct control_leader;

/* On the candidate's thread, one call at a time; false is called before a next true. */
typedef void control_leader_changed_fn(bool is_leader, void *arg);

struct control_leader_options {
    const char *key;                    /* at most CONTROL_LEADER_KEY_BYTES_MAX */
    struct bytes value;                 /* what others see of the leader: its id */
    control_leader_changed_fn *changed; /* or NULL */
    void *arg;
};

/* Become a candidate; does not wait for the outcome. */
MUST_USE enum status control_leader_campaign(struct control_session *session,
                                             const struct control_leader_options *options,
                                             struct control_leader **ret_leader, struct error *err);
/* Ends the candidacy.  A leader deletes the key, so that another follows at once. */
void control_leader_resign(struct control_leader **take_leader);
/* As far as this node knows: the session is confirmed and the key is as it made it.  ret_guard (may
 * be NULL) is for control_commit. */
bool control_leader_is_leader(struct control_leader *leader, struct control_guard *ret_guard);

#endif
