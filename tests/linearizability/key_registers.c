/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/linearizability/key_registers.h"

#include "base/check.h"
#include "base/memory.h"

#include "base/banned.h"

struct builder {
    const struct op_history *history;
    struct key_registers *registers;
    int64_t *value_call_ns; /* when each value was first sent, NEVER: no put sent it */
    int32_t *key_order;     /* keys by name */
    bool *flows; /* [to * keys + from]: a copy with unknown outcome may have carried values */
};

static void
add_step(struct builder *builder, int32_t key, struct register_step step)
{
    struct key_register *target = &builder->registers->keys[key];

    if (target->count == target->capacity) {
        target->capacity = target->capacity == 0 ? 64 : target->capacity * 2;
        target->steps = xrealloc_array(target->steps, target->capacity, sizeof(*target->steps));
    }
    target->steps[target->count++] = step;
}

static struct register_step
step_of(const struct builder *builder, const struct op *op)
{
    return (struct register_step){
        .call_ns = op->call_ns,
        .return_ns = op->return_ns,
        .op = (uint32_t)(op - builder->history->ops),
    };
}

static void
add_read(struct builder *builder, const struct op *op, int32_t key, enum step_demand demand,
         int32_t demanded)
{
    struct register_step step = step_of(builder, op);

    step.demand = demand;
    step.demanded = demanded;
    add_step(builder, key, step);
}

static void
demand_condition(const struct op *op, struct register_step *step)
{
    if (op->is_if_none_match) {
        step->demand = DEMAND_VALUE;
        step->demanded = VALUE_ABSENT;
    } else if (op->if_match != NAME_NONE) {
        step->demand = DEMAND_VALUE;
        step->demanded = op->if_match;
    }
}

/* The half of a put, delete or copy that changes its key, or was refused by it. */
static void
add_write(struct builder *builder, const struct op *op, struct register_step step)
{
    if (op->result == RESULT_FAILED) {
        if (op->is_if_none_match) {
            add_read(builder, op, op->key, DEMAND_PRESENT, 0);
        } else {
            add_read(builder, op, op->key, DEMAND_NOT_VALUE, op->if_match);
        }
        return;
    }
    demand_condition(op, &step);
    add_step(builder, op->key, step);
}

/* Everything written to a key with a value that is known, whatever became of it. */
static bool
may_write(const struct op *op, int32_t key)
{
    return op->key == key &&
           ((op->kind == OP_PUT && (op->result == RESULT_OK || op->result == RESULT_UNKNOWN)) ||
            (op->kind == OP_COPY && op->result == RESULT_OK));
}

static bool
has_written(const struct op *op, int32_t key)
{
    return op->key == key && op->result == RESULT_OK &&
           (op->kind == OP_PUT || op->kind == OP_COPY || op->kind == OP_DELETE);
}

static int
compare_values(const void *a, const void *b)
{
    int32_t one = *(const int32_t *)a;
    int32_t other = *(const int32_t *)b;

    return one < other ? -1 : one > other;
}

/*
 * What a copy with an unknown outcome may have read: all that was ever sent to its source, but for
 * what another write had replaced for certain before the copy began.
 */
static size_t
collect_choices(const struct builder *builder, const struct op *copy, int32_t *ret_choices)
{
    const struct op_history *history = builder->history;
    size_t key_count = history->keys.count;
    int64_t replaced_ns = INT64_MIN; /* what returned before this was replaced */
    size_t count = 0;
    size_t kept = 0;

    for (size_t i = 0; i < history->count; i++) {
        const struct op *op = &history->ops[i];
        if (has_written(op, copy->source) && op->return_ns < copy->call_ns &&
            op->call_ns > replaced_ns) {
            replaced_ns = op->call_ns;
        }
    }
    for (size_t i = 0; i < history->count; i++) {
        const struct op *op = &history->ops[i];
        bool is_direct =
            op->kind != OP_PAGE && may_write(op, copy->source) && op->return_ns >= replaced_ns;
        bool is_carried = op->kind != OP_PAGE && op->key != copy->source &&
                          may_write(op, op->key) &&
                          builder->flows[(size_t)copy->source * key_count + (size_t)op->key];
        if ((is_direct || is_carried) && builder->value_call_ns[op->value] != NEVER) {
            ret_choices[count++] = op->value;
        }
    }
    qsort(ret_choices, count, sizeof(*ret_choices), compare_values);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || ret_choices[kept - 1] != ret_choices[i]) {
            ret_choices[kept++] = ret_choices[i];
        }
    }
    return kept;
}

