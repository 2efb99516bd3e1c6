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
};

struct crash_mutant {
    const char *name;
    const char *point; /* of sync_file_data or sync_directory, or NULL */
    const char *skip;  /* POWERCUT_SKIP_SYNC, or NULL */
    enum crash_mutant_kind kind;
};

extern const struct crash_mutant crash_mutants[];
extern const size_t crash_mutant_count;

#endif
