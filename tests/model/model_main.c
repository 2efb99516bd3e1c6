/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: model_test [--seed N] [--ops N] [--episode N] [--weights name=N,...] [--no-shrink]
 *
 * Runs random operations on the store and the reference, in episodes that each begin with an empty
 * store.  Everything that decides the run is printed; a failing episode is shrunk to a short
 * sequence, which is printed too and can be run again by its seed.  Short form unless
 * LODE_TEST_LONG is set.
 */
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/entropy.h"
#include "base/log.h"
#include "base/memory.h"
#include "tests/model/model.h"

#include "base/banned.h"

/* Half a minute at most: on a slow disk the short form ends by the clock, after a whole episode. */
#define OPS_SHORT 8000
#define SHORT_NS (20 * CLOCK_NS_PER_S)
#define OPS_LONG 1000000
/* Long enough for packs to fill and be collected, short enough to be shrunk. */
#define EPISODE_OPS 1000
/* Shrinking gives up after this many runs. */
#define SHRINK_RUN_COUNT 400

static unsigned int weights[MODEL_OP_COUNT] = {
#define MODEL_OP_WEIGHT(name, weight) weight,
    MODEL_OP_LIST(MODEL_OP_WEIGHT)
#undef MODEL_OP_WEIGHT
};

/* For whoever reads the output of a run that was aborted by a CHECK. */
static volatile uint64_t current_episode_seed;
static volatile size_t current_op;

static void
aborted(int signal_number)
{
    char text[160];
    int size =
        snprintf(text, sizeof(text), "# aborted in the episode of seed 0x%llx at operation %zu\n",
                 (unsigned long long)current_episode_seed, current_op);

    if (write(STDOUT_FILENO, text, (size_t)size) != size) {
        _exit(2);
    }
    raise(signal_number); /* SA_RESETHAND: ends the process now */
}

static int
remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    return remove(path);
}

static char *
directory_create(void)
{
    const char *base = getenv("TMPDIR");
    char *directory = xasprintf("%s/lode-model-XXXXXX", base != NULL ? base : "/tmp");

    CHECK(mkdtemp(directory) != NULL);
    return directory;
}

static void
directory_remove(char **take_directory)
{
    CHECK(nftw(*take_directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0);
    free(*take_directory);
    *take_directory = NULL;
}

static void
ops_generate(struct model_op *ops, size_t count, uint64_t seed)
{
    struct prng prng = prng_init(seed);
    uint64_t total = 0;

    for (size_t kind = 0; kind < MODEL_OP_COUNT; kind++) {
        total += weights[kind];
    }
    CHECK(total > 0);
    for (size_t i = 0; i < count; i++) {
        uint64_t at = prng_below(&prng, total);
        size_t kind = 0;

        while (at >= weights[kind]) {
            at -= weights[kind++];
        }
        /* There is nothing to do without a bucket. */
        ops[i].kind = i < 2 ? MODEL_bucket_create : (enum model_op_kind)kind;
        for (size_t j = 0; j < 4; j++) {
            ops[i].dice[j] = prng_u64(&prng);
        }
    }
}

/* How many operations were good; count + 1: all, and the check at the end. */
static size_t
ops_run(const struct model_op *ops, size_t count, char message[1024])
{
    static struct model model;
    char *directory = directory_create();
    bool is_good = model_open(&model, directory);
    size_t i = 0;

    while (is_good && i < count) {
        current_op = i;
        is_good = model_run(&model, &ops[i]);
        i += is_good;
    }
    if (is_good) {
        is_good = model_close(&model, true);
        i += is_good;
    } else {
        (void)model_close(&model, false);
    }
    snprintf(message, 1024, "%s", model.message);
    directory_remove(&directory);
    return i;
}

/* Remove pieces of halving size as long as the sequence still fails. */
static size_t
ops_shrink(struct model_op *ops, size_t count, char message[1024])
{
    struct model_op *trial = xmalloc((count + 1) * sizeof(*trial));
    size_t run_count = 0;

    for (size_t piece = count / 2; piece > 0 && run_count < SHRINK_RUN_COUNT; piece /= 2) {
        for (size_t from = 0; from < count && run_count < SHRINK_RUN_COUNT;) {
            size_t size = count - from < piece ? count - from : piece;
            char text[1024];
            size_t good;

            memcpy(trial, ops, from * sizeof(*ops));
            memcpy(trial + from, ops + from + size, (count - from - size) * sizeof(*ops));
            good = ops_run(trial, count - size, text);
            run_count++;
            if (good <= count - size) {
                count = good < count - size ? good + 1 : count - size;
                memcpy(ops, trial, count * sizeof(*ops));
                memcpy(message, text, sizeof(text));
            } else {
                from += size;
            }
        }
    }
    free(trial);
    return count;
}

static void
ops_print(const struct model_op *ops, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        printf("#   %zu %s %llx %llx %llx %llx\n", i, model_op_name(ops[i].kind),
               (unsigned long long)ops[i].dice[0], (unsigned long long)ops[i].dice[1],
               (unsigned long long)ops[i].dice[2], (unsigned long long)ops[i].dice[3]);
    }
}