static void
add_open_copy(struct builder *builder, const struct op *op)
{
    struct key_registers *registers = builder->registers;
    struct register_step step = step_of(builder, op);
    int32_t *choices = xmalloc((builder->history->count + 1) * sizeof(*choices));

    step.effect = EFFECT_CHOICE;
    step.source = (uint32_t)op->source;
    step.choice_count = collect_choices(builder, op, choices);
    choices = xrealloc(choices, (step.choice_count + 1) * sizeof(*choices));
    step.choices = choices;
    registers->choices = xrealloc_array(registers->choices, registers->choices_count + 1,
                                        sizeof(*registers->choices));
    registers->choices[registers->choices_count++] = choices;
    add_write(builder, op, step);
}

static void
add_copy(struct builder *builder, const struct op *op)
{
    struct register_step step = step_of(builder, op);
    int64_t sent_ns;

    switch (op->result) {
    case RESULT_ABSENT:
        add_read(builder, op, op->source, DEMAND_VALUE, VALUE_ABSENT);
        return;
    case RESULT_SOURCE_FAILED:
        add_read(builder, op, op->source, DEMAND_NOT_VALUE, op->source_if_match);
        return;
    case RESULT_UNKNOWN:
        add_open_copy(builder, op);
        return;
    case RESULT_FAILED:
        add_write(builder, op, step);
        return;
    case RESULT_OK:
        break;
    }
    add_read(builder, op, op->source, DEMAND_VALUE, op->value);
    /* It cannot have written what was not yet there to be read; copies that read in a circle what
     * nobody has put are no explanation. */
    sent_ns = builder->value_call_ns[op->value];
    if (sent_ns > step.return_ns) {
        return;
    }
    step.effect = EFFECT_SET;
    step.result = op->value;
    step.call_ns = sent_ns > step.call_ns ? sent_ns : step.call_ns;
    add_write(builder, op, step);
}

static bool
is_in_page(const struct op *page, const char *key)
{
    return strncmp(key, page->prefix, strlen(page->prefix)) == 0 &&
           (page->after[0] == '\0' || strcmp(key, page->after) > 0);
}

static void
add_page(struct builder *builder, const struct op *page)
{
    const struct op_history *history = builder->history;
    const char *end = NULL;
    int32_t *seen;

    if (page->result != RESULT_OK || (page->is_truncated && page->entry_count == 0)) {
        return; /* it says nothing of any key */
    }
    if (page->is_truncated) {
        end = history->keys.names[page->entries[page->entry_count - 1].key];
    }
    seen = xcalloc(history->keys.count + 1, sizeof(*seen));
    for (size_t i = 0; i < page->entry_count; i++) {
        seen[page->entries[i].key] = page->entries[i].value;
    }
    for (size_t i = 0; i < history->keys.count; i++) {
        int32_t key = builder->key_order[i];
        const char *name = history->keys.names[key];
        if (end != NULL && strcmp(name, end) > 0) {
            break;
        }
        if (seen[key] != VALUE_ABSENT || is_in_page(page, name)) {
            bool is_told = seen[key] != NAME_NONE;

            add_read(builder, page, key, is_told ? DEMAND_VALUE : DEMAND_PRESENT,
                     is_told ? seen[key] : 0);
        }
    }
    free(seen);
}

