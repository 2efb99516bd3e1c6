/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes the life or the power of a process with an object store again and again, on the same data,
 * and verifies each time that every promise was kept:
 *
 *   crash_test [--kills N] [--cuts N] [--mountpaths N] [--faults N] [--mutants N [--only NAME]]
 * [--seed N]
 *              [--directory DIR]
 *
 * Without options the short forms, with LODE_TEST_LONG=1 the long ones.  --mutants N: for each sync
 * of the store a series of at most N cuts with that sync skipped, which has to break a promise.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/entropy.h"
#include "tests/power_cut/crash_mutants.h"
#include "tests/power_cut/crash_round.h"

#include "base/banned.h"

/* A new store after so many rounds: the first start is cut too. */
#define ROUNDS_PER_STORE 12
#define ROUNDS_PER_REPORT 100
/* A control runs for its whole share, a mutant only until it is found. */
#define CUTS_PER_CONTROL_CUT 4
/* Output of the driver shown after a broken promise. */
#define LOG_LINES_MAX 40

struct test_options {
    uint64_t kills;
    uint64_t cuts;
    uint64_t moves; /* cuts while mountpaths change, and a quarter as many kills */
    uint64_t faults;
    uint64_t mutants;
    uint64_t seed;
    const char *only; /* one mutant */
    char directory[256];
};

static unsigned test_count;
static unsigned failed_count;

static void
show_log(const struct crash_round *round)
{
    char path[512];
    char line[1024];
    snprintf(path, sizeof(path), "%s/driver.log", round->directory);
    FILE *file = fopen(path, "r");
    for (unsigned i = 0; file != NULL && i < LOG_LINES_MAX; i++) {
        if (fgets(line, sizeof(line), file) == NULL) {
            break;
        }
        printf("#   %s", line);
    }
    if (file != NULL) {
        fclose(file);
    }
}

static void
result(bool is_passed, const char *name)
{
    printf("%sok %u - %s\n", is_passed ? "" : "not ", ++test_count, name);
    failed_count += !is_passed;
    fflush(stdout);
}

static void
show_totals(const struct crash_round *round, const char *prefix, const char *what, uint64_t rounds,
            int64_t start_ns)
{
    const struct crash_model *model = round->model;
    printf("# %s%" PRIu64 " %s, %" PRIu64 " operations acknowledged, %" PRIu64 " failed, %" PRIu64
           " keys verified after a death, %" PRIu64 " objects read, %.0f s\n",
           prefix, rounds, what, atomic_load(&model->acknowledged_count),
           atomic_load(&model->failed_count), atomic_load(&model->verified_count),
           atomic_load(&model->read_count),
           (double)(clock_monotonic_ns() - start_ns) / (double)CLOCK_NS_PER_S);
    if (round->moves_mountpaths) {
        printf("# %s%" PRIu64 " changes of mountpaths, %" PRIu64 " resilvers ended\n", prefix,
               atomic_load(&model->mountpath_count), atomic_load(&model->resilver_count));
    }
}

/* A series of deaths on the same data.  The directory is kept when a promise was broken. */
static bool
run_series(const struct test_options *options, const char *name, enum crash_end end,
           uint64_t rounds, const char *power_model, bool moves_mountpaths)
{
    struct crash_round round;
    char directory[400];
    int64_t start_ns = clock_monotonic_ns();
    enum crash_outcome outcome = CRASH_OUTCOME_SOUND;
    snprintf(directory, sizeof(directory), "%s/%s", options->directory, name);
    crash_round_init(&round, directory, options->seed);
    round.power_model = power_model;
    round.moves_mountpaths = moves_mountpaths;
    uint64_t done = 0;
    while (done < rounds && outcome == CRASH_OUTCOME_SOUND) {
        if (done % ROUNDS_PER_STORE == ROUNDS_PER_STORE - 1) {
            outcome = crash_round_run(&round, CRASH_END_NOTHING);
            if (outcome != CRASH_OUTCOME_SOUND) {
                break;
            }
            crash_round_reset(&round);
        }
        outcome = crash_round_run(&round, end);
        done++;
        if (done % ROUNDS_PER_REPORT == 0) {
            show_totals(&round, "so far: ", name, done, start_ns);
            fflush(stdout);
        }
        if (outcome == CRASH_OUTCOME_SOUND && end == CRASH_END_FAULT) {
            outcome = crash_round_run(&round, CRASH_END_NOTHING);
        }
    }
    if (outcome == CRASH_OUTCOME_SOUND) {
        outcome = crash_round_run(&round, CRASH_END_NOTHING);
    }
    show_totals(&round, "result: ", name, done, start_ns);
    if (outcome != CRASH_OUTCOME_SOUND) {
        printf("# %s\n# kept in %s\n", round.what, round.directory);
        show_log(&round);
        return false;
    }
    crash_round_release(&round);
    return true;
}

