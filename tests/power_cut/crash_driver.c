/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that crash_test kills or cuts:
 *
 *   crash_driver DIRECTORY MODEL --seed N [--threads N] [--operations N] [--power-cut] [--faults]
 *                [--verify-only | --load-only] [--skip-sync POINT]
 *                [--focus-copy | --focus-relaxed] [--relaxed-loss MS] [--mountpaths]
 *
 * Opens the store in DIRECTORY, verifies it against MODEL, opens it again with its background work
 * and runs random load until it loses its life, or each thread has done its operations.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "tests/power_cut/crash_exit.h"
#include "tests/power_cut/crash_load.h"
#include "tests/power_cut/crash_mountpaths.h"
#include "tests/power_cut/crash_verify.h"

#include "base/banned.h"

#define THREADS_DEFAULT 4
/* A relaxed bucket may lose this much, by far more than its syncs take on a busy machine. */
#define RELAXED_LOSS_MS 5000

struct driver_options {
    uint64_t seed;
    uint64_t threads;
    uint64_t operations;
    bool is_power_cut;
    bool has_faults;
    bool moves_mountpaths;
    bool verifies_only;
    bool loads_only;
    enum crash_focus focus;
    const char *skipped_sync;
    uint64_t relaxed_loss_ms;
};

static void
set_number(const char *text, uint64_t *number)
{
    if (bytes_parse_u64(bytes_of_string(text), UINT64_MAX, number) != ST_OK) {
        fprintf(stderr, "crash_driver: %s is not a number\n", text);
        exit(2);
    }
}

static struct driver_options
parse(int count, char **arguments)
{
    static const struct option known[] = {{"seed", required_argument, NULL, 's'},
                                          {"threads", required_argument, NULL, 't'},
                                          {"operations", required_argument, NULL, 'o'},
                                          {"power-cut", no_argument, NULL, 'p'},
                                          {"faults", no_argument, NULL, 'f'},
                                          {"verify-only", no_argument, NULL, 'v'},
                                          {"load-only", no_argument, NULL, 'l'},
                                          {"skip-sync", required_argument, NULL, 'k'},
                                          {"focus-relaxed", no_argument, NULL, 'x'},
                                          {"focus-copy", no_argument, NULL, 'c'},
                                          {"mountpaths", no_argument, NULL, 'm'},
                                          {"relaxed-loss", required_argument, NULL, 'r'},
                                          {NULL, 0, NULL, 0}};
    struct driver_options options = {.seed = 1,
                                     .threads = THREADS_DEFAULT,
                                     .operations = UINT64_MAX,
                                     .relaxed_loss_ms = RELAXED_LOSS_MS};
    int option;
    while ((option = getopt_long(count, arguments, "", known, NULL)) != -1) {
        switch (option) {
        case 's':
            set_number(optarg, &options.seed);
            break;
        case 't':
            set_number(optarg, &options.threads);
            break;
        case 'o':
            set_number(optarg, &options.operations);
            break;
        case 'p':
            options.is_power_cut = true;
            break;
        case 'f':
            options.has_faults = true;
            break;
        case 'm':
            options.moves_mountpaths = true;
            break;
        case 'v':
            options.verifies_only = true;
            break;
        case 'l':
            options.loads_only = true;
            break;
        case 'k':
            options.skipped_sync = optarg;
            break;
        case 'c':
            options.focus = CRASH_FOCUS_COPY;
            break;
        case 'x':
            options.focus = CRASH_FOCUS_RELAXED;
            break;
        case 'r':
            set_number(optarg, &options.relaxed_loss_ms);
            break;
        default:
            exit(2);
        }
    }
    if (count - optind != 2 || options.threads > CRASH_THREADS_MAX) {
        fprintf(stderr, "crash_driver: DIRECTORY MODEL, at most %d threads\n", CRASH_THREADS_MAX);
        exit(2);
    }
    return options;
}

/* Returns false in a build where no sync can be left out by name. */
static bool
skip_sync(const char *point)
{
#ifdef LODE_FAULTS
    fault_arm(point, 1, UINT64_MAX, FAULT_ACTION_SKIP);
    return true;
#else
    (void)point;
    return false;
#endif
}

int
main(int count, char **arguments)
{
    struct driver_options options = parse(count, arguments);
    const char *directory = arguments[optind];
    struct crash_store crash = {.model = crash_model_map(arguments[optind + 1]),
                                .is_power_cut = options.is_power_cut,
                                .has_faults = options.has_faults,
                                .moves_mountpaths = options.moves_mountpaths,
                                .relaxed_loss_ns =
                                    (int64_t)options.relaxed_loss_ms * CLOCK_NS_PER_MS};
    log_configure(2, LOG_LEVEL_ERROR, false);

    if (options.skipped_sync != NULL && !skip_sync(options.skipped_sync)) {
        return CRASH_EXIT_FAULTLESS;
    }
    atomic_store(&crash.model->phase, CRASH_PHASE_OPENING);
    if (options.moves_mountpaths) {
        crash_mountpaths_prepare(directory);
    }
    if (!options.loads_only) {
        crash_store_open(&crash, directory, true);
        atomic_store(&crash.model->phase, CRASH_PHASE_VERIFYING);
        crash_verify_run(&crash);
        crash_store_close(&crash);
    }
    if (options.verifies_only) {
        return CRASH_EXIT_DONE;
    }

    crash_store_open(&crash, directory, false);
    atomic_store(&crash.model->phase, CRASH_PHASE_LOADING);
    crash_load_run(&crash, options.seed, (unsigned)options.threads, options.operations,
                   options.focus);
    crash_store_close(&crash);
    return CRASH_EXIT_DONE;
}
