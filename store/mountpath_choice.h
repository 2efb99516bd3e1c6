/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Over which mountpaths the chunk files of one write spread: those that rank first by HRW of its
 * write id among the ones that are present and writable, taken in turn.
 */
#ifndef STORE_MOUNTPATH_CHOICE_H
#define STORE_MOUNTPATH_CHOICE_H

#include "meta/extent.h"
#include "store/home.h"

struct mountpath_choice {
    struct home *mountpaths[MOUNTPATH_MAX];
    size_t count;
};

/* spread: how many at most, 0 = all, 1 = the home itself. */
MUST_USE enum status mountpath_choice_init(struct mountpath_choice *choice, struct home *home,
                                           struct write_id id, uint32_t spread, struct error *err);
struct home *mountpath_choice_at(const struct mountpath_choice *choice, size_t index);

#endif