/* Whether skipping this sync breaks a promise within so many cuts; FAULTLESS: it cannot be. */
static enum crash_outcome
run_mutant(const struct test_options *options, const struct crash_mutant *mutant)
{
    struct crash_round round;
    char directory[400];
    enum crash_outcome outcome = CRASH_OUTCOME_SOUND;
    snprintf(directory, sizeof(directory), "%s/mutant", options->directory);
    crash_round_init(&round, directory, options->seed);
    round.mutant = mutant;
    round.moves_mountpaths = mutant->kind == CRASH_MUTANT_MOVES;
    uint64_t done = 0;
    bool is_control = mutant->point == NULL && mutant->skip == NULL;
    uint64_t cuts = is_control ? options->mutants / CUTS_PER_CONTROL_CUT : options->mutants;
    while (done < cuts && outcome == CRASH_OUTCOME_SOUND) {
        if (mutant->kind == CRASH_MUTANT_FIRST || done % ROUNDS_PER_STORE == ROUNDS_PER_STORE - 1) {
            crash_round_reset(&round);
        }
        outcome = crash_round_run(&round, CRASH_END_CUT);
        if (outcome == CRASH_OUTCOME_SOUND && mutant->kind == CRASH_MUTANT_FIRST) {
            outcome = crash_round_run(&round, CRASH_END_NOTHING);
        }
        done++;
    }
    if (outcome != CRASH_OUTCOME_FAULTLESS) {
        printf("# result: %s %s: %s after %" PRIu64 " cuts\n", is_control ? "control" : "without",
               mutant->name, outcome == CRASH_OUTCOME_BROKEN ? "broken" : "sound", done);
    }
    if (outcome == CRASH_OUTCOME_BROKEN) {
        show_log(&round);
    }
    crash_round_release(&round);
    return outcome;
}

static bool
is_chosen(const struct test_options *options, const struct crash_mutant *mutant)
{
    return options->only == NULL || strcmp(options->only, mutant->name) == 0;
}

static void
run_mutants(const struct test_options *options)
{
    char name[256];
    for (size_t i = 0; i < crash_control_count; i++) {
        const struct crash_mutant *control = &crash_controls[i];
        if (is_chosen(options, control)) {
            snprintf(name, sizeof(name), "with every sync a load of %s is sound", control->name);
            result(run_mutant(options, control) == CRASH_OUTCOME_SOUND, name);
        }
    }
    for (size_t i = 0; i < crash_mutant_count; i++) {
        const struct crash_mutant *mutant = &crash_mutants[i];
        if (!is_chosen(options, mutant) || mutant->kind == CRASH_MUTANT_COVERED) {
            continue;
        }
        enum crash_outcome outcome = run_mutant(options, mutant);
        snprintf(name, sizeof(name), "a store without %s breaks a promise%s", mutant->name,
                 outcome == CRASH_OUTCOME_FAULTLESS ? " # SKIP needs --enable-faults" : "");
        result(outcome != CRASH_OUTCOME_SOUND, name);
    }
}

