/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/linearizability/counterexample.h"

#include "base/check.h"
#include "base/memory.h"

#include "base/banned.h"

#define NS_PER_MS 1e6
/* Passes over what remains, each with pieces down to one step; the first takes reads only. */
#define SHRINK_PASS_MAX 6

static int
compare_steps(const void *a, const void *b)
{
    const struct register_step *one = a;
    const struct register_step *other = b;

    if (one->call_ns != other->call_ns) {
        return one->call_ns < other->call_ns ? -1 : 1;
    }
    return one->op < other->op ? -1 : one->op > other->op;
}

/* The steps without the reads of [from, to); unless is_reads_only, the writes lose their outcome.
 */
static size_t
weaken(const struct register_step *steps, size_t count, size_t from, size_t to, bool is_reads_only,
       struct register_step *ret_steps)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (i < from || i >= to) {
            ret_steps[kept++] = steps[i];
        } else if (steps[i].effect != EFFECT_NONE) {
            ret_steps[kept] = steps[i];
            ret_steps[kept].return_ns = is_reads_only ? steps[i].return_ns : NEVER;
            kept++;
        }
    }
    return kept;
}

/* Is there anything in [from, to) that weaken() would change? */
static bool
has_known(const struct register_step *steps, size_t from, size_t to, bool is_reads_only)
{
    for (size_t i = from; i < to; i++) {
        if (steps[i].return_ns != NEVER && (!is_reads_only || steps[i].effect == EFFECT_NONE)) {
            return true;
        }
    }
    return false;
}

/* One pass with pieces of a size; returns whether anything went. */
static bool
shrink_by(struct register_step *steps, size_t *count, size_t piece, bool is_reads_only,
          struct register_step *scratch)
{
    bool is_smaller = false;

    for (size_t end = *count; end > 0;) {
        size_t from = end > piece ? end - piece : 0;
        if (has_known(steps, from, end, is_reads_only)) {
            size_t kept = weaken(steps, *count, from, end, is_reads_only, scratch);
            if (register_search(scratch, kept).verdict == VERDICT_VIOLATION) {
                memcpy(steps, scratch, kept * sizeof(*steps));
                *count = kept;
                is_smaller = true;
            }
        }
        end = from;
    }
    return is_smaller;
}

static bool
is_demanded(const struct register_step *steps, size_t count, int32_t value)
{
    for (size_t i = 0; i < count; i++) {
        bool is_loose = steps[i].demand == DEMAND_PRESENT || steps[i].demand == DEMAND_NOT_VALUE;
        if ((steps[i].demand == DEMAND_VALUE && steps[i].demanded == value) ||
            (is_loose && (value != VALUE_ABSENT || steps[i].demand == DEMAND_NOT_VALUE))) {
            return true;
        }
    }
    return false;
}

/* Writes without a known outcome that nobody's answer speaks of. */
static size_t
drop_unasked(struct register_step *steps, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (steps[i].return_ns == NEVER && steps[i].effect == EFFECT_SET &&
            !is_demanded(steps, count, steps[i].result)) {
            continue;
        }
        steps[kept++] = steps[i];
    }
    return kept;
}

/*
 * Weaken all behind the shortest beginning, in order of calls, that contradicts itself.  (Writes
 * that were called later are kept without their outcome: they may explain what an earlier, longer
 * read saw.)
 */
static size_t
shorten(struct register_step *steps, size_t count, struct register_step *scratch)
{
    size_t fine = 0;
    size_t bad = count;

    while (bad - fine > 1) {
        size_t middle = fine + (bad - fine) / 2;
        size_t kept = weaken(steps, count, middle, count, false, scratch);
        if (register_search(scratch, kept).verdict == VERDICT_VIOLATION) {
            bad = middle;
        } else {
            fine = middle;
        }
    }
    count = weaken(steps, count, bad, count, false, scratch);
    memcpy(steps, scratch, count * sizeof(*steps));
    return drop_unasked(steps, count);
}

struct search_result
counterexample_shrink(struct register_step *steps, size_t count, size_t *ret_count)
{
    struct register_step *scratch = xmalloc((count + 1) * sizeof(*scratch));
    struct search_result result;

    qsort(steps, count, sizeof(*steps), compare_steps);
    count = shorten(steps, count, scratch);
    for (size_t pass = 0; pass < SHRINK_PASS_MAX; pass++) {
        bool is_smaller = false;
        for (size_t piece = count / 2 + 1; piece > 0; piece /= 2) {
            is_smaller |= shrink_by(steps, &count, piece, pass == 0, scratch);
        }
        count = drop_unasked(steps, count);
        if (!is_smaller && pass > 0) {
            break;
        }
    }
    free(scratch);
    result = register_search_in_turn(steps, count);
    CHECK(result.verdict == VERDICT_VIOLATION);
    *ret_count = count;
    return result;
}

static const char *
value_name(const struct op_history *history, int32_t value)
{
    return value == VALUE_UNSEEN ? "(a value nobody asked for)" : history->values.names[value];
}

static void
write_answer(const struct op_history *history, const struct op *op, int32_t key,
             struct buffer *text)
{
    switch (op->result) {
    case RESULT_ABSENT:
        buffer_append_string(text, "-> 404, nothing there");
        return;
    case RESULT_FAILED:
    case RESULT_SOURCE_FAILED:
        buffer_append_string(text, "-> 412, condition failed");
        return;
    case RESULT_UNKNOWN:
        buffer_append_string(text, "-> unknown");
        return;
    case RESULT_OK:
        break;
    }
    if (op->kind == OP_GET || op->kind == OP_HEAD) {
        buffer_printf(text, "-> %s", value_name(history, op->value));
    } else if (op->kind == OP_PAGE) {
        for (size_t i = 0; i < op->entry_count; i++) {
            if (op->entries[i].key == key) {
                buffer_printf(text, "-> shows %s = %s", history->keys.names[key],
                              op->entries[i].value == NAME_NONE
                                  ? "something"
                                  : value_name(history, op->entries[i].value));
                return;
            }
        }
        buffer_printf(text, "-> does not show %s", history->keys.names[key]);
    } else {
        buffer_append_string(text, "-> ok");
    }
}

