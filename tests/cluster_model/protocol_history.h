/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients may believe of one key: all linearizations of the operations so far, as a set of
 * configurations that is kept once and named by a small number.  A write whose outcome nobody
 * learned stays open for ever.  An observer (a slow read, a listing page) collects the values that
 * the key had since it began; what it returns must be one of them.
 *
 * The table is global to the test program and only grows; one thread.
 */
#ifndef TESTS_CLUSTER_MODEL_PROTOCOL_HISTORY_H
#define TESTS_CLUSTER_MODEL_PROTOCOL_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

/* A write's value is its number + 1. */
#define HISTORY_WRITES_MAX 6
#define HISTORY_NOTHING 0
#define HISTORY_INITIAL 7
#define HISTORY_OBSERVERS 2

enum history_write { HISTORY_PUT, HISTORY_DELETE, HISTORY_PUT_IF_ABSENT };

enum history_event {
    HISTORY_BEGIN_WRITE,   /* number, kind */
    HISTORY_END_WRITE,     /* number: the client was told that it succeeded */
    HISTORY_FAIL_WRITE,    /* number: the client was told that the key exists */
    HISTORY_BEGIN_OBSERVE, /* observer */
    HISTORY_END_OBSERVE,   /* observer, value */
    HISTORY_DROP_OBSERVE,  /* observer: it ended without a result */
    HISTORY_SEE,           /* value: a read that began and ended now */
    HISTORY_GIVE_UP        /* data of a removed target: any value may be there now */
};

/* No linearization is left: clients have seen what no order of their operations explains. */
#define HISTORY_IMPOSSIBLE 0

/* Of a key that holds the initial value, or nothing. */
uint16_t history_start(bool has_value);
uint16_t history_apply(uint16_t history, enum history_event event, unsigned int a, unsigned int b);
/* Some value that the key may have now, as bits by value. */
unsigned int history_values(uint16_t history);
unsigned int history_count(void);

#endif