static bool
episode_run(uint64_t seed, size_t count, bool is_shrunk)
{
    struct model_op *ops = xcalloc(count, sizeof(*ops));
    char message[1024];
    size_t good;

    current_episode_seed = seed;
    ops_generate(ops, count, seed);
    good = ops_run(ops, count, message);
    if (good <= count) {
        size_t failed = good < count ? good + 1 : count;

        printf("# seed 0x%llx: operation %zu of %zu: %s\n", (unsigned long long)seed, good, count,
               message);
        fflush(stdout);
        if (is_shrunk) {
            failed = ops_shrink(ops, failed, message);
            printf("# shrunk to %zu operations: %s\n", failed, message);
            ops_print(ops, failed);
        }
    }
    free(ops);
    return good > count;
}

static void
weights_parse(const char *text)
{
    struct bytes rest = bytes_of_string(text);

    while (rest.size > 0) {
        struct bytes value = bytes_cut(&rest, ',');
        struct bytes name = bytes_cut(&value, '=');
        uint64_t weight;

        CHECK(bytes_parse_u64(value, 1000000, &weight) == ST_OK);
        for (size_t kind = 0; kind < MODEL_OP_COUNT; kind++) {
            if (bytes_equal_string(name, model_op_name((enum model_op_kind)kind)) ||
                bytes_equal_string(name, "all")) {
                weights[kind] = (unsigned int)weight;
            }
        }
    }
}

int
main(int argc, char **argv)
{
    const char *seed_text = getenv("LODE_TEST_SEED");
    uint64_t seed = seed_text != NULL ? strtoull(seed_text, NULL, 0) : entropy_u64();
    uint64_t ops = getenv("LODE_TEST_LONG") != NULL ? OPS_LONG : OPS_SHORT;
    uint64_t episode = EPISODE_OPS;
    uint64_t done = 0;
    int64_t end_ns = getenv("LODE_TEST_LONG") != NULL ? INT64_MAX : clock_monotonic_ns() + SHORT_NS;
    bool is_shrunk = true;
    bool is_good = true;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--no-shrink") == 0) {
            is_shrunk = false;
        } else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0) {
            seed = strtoull(argv[++i], NULL, 0);
        } else if (i + 1 < argc && strcmp(argv[i], "--ops") == 0) {
            ops = strtoull(argv[++i], NULL, 0);
            end_ns = INT64_MAX;
        } else if (i + 1 < argc && strcmp(argv[i], "--episode") == 0) {
            episode = strtoull(argv[++i], NULL, 0);
        } else if (i + 1 < argc && strcmp(argv[i], "--weights") == 0) {
            weights_parse(argv[++i]);
        } else {
            fprintf(stderr, "model_test: what is %s?\n", argv[i]);
            return 2;
        }
    }
    CHECK(sigaction(SIGABRT,
                    &(struct sigaction){.sa_handler = aborted,
                                        .sa_flags = (int)SA_RESETHAND | SA_NODEFER},
                    NULL) == 0);
    log_configure(STDERR_FILENO, LOG_LEVEL_ERROR, false);
    printf("1..1\n# --seed 0x%llx --ops %llu --episode %llu --weights ", (unsigned long long)seed,
           (unsigned long long)ops, (unsigned long long)episode);
    for (size_t kind = 0; kind < MODEL_OP_COUNT; kind++) {
        printf("%s%s=%u", kind == 0 ? "" : ",", model_op_name((enum model_op_kind)kind),
               weights[kind]);
    }
    printf("\n");
    fflush(stdout);
    for (; done < ops && is_good && clock_monotonic_ns() < end_ns; done += episode) {
        /* The first episode has the seed itself: one that failed can be run alone. */
        uint64_t count = ops - done < episode ? ops - done : episode;

        is_good = episode_run(seed + done / episode, count, is_shrunk);
        if (is_good && done / episode % 100 == 99) {
            printf("# %llu operations so far\n", (unsigned long long)(done + count));
            fflush(stdout);
        }
    }
    printf("# %llu operations\n", (unsigned long long)(done < ops ? done : ops));
    printf("%sok 1 - the_store_does_what_the_reference_does\n", is_good ? "" : "not ");
    return is_good ? 0 : 1;
}
