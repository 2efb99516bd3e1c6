/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict on a whole history: each key linearizable, each listing in order and without a key
 * twice. Called by the program `judge` and by its test.
 */
#ifndef TESTS_LINEARIZABILITY_HISTORY_JUDGE_H
#define TESTS_LINEARIZABILITY_HISTORY_JUDGE_H

#include "base/bytes.h"
#include "tests/linearizability/op_history.h"
#include "tests/linearizability/register_search.h"

struct judgement {
    enum verdict verdict; /* the worst of all keys and walks */
    size_t violation_count;
    size_t page_count;
    size_t open_count; /* operations whose outcome nobody knows */
    size_t configuration_count_max;
    struct buffer text; /* the violations, for people; buffer_release() */
};

/* At most this many violations are shrunk and written out; all are counted. */
#define JUDGE_SHOWN_MAX 5

void judge_history(const struct op_history *history, struct judgement *ret_judgement);

#endif
