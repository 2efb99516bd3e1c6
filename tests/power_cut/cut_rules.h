/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which calls are to fail, and which syncs are to do nothing: the rules of POWERCUT_SKIP_SYNC,
 * POWERCUT_FAIL_SYNC and POWERCUT_FAIL (README.md has the grammar).  Loaded once; each rule
 * counts its own matches.  Called from any thread.
 */
#ifndef TESTS_CUT_RULES_H
#define TESTS_CUT_RULES_H

#include <stdbool.h>
#include <stdint.h>

/* A fault that shortens a read or write instead of failing it. */
#define CUT_FAULT_SHORT (-1)

void cut_rules_load(void);

/* Whether any fault rule names this call: saves looking for the path. */
bool cut_rules_watch(const char *call);

/* The errno that this call has to fail with, CUT_FAULT_SHORT, or 0. */
int cut_rules_fault(const char *call, const char *path);

/* call is fsync, fdatasync, dir or syncfs.  True: pretend. */
bool cut_rules_skips_sync(const char *call, const char *path);

/* The errno that this sync has to fail with, or 0. */
int cut_rules_sync_fault(const char *call, const char *path);

/* How often rules have bitten, for the report. */
uint64_t cut_rules_skip_count(void);
uint64_t cut_rules_fault_count(void);

#endif