static void
add_op(struct builder *builder, const struct op *op)
{
    struct register_step step = step_of(builder, op);

    switch (op->kind) {
    case OP_PUT:
        if (op->result == RESULT_ABSENT) {
            add_read(builder, op, op->key, DEMAND_VALUE, VALUE_ABSENT);
            return;
        }
        step.effect = EFFECT_SET;
        step.result = op->value;
        add_write(builder, op, step);
        return;
    case OP_DELETE:
        if (op->result == RESULT_ABSENT) {
            add_read(builder, op, op->key, DEMAND_VALUE, VALUE_ABSENT);
            return;
        }
        step.effect = EFFECT_SET;
        step.result = VALUE_ABSENT;
        add_write(builder, op, step);
        return;
    case OP_GET:
    case OP_HEAD:
        if (op->result != RESULT_UNKNOWN) {
            add_read(builder, op, op->key, DEMAND_VALUE,
                     op->result == RESULT_OK ? op->value : VALUE_ABSENT);
        }
        return;
    case OP_COPY:
        add_copy(builder, op);
        return;
    case OP_PAGE:
        add_page(builder, op);
        return;
    }
    UNREACHABLE("kinds are listed above");
}

/* Which keys' values may have reached which keys by copies whose outcome nobody knows. */
static void
close_flows(struct builder *builder)
{
    const struct op_history *history = builder->history;
    size_t count = history->keys.count;

    builder->flows = xcalloc(count * count + 1, sizeof(*builder->flows));
    for (size_t i = 0; i < history->count; i++) {
        const struct op *op = &history->ops[i];
        if (op->kind == OP_COPY && op->result == RESULT_UNKNOWN) {
            builder->flows[(size_t)op->key * count + (size_t)op->source] = true;
        }
    }
    for (size_t via = 0; via < count; via++) {
        for (size_t to = 0; to < count; to++) {
            for (size_t from = 0; builder->flows[to * count + via] && from < count; from++) {
                builder->flows[to * count + from] |= builder->flows[via * count + from];
            }
        }
    }
}

static int
compare_keys(const void *a, const void *b, void *names)
{
    return strcmp(((char **)names)[*(const int32_t *)a], ((char **)names)[*(const int32_t *)b]);
}

void
key_registers_build(struct key_registers *registers, const struct op_history *history)
{
    struct builder builder = {.history = history, .registers = registers};

    memset(registers, 0, sizeof(*registers));
    registers->count = history->keys.count;
    registers->keys = xcalloc(registers->count + 1, sizeof(*registers->keys));
    builder.value_call_ns = xmalloc(history->values.count * sizeof(int64_t));
    builder.key_order = xmalloc((registers->count + 1) * sizeof(*builder.key_order));
    for (size_t i = 0; i < history->values.count; i++) {
        builder.value_call_ns[i] = NEVER;
    }
    for (size_t i = 0; i < registers->count; i++) {
        builder.key_order[i] = (int32_t)i;
    }
    qsort_r(builder.key_order, registers->count, sizeof(*builder.key_order), compare_keys,
            history->keys.names);
    for (size_t i = 0; i < history->count; i++) {
        const struct op *op = &history->ops[i];
        if (op->kind == OP_PUT && op->call_ns < builder.value_call_ns[op->value]) {
            builder.value_call_ns[op->value] = op->call_ns;
        }
    }
    close_flows(&builder);
    for (size_t i = 0; i < history->count; i++) {
        add_op(&builder, &history->ops[i]);
    }
    free(builder.flows);
    free(builder.key_order);
    free(builder.value_call_ns);
}

void
key_registers_release(struct key_registers *registers)
{
    for (size_t i = 0; i < registers->count; i++) {
        free(registers->keys[i].steps);
    }
    for (size_t i = 0; i < registers->choices_count; i++) {
        free(registers->choices[i]);
    }
    free(registers->keys);
    free(registers->choices);
    memset(registers, 0, sizeof(*registers));
}
