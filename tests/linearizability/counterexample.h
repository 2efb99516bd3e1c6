/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person reads when a history has no order: the few operations on one key that contradict
 * each other.  Everything that can be taken away with the contradiction left is taken away.
 * Called by the judge for a key whose search failed; keeps nothing.
 */
#ifndef TESTS_LINEARIZABILITY_COUNTEREXAMPLE_H
#define TESTS_LINEARIZABILITY_COUNTEREXAMPLE_H

#include "base/bytes.h"
#include "tests/linearizability/op_history.h"
#include "tests/linearizability/register_search.h"

/*
 * steps: all of the key, in violation; overwritten with the remaining *ret_count.  Taking away a
 * read, or the outcome of a write, can only make more orders possible, so what remains is a
 * violation of the whole history too.  Returns the search of what remains.
 */
struct search_result counterexample_shrink(struct register_step *steps, size_t count,
                                           size_t *ret_count);

/* Shrinks steps and appends the table and the sentence. */
void counterexample_write(const struct op_history *history, int32_t key,
                          struct register_step *steps, size_t count, struct buffer *text);

/* One line: times, client, gateway, what was asked, what was answered.  key: whose entry of a page.
 */
void counterexample_write_op(const struct op_history *history, const struct op *op, int32_t key,
                             int64_t start_ns, struct buffer *text);

#endif
