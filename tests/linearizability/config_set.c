/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/linearizability/config_set.h"

#include <string.h>

#include "base/hash.h"
#include "base/memory.h"

#include "base/banned.h"

void
config_set_clear(struct config_set *set)
{
    set->count = 0;
    if (set->table != NULL) {
        memset(set->table, 0, set->table_size * sizeof(*set->table));
    }
}

void
config_set_release(struct config_set *set)
{
    free(set->rows);
    free(set->table);
}

static size_t
config_set_place(const struct config_set *set, const uint64_t *row, size_t size)
{
    size_t i = hash_bytes(bytes_of(row, size * sizeof(*row)), 0) & (set->table_size - 1);

    while (set->table[i] != 0 &&
           memcmp(&set->rows[(set->table[i] - 1) * size], row, size * sizeof(*row)) != 0) {
        i = (i + 1) & (set->table_size - 1);
    }
    return i;
}

static void
config_set_grow(struct config_set *set, size_t size)
{
    set->capacity = set->capacity == 0 ? 64 : set->capacity * 2;
    set->rows = xrealloc_array(set->rows, set->capacity * size, sizeof(*set->rows));
    free(set->table);
    set->table_size = set->capacity * 2;
    set->table = xcalloc(set->table_size, sizeof(*set->table));
    for (size_t i = 0; i < set->count; i++) {
        set->table[config_set_place(set, &set->rows[i * size], size)] = (uint32_t)i + 1;
    }
}

bool
config_set_add(struct config_set *set, const uint64_t *row, size_t size)
{
    size_t place;

    if (set->count == set->capacity) {
        config_set_grow(set, size);
    }
    place = config_set_place(set, row, size);
    if (set->table[place] != 0) {
        return false;
    }
    memcpy(&set->rows[set->count * size], row, size * sizeof(*row));
    set->table[place] = (uint32_t)++set->count;
    return true;
}

struct prune {
    const uint64_t *more;
    const uint64_t *less;
    size_t size;
};

/* Groups rows that may replace each other; within a group the better ones come first. */
static int
compare_rows(const void *a, const void *b, void *arg)
{
    const struct prune *prune = arg;
    const uint64_t *one = a;
    const uint64_t *other = b;
    int worse = 0;

    if (one[0] != other[0]) {
        return one[0] < other[0] ? -1 : 1;
    }
    for (size_t i = 1; i < prune->size; i++) {
        uint64_t fixed = ~(prune->more[i] | prune->less[i]);
        if ((one[i] & fixed) != (other[i] & fixed)) {
            return (one[i] & fixed) < (other[i] & fixed) ? -1 : 1;
        }
        worse += __builtin_popcountll(one[i] & prune->less[i]) -
                 __builtin_popcountll(other[i] & prune->less[i]);
        worse -= __builtin_popcountll(one[i] & prune->more[i]) -
                 __builtin_popcountll(other[i] & prune->more[i]);
    }
    return worse;
}

static bool
is_replaced(const struct prune *prune, const uint64_t *row, const uint64_t *better)
{
    if (row[0] != better[0]) {
        return false;
    }
    for (size_t i = 1; i < prune->size; i++) {
        uint64_t fixed = ~(prune->more[i] | prune->less[i]);
        if (((row[i] ^ better[i]) & fixed) != 0 || (row[i] & ~better[i] & prune->more[i]) != 0 ||
            (better[i] & ~row[i] & prune->less[i]) != 0) {
            return false;
        }
    }
    return true;
}

static bool
is_same_group(const struct prune *prune, const uint64_t *one, const uint64_t *other)
{
    if (one[0] != other[0]) {
        return false;
    }
    for (size_t i = 1; i < prune->size; i++) {
        if (((one[i] ^ other[i]) & ~(prune->more[i] | prune->less[i])) != 0) {
            return false;
        }
    }
    return true;
}

void
config_set_prune(struct config_set *set, size_t size, const uint64_t *more_is_better,
                 const uint64_t *less_is_better)
{
    struct prune prune = {more_is_better, less_is_better, size};
    size_t kept = 0;
    size_t group = 0; /* where the rows like the current one begin */

    if (set->count < 2) {
        return;
    }
    qsort_r(set->rows, set->count, size * sizeof(*set->rows), compare_rows, &prune);
    for (size_t i = 0; i < set->count; i++) {
        const uint64_t *row = &set->rows[i * size];
        size_t better;
        if (kept > 0 && !is_same_group(&prune, row, &set->rows[(kept - 1) * size])) {
            group = kept;
        }
        for (better = group; better < kept; better++) {
            if (is_replaced(&prune, row, &set->rows[better * size])) {
                break;
            }
        }
        if (better == kept) {
            memmove(&set->rows[kept++ * size], row, size * sizeof(*row));
        }
    }
    set->count = kept;
    memset(set->table, 0, set->table_size * sizeof(*set->table));
    for (size_t i = 0; i < kept; i++) {
        set->table[config_set_place(set, &set->rows[i * size], size)] = (uint32_t)i + 1;
    }
}