static void
write_condition(const struct op_history *history, const struct op *op, struct buffer *text)
{
    if (op->is_if_none_match) {
        buffer_append_string(text, " if nothing there");
    } else if (op->if_match != NAME_NONE) {
        buffer_printf(text, " if %s", value_name(history, op->if_match));
    }
    if (op->source_if_match != NAME_NONE) {
        buffer_printf(text, " if source %s", value_name(history, op->source_if_match));
    }
}

static void
write_request(const struct op_history *history, const struct op *op, struct buffer *text)
{
    const char *key = op->key == NAME_NONE ? "" : history->keys.names[op->key];

    switch (op->kind) {
    case OP_PUT:
        buffer_printf(text, "put %s = %s", key, value_name(history, op->value));
        break;
    case OP_GET:
        buffer_printf(text, "get %s", key);
        break;
    case OP_HEAD:
        buffer_printf(text, "head %s", key);
        break;
    case OP_DELETE:
        buffer_printf(text, "delete %s", key);
        break;
    case OP_COPY:
        buffer_printf(text, "copy %s to %s", history->keys.names[op->source], key);
        if (op->result == RESULT_OK) {
            buffer_printf(text, " = %s", value_name(history, op->value));
        }
        break;
    case OP_PAGE:
        buffer_printf(text, "list walk %lld prefix \"%s\" after \"%s\"", op->walk, op->prefix,
                      op->after);
        break;
    }
    write_condition(history, op, text);
}

void
counterexample_write_op(const struct op_history *history, const struct op *op, int32_t key,
                        int64_t start_ns, struct buffer *text)
{
    buffer_printf(text, "  %10.3f .. ", (double)(op->call_ns - start_ns) / NS_PER_MS);
    if (op->return_ns == NEVER) {
        buffer_append_string(text, "         ?");
    } else {
        buffer_printf(text, "%10.3f", (double)(op->return_ns - start_ns) / NS_PER_MS);
    }
    buffer_printf(text, "  client %lld by %s: ", op->client, op->gateway);
    write_request(history, op, text);
    buffer_append_char(text, ' ');
    write_answer(history, op, key, text);
    buffer_append_char(text, '\n');
}

/* A name for the contradiction, from the step that found no place. */
static const char *
describe(const struct register_step *steps, size_t count, const struct search_result *result,
         const struct op *op)
{
    const struct register_step *failed = &steps[result->failed_step];
    bool is_page = op->kind == OP_PAGE;
    bool is_written = failed->demanded == VALUE_ABSENT;
    bool is_in_time = is_written;
    bool is_held_nothing = result->held_count == 1 && result->held[0] == VALUE_ABSENT;

    if (failed->effect != EFFECT_NONE) {
        return "a conditional write succeeded whose condition did not hold";
    }
    if (is_page && failed->demand == DEMAND_PRESENT) {
        return "a listing shows what was deleted"; /* the page did not tell its value */
    }
    if (failed->demand != DEMAND_VALUE) {
        return "a conditional write failed whose condition held";
    }
    for (size_t i = 0; i < count; i++) {
        bool is_writer = steps[i].effect == EFFECT_CHOICE ||
                         (steps[i].effect == EFFECT_SET && steps[i].result == failed->demanded);
        is_written |= is_writer;
        is_in_time |= is_writer && steps[i].call_ns <= failed->return_ns;
    }
    if (!is_written) {
        return "a value that nobody wrote there";
    }
    if (!is_in_time) {
        return "a value was seen before it was written";
    }
    if (failed->demanded == VALUE_ABSENT) {
        return is_page ? "missing in a listing" : "a write was lost";
    }
    if (is_held_nothing) {
        return is_page ? "a listing shows what was deleted" : "what was deleted came back";
    }
    return is_page ? "a listing shows an old value" : "an old value was read";
}

void
counterexample_write(const struct op_history *history, int32_t key, struct register_step *steps,
                     size_t count, struct buffer *text)
{
    struct search_result result = counterexample_shrink(steps, count, &count);
    int64_t start_ns = INT64_MAX;
    const struct op *failed = &history->ops[steps[result.failed_step].op];

    for (size_t i = 0; i < history->count; i++) {
        if (history->ops[i].call_ns < start_ns) {
            start_ns = history->ops[i].call_ns;
        }
    }
    buffer_printf(text, "VIOLATION of key %s: %s.  No order of these explains all answers (ms):\n",
                  history->keys.names[key], describe(steps, count, &result, failed));
    for (size_t i = 0; i < count; i++) {
        counterexample_write_op(history, &history->ops[steps[i].op], key, start_ns, text);
    }
    buffer_append_string(text, "  has no place in any order: ");
    write_request(history, failed, text);
    buffer_append_char(text, ' ');
    write_answer(history, failed, key, text);
    buffer_append_string(text, "; the key could hold:");
    for (size_t i = 0; i < result.held_count; i++) {
        buffer_printf(text, "%s %s", i > 0 ? "," : "", value_name(history, result.held[i]));
    }
    buffer_append_char(text, '\n');
}
