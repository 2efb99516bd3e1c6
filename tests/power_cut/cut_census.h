/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which syncs a program makes: each call and path once, with numbers and ids in the path made
 * alike.  Kept when POWERCUT_CENSUS names a file, and appended to it at cut or exit, so that a test
 * can tell whether it knows every sync.  Any thread.
 */
#ifndef TESTS_CUT_CENSUS_H
#define TESTS_CUT_CENSUS_H

void cut_census_load(void);
void cut_census_note(const char *call, const char *path);

/* "CALL PATH COUNT" per line; PATH is below the root. */
void cut_census_write(void);

#endif
