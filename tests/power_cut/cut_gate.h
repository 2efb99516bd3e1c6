/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The moment of the cut.  Every tracked call passes here: it is counted, and it holds the world
 * open while it changes files and tables.  The cut closes the world for good, forks a child that
 * waits until every thread of this process is stopped, lets it make the image, and has it kill
 * this process.  Called from any thread; nothing returns once the cut has begun.
 */
#ifndef TESTS_CUT_GATE_H
#define TESTS_CUT_GATE_H

#include <stdint.h>

/* Order of all tracked changes of one process. */
uint64_t cut_gate_time(void);

/* Starts the thread that waits for the trigger, if there is one. */
void cut_gate_start(void);

/* Counts a call and holds the world open until cut_gate_leave. */
void cut_gate_enter(void);

/* The same without counting: a later step of a call that was counted. */
void cut_gate_enter_again(void);

void cut_gate_leave(void);

/* Calls counted so far.  Exported. */
uint64_t powercut_calls(void);

/* Cuts the power: never returns.  Exported, so that a program under test can name the moment.
 * Must not be called between enter and leave. */
_Noreturn void powercut_now(void);

#endif
