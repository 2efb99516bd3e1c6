/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The syncs of the store, each as a rule that skips it.  A sync that is not in this table has no
 * test; a mutant that breaks nothing means a wrong test or a sync that is not needed.
 */
#ifndef TESTS_CRASH_MUTANTS_H
#define TESTS_CRASH_MUTANTS_H

#include <stdbool.h>
#include <stddef.h>

enum crash_mutant_kind {
    CRASH_MUTANT_LOAD,  /* it matters under any load */
    CRASH_MUTANT_FIRST, /* when a store is made */
    CRASH_MUTANT_COPY,  /* when a strict bucket comes to share bytes of a relaxed one */
    CRASH_MUTANT_LAZY,  /* for relaxed objects some time after their acknowledgment */
    CRASH_MUTANT_MOVES, /* while mountpaths come and go */
    /* No promise rests on it alone: a later sync of the same file, before anything names it, covers
     * it.  Listed so that the table is whole; not run. */
    CRASH_MUTANT_COVERED,
};

struct crash_mutant {
    const char *name;
    const char *point; /* of sync_file_data or sync_directory, or NULL */
    const char *skip;  /* POWERCUT_SKIP_SYNC, or NULL */
    enum crash_mutant_kind kind;
};

/* The same loads with nothing left out: they have to be sound, or a finding would prove nothing. */
extern const struct crash_mutant crash_controls[];
extern const size_t crash_control_count;

extern const struct crash_mutant crash_mutants[];
extern const size_t crash_mutant_count;

#endif
