/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a driver knows of the values, in memory, and who wants to hear of changes.  Readers take a
 * reference to the current snapshot and never wait.  Whoever publishes has the turn, so watchers
 * are called one at a time and in order.  Lifetime: the driver's.
 */
#ifndef CONTROL_CONTROL_VIEW_H
#define CONTROL_CONTROL_VIEW_H

#include "control/control_snapshot.h"

struct control_view;

struct control_view *control_view_create(void);
void control_view_destroy(struct control_view **take_view);

/* A reference; control_snapshot_unref. */
struct control_snapshot *control_view_snapshot(struct control_view *view);

void control_view_turn_take(struct control_view *view);
void control_view_turn_give(struct control_view *view);
/* Only with the turn: next (taken) becomes current, then the watchers hear of changes. */
void control_view_publish(struct control_view *view, struct control_snapshot *next,
                          const struct control_value *changes, size_t count);
/* Wait until the watchers were told of everything up to revision; false: not until deadline_ns
 * (monotonic). */
bool control_view_wait(struct control_view *view, uint64_t revision, int64_t deadline_ns);
/* The same until key, if it is there at all, is there with a revision above `above`. */
bool control_view_wait_gone(struct control_view *view, struct bytes key, uint64_t above,
                            int64_t deadline_ns);

/* From now on no wait takes longer than that; those in progress neither. */
void control_view_hurry(struct control_view *view, int64_t wait_ms_max);

/* These take the turn themselves. */
void control_view_watch(struct control_view *view, struct bytes prefix, control_changed_fn *changed,
                        void *arg);
void control_view_unwatch(struct control_view *view, control_changed_fn *changed, void *arg);

#endif
