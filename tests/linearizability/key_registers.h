/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A history seen key by key: each key is a register, and each operation one step on it, a copy a
 * read of its source and a write of its destination.  A page of a listing is a read of every key in
 * the range it covers, at one moment of its own for each: so it must show each write acknowledged
 * before it began, and nothing deleted before it began.  Built once by the judge; borrows nothing
 * after the build.
 */
#ifndef TESTS_LINEARIZABILITY_KEY_REGISTERS_H
#define TESTS_LINEARIZABILITY_KEY_REGISTERS_H

#include "tests/linearizability/op_history.h"
#include "tests/linearizability/register_search.h"

struct key_register {
    struct register_step *steps;
    size_t count;
    size_t capacity;
};

struct key_registers {
    struct key_register *keys; /* as many as history->keys has names */
    size_t count;
    int32_t **choices; /* what the EFFECT_CHOICE steps borrow */
    size_t choices_count;
};

void key_registers_build(struct key_registers *registers, const struct op_history *history);
void key_registers_release(struct key_registers *registers);

#endif
