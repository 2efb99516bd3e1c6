/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How loaded this node is: five dimensions, each low, moderate, high or critical.  One thread takes
 * readings from the system and from whoever has some (homes, the worker pool) four times a second;
 * everybody else only looks at the grades, which costs a load from memory.  Created and owned by
 * the program; a NULL vector is always low.  docs/decisions/017-load-vector.md says what grades do.
 *
 *   create -> add_source* -> start -> (grades are read) -> stop -> destroy
 */
#ifndef BASE_LOAD_H
#define BASE_LOAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/load_limits.h"

enum load_dimension {
    LOAD_MEMORY,
    LOAD_CPU,
    LOAD_DISK,
    LOAD_THREADS,
    LOAD_DESCRIPTORS,
    LOAD_DIMENSION_COUNT
};

enum load_grade { LOAD_LOW, LOAD_MODERATE, LOAD_HIGH, LOAD_CRITICAL };

/* What a request or a step of a job costs; the row of its route says so. */
enum load_class {
    LOAD_SMALL,      /* point reads, HEAD, one page of a listing, small changes */
    LOAD_CONTROL,    /* health, cluster, jobs: what an operator needs to help */
    LOAD_DATA,       /* bodies and copies */
    LOAD_BACKGROUND, /* jobs, resilver, rebalance, collector, sweep */
    LOAD_CLASS_COUNT
};

enum load_signal {
#define LOAD_SIGNAL_ENUM(signal, ...) signal,
    LOAD_SIGNAL_LIST(LOAD_SIGNAL_ENUM)
#undef LOAD_SIGNAL_ENUM
        LOAD_SIGNAL_COUNT
};

/* What was read in one round; a signal that nobody can read is low. */
struct load_readings {
    uint64_t values[LOAD_SIGNAL_COUNT];
    bool is_known[LOAD_SIGNAL_COUNT];
    uint64_t memory_left_bytes;  /* what LOAD_MEMORY_LEFT rests on; for those who show it */
    uint64_t memory_total_bytes; /* 0: not known */
};
/* Of several readings of one signal (homes, cgroups) the worst counts. */
void load_note(struct load_readings *readings, enum load_signal signal, uint64_t value);
/* left in percent of reserve, for signals of that kind; 0 reserve: nothing is noted. */
void load_note_left(struct load_readings *readings, enum load_signal signal, uint64_t left,
                    uint64_t reserve);

struct load;

struct load *load_create(void);
void load_destroy(struct load **take_load);
/* Before start, or without a thread.  read is called on the vector's thread, must not wait for
 * disks, and is called until load_stop returns. */
typedef void load_source_fn(struct load_readings *readings, int64_t now_ns, void *arg);
void load_add_source(struct load *load, load_source_fn *read, void *arg);
void load_start(struct load *load);
/* All is low from then on, and what waits goes on. */
void load_stop(struct load *load);
/* One round at that time (monotonic); by the thread, or by tests. */
void load_read(struct load *load, int64_t now_ns);

/* ---- any thread; load may be NULL ---- */

const char *load_dimension_name(enum load_dimension dimension);
const char *load_grade_name(enum load_grade grade);
const char *load_class_name(enum load_class load_class);
enum load_grade load_grade(const struct load *load, enum load_dimension dimension);
/* Of space on disks alone, which is a part of LOAD_DISK. */
enum load_grade load_grade_of_space(const struct load *load);
/* The worst of what holds up requests. */
enum load_grade load_gate(const struct load *load);
/* The dimension that is at it; only for texts. */
enum load_dimension load_gate_dimension(const struct load *load);
/* The worst of what background work gives way to. */
enum load_grade load_order(const struct load *load, bool has_clients);
/* What a refused client is told to wait: more the longer the grade lasts, and a random part. */
unsigned load_retry_after_s(const struct load *load);
/* Waits for the next round or so long, whichever is first. */
void load_await(struct load *load, int64_t timeout_ms);
/* The one piece of background work at a time (base/load_rest.h); false: another has it. */
bool load_take_turn(struct load *load);
void load_give_turn(struct load *load);
/* What this process may still take, and at most; 0 of 0: not known. */
void load_memory(const struct load *load, uint64_t *ret_left_bytes, uint64_t *ret_total_bytes);
/* {"memory":"low","cpu":"moderate",...} */
void load_append_json(const struct load *load, struct buffer *out);

#endif
