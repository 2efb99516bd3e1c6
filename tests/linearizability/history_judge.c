/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/linearizability/history_judge.h"

#include "base/memory.h"
#include "tests/linearizability/counterexample.h"
#include "tests/linearizability/key_registers.h"

#include "base/banned.h"

static void
note_violation(struct judgement *judgement)
{
    judgement->verdict = VERDICT_VIOLATION;
    judgement->violation_count++;
}

/* Is the key on an earlier page of the same walk? */
static bool
was_listed(const struct op_history *history, const struct op *page, int32_t key)
{
    for (size_t i = 0; i < history->count; i++) {
        const struct op *other = &history->ops[i];
        if (other->kind != OP_PAGE || other->walk != page->walk ||
            other->call_ns >= page->call_ns) {
            continue;
        }
        for (size_t entry = 0; entry < other->entry_count; entry++) {
            if (other->entries[entry].key == key) {
                return true;
            }
        }
    }
    return false;
}

/* Ascending, behind `after`, within the prefix: then no walk can show a key twice. */
static void
judge_page(const struct op_history *history, const struct op *page, struct judgement *judgement)
{
    const char *before = page->after;

    for (size_t i = 0; i < page->entry_count; i++) {
        int32_t key = page->entries[i].key;
        const char *name = history->keys.names[key];
        const char *why = NULL;
        if (strncmp(name, page->prefix, strlen(page->prefix)) != 0) {
            why = "is not below the prefix";
        } else if (before[0] != '\0' && strcmp(name, before) <= 0) {
            why = strcmp(name, before) == 0 || was_listed(history, page, key)
                      ? "is listed twice in one walk"
                      : "is not in order";
        }
        if (why != NULL) {
            note_violation(judgement);
            if (judgement->violation_count <= JUDGE_SHOWN_MAX) {
                buffer_printf(&judgement->text, "VIOLATION of a listing: key %s %s:\n", name, why);
                counterexample_write_op(history, page, key, history->ops[0].call_ns,
                                        &judgement->text);
            }
        }
        before = name;
    }
}

static void
judge_key(const struct op_history *history, int32_t key, const struct key_register *target,
          struct judgement *judgement)
{
    struct search_result result = register_search(target->steps, target->count);

    if (result.configuration_count_max > judgement->configuration_count_max) {
        judgement->configuration_count_max = result.configuration_count_max;
    }
    if (result.verdict == VERDICT_UNDECIDED) {
        buffer_printf(&judgement->text, "UNDECIDED: key %s: more than %u configurations at once\n",
                      history->keys.names[key], SEARCH_CONFIGURATION_MAX);
        if (judgement->verdict == VERDICT_LINEARIZABLE) {
            judgement->verdict = VERDICT_UNDECIDED;
        }
    } else if (result.verdict == VERDICT_VIOLATION) {
        note_violation(judgement);
        if (judgement->violation_count <= JUDGE_SHOWN_MAX) {
            counterexample_write(history, key, target->steps, target->count, &judgement->text);
        }
    }
}

void
judge_history(const struct op_history *history, struct judgement *ret_judgement)
{
    struct judgement judgement = {.verdict = VERDICT_LINEARIZABLE, .text = BUFFER_INIT};
    struct key_registers registers;

    for (size_t i = 0; i < history->count; i++) {
        if (history->ops[i].result == RESULT_UNKNOWN) {
            judgement.open_count++;
        } else if (history->ops[i].kind == OP_PAGE) {
            judgement.page_count++;
            judge_page(history, &history->ops[i], &judgement);
        }
    }
    key_registers_build(&registers, history);
    for (size_t i = 0; i < registers.count; i++) {
        judge_key(history, (int32_t)i, &registers.keys[i], &judgement);
    }
    key_registers_release(&registers);
    *ret_judgement = judgement;
}
