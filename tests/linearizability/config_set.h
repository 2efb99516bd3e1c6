/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of rows of numbers of one length, each once: the configurations that a search is in.
 * Owned by one search; single thread.
 */
#ifndef TESTS_LINEARIZABILITY_CONFIG_SET_H
#define TESTS_LINEARIZABILITY_CONFIG_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config_set {
    uint64_t *rows;
    size_t count;
    size_t capacity;
    uint32_t *table; /* index + 1 of a row, by hash */
    size_t table_size;
};

void config_set_clear(struct config_set *set); /* memory is kept */
void config_set_release(struct config_set *set);
/* size: numbers in a row, the same for all of a set.  false: it was there. */
bool config_set_add(struct config_set *set, const uint64_t *row, size_t size);

/*
 * Of rows that are equal but for bits of their later numbers, keep the good ones: a row goes if
 * another has at least its bits of more_is_better and at most its bits of less_is_better.  Both
 * masks are as long as a row; their first number is not looked at.
 */
void config_set_prune(struct config_set *set, size_t size, const uint64_t *more_is_better,
                      const uint64_t *less_is_better);

#endif
