/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: judge HISTORY...
 *
 * Judges recorded histories (one JSON object per line; - is standard input).  Exit code 0: each is
 * linearizable, 1: one is not, 2: one cannot be read, 3: one was too hard.
 */
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/memory.h"
#include "tests/linearizability/history_judge.h"

#include "base/banned.h"

#define READ_BYTES (1u << 16)

static enum status
read_all(const char *path, struct buffer *text, struct error *err)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    size_t count;
    bool is_broken;

    if (file == NULL) {
        return fail_errno(err, ST_IO, "%s cannot be opened", path);
    }
    while ((count = fread(buffer_reserve(text, READ_BYTES), 1, READ_BYTES, file)) > 0) {
        text->size += count;
    }
    is_broken = ferror(file);
    if (file != stdin) {
        fclose(file);
    }
    return is_broken ? fail(err, ST_IO, "%s cannot be read", path) : ST_OK;
}

static int
judge_file(const char *path)
{
    static const char *const words[] = {"linearizable", "NOT LINEARIZABLE", "UNDECIDED"};
    static const int codes[] = {0, 1, 3};
    struct op_history history;
    struct buffer text = BUFFER_INIT;
    struct error err = ERROR_INIT;
    struct judgement judgement;
    int64_t began_ns = clock_monotonic_ns();
    int code = 2;

    op_history_init(&history);
    if (read_all(path, &text, &err) != ST_OK ||
        op_history_add_text(&history, buffer_bytes(&text), &err) != ST_OK) {
        fprintf(stderr, "judge: %s: %s\n", path, err.text);
        goto out;
    }
    judge_history(&history, &judgement);
    printf(
        "%.*s%s: %zu operations (%zu open, %zu pages) on %zu keys: %s; at most %zu configurations, "
        "%.2f s\n",
        BYTES_ARGS(buffer_bytes(&judgement.text)), path, history.count, judgement.open_count,
        judgement.page_count, history.keys.count, words[judgement.verdict],
        judgement.configuration_count_max,
        (double)(clock_monotonic_ns() - began_ns) / (double)CLOCK_NS_PER_S);
    code = codes[judgement.verdict];
    buffer_release(&judgement.text);

out:
    op_history_release(&history);
    buffer_release(&text);
    return code;
}

int
main(int argc, char **argv)
{
    int worst = 0;

    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        fprintf(argc < 2 ? stderr : stdout,
                "usage: judge HISTORY...\n"
                "Exit code 0: linearizable, 1: not, 2: cannot be read, 3: too hard to tell.\n");
        return argc < 2 ? 2 : 0;
    }
    for (int i = 1; i < argc; i++) {
        int code = judge_file(argv[i]);
        /* A violation says more than a history that was not judged. */
        worst = worst == 1 || code == 1 ? 1 : (code > worst ? code : worst);
    }
    return worst;
}
