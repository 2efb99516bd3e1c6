/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One life of a crash driver: started on the data of the one before, ended by SIGKILL, by a power
 * cut or by itself.  For crash_test.
 */
#ifndef TESTS_CRASH_ROUND_H
#define TESTS_CRASH_ROUND_H

#include "base/entropy.h"
#include "tests/power_cut/crash_model.h"
#include "tests/power_cut/crash_mutants.h"

enum crash_end {
    CRASH_END_KILL,    /* SIGKILL at a random time */
    CRASH_END_CUT,     /* power cut at a random call or time */
    CRASH_END_FAULT,   /* one call fails; then SIGKILL or the end of the load */
    CRASH_END_NOTHING, /* verified only */
};

enum crash_outcome {
    CRASH_OUTCOME_SOUND,
    CRASH_OUTCOME_FAULTLESS, /* built without the fault point that was asked for */
    CRASH_OUTCOME_BROKEN,    /* a promise was broken, or the driver crashed by itself */
};

/* A store and the series of rounds on it. */
struct crash_round {
    char directory[400];
    struct crash_model *model;
    struct prng prng;
    unsigned number; /* of the round at hand, from 1 */
    const char *power_model;
    const struct crash_mutant *mutant; /* whose sync is left out, or NULL */
    bool moves_mountpaths;
    bool has_lost_power; /* relaxed buckets need not be whole any more */
    uint64_t calls_max;  /* greatest number of tracked calls seen in a life */
    char what[512];      /* of the last life, for messages: seed, end, environment */
};

/* directory is made; everything below it is removed by crash_round_release. */
void crash_round_init(struct crash_round *round, const char *directory, uint64_t seed);
void crash_round_release(struct crash_round *round);

/* An empty store again. */
void crash_round_reset(struct crash_round *round);

/* Runs one life to its end.  BROKEN: the driver's output stands in directory/driver.log. */
enum crash_outcome crash_round_run(struct crash_round *round, enum crash_end end);

#endif
