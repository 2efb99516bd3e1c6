/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of the writes that redirects brought here, for clients whose answer was lost and who
 * use the URL again (urllib3 and others do): the write counts once, and its answer is told again to
 * whoever asks the same from the same address.  A write that was refused or failed has not counted,
 * so its mark may be used again.
 *
 *   enter -> FIRST or AGAIN: the caller carries it out -> leave, with the answer or without
 *         -> all others: the caller carries nothing out
 *
 * Bounded: the oldest answers are forgotten, and who comes later than that is refused.  Part of a
 * redirect_signer; any thread.  Decision note 014.
 */
#ifndef CLUSTER_REDIRECT_OUTCOMES_H
#define CLUSTER_REDIRECT_OUTCOMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

/* Answers kept.  At 1,000 writes a second they reach back a quarter of the minute that a mark is
 * valid: longer than a client waits before it tries again. */
#define REDIRECT_OUTCOMES_MAX ((size_t)16384)
/* Of one answer: some headers and an upload's id.  A longer one is not kept. */
#define REDIRECT_OUTCOME_BYTES_MAX ((size_t)1024)

struct redirect_outcomes;

struct redirect_write {
    unsigned char session[16]; /* of who redirected */
    uint64_t count;            /* there */
    uint64_t digest;           /* of who asks and the body */
};

enum redirect_entry {
    REDIRECT_ENTRY_FIRST, /* it is not known here: it may have been forgotten */
    REDIRECT_ENTRY_AGAIN, /* it came, and has not counted */
    REDIRECT_ENTRY_OPEN,  /* it is being carried out */
    REDIRECT_ENTRY_DONE,  /* it has counted; *ret_answer */
    REDIRECT_ENTRY_OTHER, /* another one with this mark is being carried out, or has counted */
};

/* Answers are forgotten after forget_ms. */
struct redirect_outcomes *redirect_outcomes_create(int64_t forget_ms);
void redirect_outcomes_destroy(struct redirect_outcomes **take_outcomes);

enum redirect_entry redirect_outcomes_enter(struct redirect_outcomes *outcomes,
                                            const struct redirect_write *write, struct arena *arena,
                                            struct bytes *ret_answer);
/* It has counted, and this was the answer. */
void redirect_outcomes_leave(struct redirect_outcomes *outcomes, const struct redirect_write *write,
                             struct bytes answer, int64_t now_ms);
/* It has not counted.  is_known: its mark was taken, so it may come again. */
void redirect_outcomes_give_back(struct redirect_outcomes *outcomes,
                                 const struct redirect_write *write, bool is_known, int64_t now_ms);
size_t redirect_outcomes_count(struct redirect_outcomes *outcomes); /* for tests */

#endif
