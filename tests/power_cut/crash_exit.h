/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a crash driver ends when it is not killed; read by the parent.
 */
#ifndef TESTS_CRASH_EXIT_H
#define TESTS_CRASH_EXIT_H

enum crash_exit {
    CRASH_EXIT_DONE = 0,
    CRASH_EXIT_BROKEN = 3,    /* a promise was broken: the first line on stderr says which */
    CRASH_EXIT_FAULTLESS = 5, /* built without the fault points that were asked for */
    CRASH_EXIT_REFUSED = 4,   /* a fault was reported before anything was promised */
};

#endif
