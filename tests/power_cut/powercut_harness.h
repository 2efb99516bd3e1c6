/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs powercut_child above the power-cut library in a directory of the running test, and returns
 * when it has lost its power.  For the self tests; the current directory is the one worked in.
 */
#ifndef TESTS_POWERCUT_HARNESS_H
#define TESTS_POWERCUT_HARNESS_H

#include <stddef.h>
#include <stdint.h>

/* Size of the file "old", all 'a', and of what the child writes, all 'b'. */
#define POWERCUT_BODY_SIZE 8192

struct powercut_harness_child {
    const char *program; /* beside powercut_child, which is NULL */
    const char *pattern;
    const char *variable; /* one more of the environment, NAME=VALUE, or NULL */
    uint64_t seed;
    uint64_t at; /* call to cut at; 0: the child cuts itself */
    int ack_fd;  /* what the child shall see as descriptor 3, or -1 */
};

/* A fresh tree with the file "old" and the directory "room". */
void powercut_harness_reset(void);

/* Fails the test if the child ends in any other way than by its cut. */
void powercut_harness_run(const struct powercut_harness_child *child);

/* The same for a child that tells what it was promised.  Returns the bytes told. */
size_t powercut_harness_run_telling(struct powercut_harness_child *child, void *acks, size_t size);

/* Removes what the last cut has left outside of the tree. */
void powercut_harness_clean(void);

#endif