static uint64_t
number_from(const char *text)
{
    uint64_t number = 0;
    if (bytes_parse_u64(bytes_of_string(text), UINT64_MAX, &number) != ST_OK) {
        fprintf(stderr, "crash_test: %s is not a number\n", text);
        exit(2);
    }
    return number;
}

static void
parse(int count, char **arguments, struct test_options *options)
{
    static const struct option known[] = {{"only", required_argument, NULL, 'o'},
                                          {"kills", required_argument, NULL, 'k'},
                                          {"cuts", required_argument, NULL, 'c'},
                                          {"mountpaths", required_argument, NULL, 'p'},
                                          {"faults", required_argument, NULL, 'f'},
                                          {"mutants", required_argument, NULL, 'm'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"directory", required_argument, NULL, 'd'},
                                          {NULL, 0, NULL, 0}};
    struct test_options given = {.seed = options->seed};
    bool has_choice = false;
    int option;
    while ((option = getopt_long(count, arguments, "", known, NULL)) != -1) {
        uint64_t *number = option == 'k'   ? &given.kills
                           : option == 'c' ? &given.cuts
                           : option == 'p' ? &given.moves
                           : option == 'f' ? &given.faults
                           : option == 'm' ? &given.mutants
                           : option == 's' ? &options->seed
                                           : NULL;
        if (number != NULL) {
            *number = number_from(optarg);
            has_choice = has_choice || option != 's';
        } else if (option == 'o') {
            options->only = optarg;
        } else if (option == 'd') {
            snprintf(options->directory, sizeof(options->directory), "%s", optarg);
        } else {
            exit(2);
        }
    }
    if (has_choice) {
        options->kills = given.kills;
        options->cuts = given.cuts;
        options->moves = given.moves;
        options->faults = given.faults;
        options->mutants = given.mutants;
    }
}

static void
choose_directory(struct test_options *options)
{
    const char *base = getenv("TMPDIR");
    if (options->directory[0] == '\0') {
        snprintf(options->directory, sizeof(options->directory), "%s/lode-crash-XXXXXX",
                 base != NULL ? base : "/tmp");
        CHECK(mkdtemp(options->directory) != NULL);
    }
}

int
main(int count, char **arguments)
{
    bool is_long = getenv("LODE_TEST_LONG") != NULL;
    struct test_options options = {
        .kills = 10, .cuts = 24, .moves = 8, .faults = 6, .seed = entropy_u64()};
    if (is_long) {
        options.kills = 2000;
        options.cuts = 2000;
        options.moves = 1000;
        options.faults = 500;
        options.mutants = 200;
    }
    parse(count, arguments, &options);
    choose_directory(&options);
    printf("# seed %" PRIu64 "\n", options.seed);
    if (options.kills > 0) {
        result(run_series(&options, "kills", CRASH_END_KILL, options.kills, "strict", false),
               "every promise survives a kill");
    }
    if (options.cuts > 0) {
        uint64_t ext4 = options.cuts / 4;
        result(run_series(&options, "cuts", CRASH_END_CUT, options.cuts - ext4, "strict", false),
               "every promise survives a power cut");
        result(run_series(&options, "ext4-cuts", CRASH_END_CUT, ext4, "ext4", false),
               "every promise survives a power cut as ext4 would see it");
    }
    if (options.moves > 0) {
        result(run_series(&options, "mountpath-cuts", CRASH_END_CUT, options.moves, "strict", true),
               "every promise survives a power cut while mountpaths come and go");
        result(run_series(&options, "mountpath-kills", CRASH_END_KILL, options.moves / 4, "strict",
                          true),
               "every promise survives a kill while mountpaths come and go");
    }
    if (options.faults > 0) {
        result(run_series(&options, "faults", CRASH_END_FAULT, options.faults, "strict", false),
               "a failing call is refused cleanly and breaks no promise");
    }
    if (options.mutants > 0) {
        run_mutants(&options);
    }
    printf("1..%u\n", test_count);
    rmdir(options.directory);
    return failed_count == 0 ? 0 : 1;
}
