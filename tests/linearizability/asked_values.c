/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/linearizability/asked_values.h"

#include "base/memory.h"

#include "base/banned.h"

struct asked_value *
asked_values_find(const struct asked_values *asked, int32_t value)
{
    size_t low = 0;
    size_t high = asked->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (asked->values[middle].value < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < asked->count && asked->values[low].value == value ? &asked->values[low] : NULL;
}

static int
compare_asked(const void *a, const void *b)
{
    int32_t one = ((const struct asked_value *)a)->value;
    int32_t other = ((const struct asked_value *)b)->value;

    return one < other ? -1 : one > other;
}

/* Sorts, and makes one of several with the same value. */
static void
merge(struct asked_values *asked)
{
    size_t kept = 0;

    qsort(asked->values, asked->count, sizeof(*asked->values), compare_asked);
    for (size_t i = 0; i < asked->count; i++) {
        const struct asked_value *one = &asked->values[i];
        struct asked_value *last = kept > 0 ? &asked->values[kept - 1] : NULL;
        if (last == NULL || last->value != one->value) {
            asked->values[kept++] = *one;
            continue;
        }
        if (one->last_known_call_ns > last->last_known_call_ns) {
            last->last_known_call_ns = one->last_known_call_ns;
        }
        if (one->last_return_ns > last->last_return_ns) {
            last->last_return_ns = one->last_return_ns;
        }
    }
    asked->count = kept;
}

void
asked_values_build(struct asked_values *asked, const struct register_step *steps, size_t count)
{
    *asked = (struct asked_values){.count = 0};
    asked->values = xmalloc((count + 1) * sizeof(*asked->values));
    for (size_t i = 0; i < count; i++) {
        const struct register_step *step = &steps[i];
        bool is_single = step->demand == DEMAND_VALUE;
        if (step->demand == DEMAND_PRESENT || step->demand == DEMAND_NOT_VALUE) {
            asked->is_presence_asked = true;
        }
        if (step->demand == DEMAND_NOT_VALUE || (is_single && step->demanded == VALUE_ABSENT)) {
            asked->is_absence_asked = true;
        }
        if (is_single || step->demand == DEMAND_NOT_VALUE) {
            asked->values[asked->count++] = (struct asked_value){
                .value = step->demanded,
                .last_known_call_ns =
                    is_single && step->return_ns != NEVER ? step->call_ns : INT64_MIN,
                .last_return_ns = step->return_ns,
            };
        }
    }
    merge(asked);
}

void
asked_values_release(struct asked_values *asked)
{
    free(asked->values);
    asked->values = NULL;
    asked->count = 0;
}
