/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every threshold of the load vector, with its unit and reason.  docs/decisions/017-load-vector.md
 * says what each grade does; here stands when it is reached.
 */
#ifndef BASE_LOAD_LIMITS_H
#define BASE_LOAD_LIMITS_H

#include <stdint.h>

/* Readings each second: a burst of a second is seen, and eight small files cost nothing. */
#define LOAD_READINGS_PER_S 4
/* Shares of time (stalls, throttling) are of the last so many readings, 2 s: the kernel's own
 * averages are of 10 s and would hold a grade long after its cause is gone. */
#define LOAD_WINDOW_READINGS 8
/* A grade is entered at once and left after so long beyond the second threshold ... */
#define LOAD_LEAVE_MS 2000
/* ... which is this part of the first one for what is bad when it is large, and the reverse for
 * what is bad when it is small. */
#define LOAD_LEAVE_PERCENT 80

/* No such grade: the signal alone never reaches it. */
#define LOAD_NEVER_ABOVE UINT64_MAX
#define LOAD_NEVER_BELOW UINT64_C(0)

/*
 * X(signal, dimension, name, help, direction, moderate, high, critical, effect)
 *
 * A RISING signal is bad from the threshold upwards, a FALLING one from it downwards.  effect: does
 * the signal hold up requests and background work (GATES), only background work while clients are
 * served (ORDERS), or is it only shown, because something else acts on it (SHOWN)?
 *
 *   memory_left     the reserve is one body buffer for each worker, at least LOAD_MEMORY_RESERVE_-
 *                   BYTES_MIN: what the workers can take between two readings.
 *   memory_stall    reclaim that stops tasks costs latency.  Never critical: of a machine without
 *                   cgroups it may be the work of others, and refusing would not end it.
 *   cpu_*           never critical: a busy CPU is no reason to refuse, and others may use it.
 *   commit_age      a synced batch takes 1 to 50 ms on working disks; 2 s is a stalled one.
 *   disk_stall      of the whole machine, and syncs of others count too: it only orders.
 *   disk_space      free against the floor; at the floor writes get 507 by themselves, and refusing
 *                   reads and deletes would be wrong.
 *   queue_length    bursts of short jobs are normal; twice the threads is a queue that lasts.
 *   queue_age       the oldest job of the pool; 5 s is a client's patience.
 *   descriptors     the reserve is what homes and peers may still have to open.
 */
#define LOAD_SIGNAL_LIST(X)                                                                        \
    X(LOAD_MEMORY_LEFT, LOAD_MEMORY, "memory_left_percent",                                        \
      "memory left, in percent of the reserve", FALLING, 400, 200, 100, GATES)                     \
    X(LOAD_MEMORY_STALL, LOAD_MEMORY, "memory_stall_percent",                                      \
      "time in which some task waited for memory", RISING, 10, 20, LOAD_NEVER_ABOVE, GATES)        \
    X(LOAD_CPU_STALL, LOAD_CPU, "cpu_stall_percent", "time in which some task waited for a core",  \
      RISING, 40, 80, LOAD_NEVER_ABOVE, ORDERS)                                                    \
    X(LOAD_CPU_THROTTLED, LOAD_CPU, "cpu_throttled_percent",                                       \
      "time in which the cgroup was not let run", RISING, 10, 50, LOAD_NEVER_ABOVE, ORDERS)        \
    X(LOAD_CPU_QUEUE, LOAD_CPU, "cpu_queue_percent", "tasks that could run, in percent of cores",  \
      RISING, 200, 400, LOAD_NEVER_ABOVE, ORDERS)                                                  \
    X(LOAD_COMMIT_AGE, LOAD_DISK, "commit_age_ms", "age of the oldest commit that waits", RISING,  \
      500, 2000, LOAD_NEVER_ABOVE, GATES)                                                          \
    X(LOAD_DISK_STALL, LOAD_DISK, "disk_stall_percent",                                            \
      "time in which all tasks waited for disks", RISING, 40, LOAD_NEVER_ABOVE, LOAD_NEVER_ABOVE,  \
      ORDERS)                                                                                      \
    X(LOAD_DISK_SPACE, LOAD_DISK, "disk_space_percent",                                            \
      "free space in percent of the floor, of the fullest mountpath", FALLING, 200, 125, 105,      \
      SHOWN)                                                                                       \
    X(LOAD_QUEUE_LENGTH, LOAD_THREADS, "queue_length_percent",                                     \
      "jobs that wait for a worker, in percent of the workers", RISING, 200, LOAD_NEVER_ABOVE,     \
      LOAD_NEVER_ABOVE, GATES)                                                                     \
    X(LOAD_QUEUE_AGE, LOAD_THREADS, "queue_age_ms", "age of the oldest of them", RISING, 250,      \
      1000, 5000, GATES)                                                                           \
    X(LOAD_DESCRIPTORS_LEFT, LOAD_DESCRIPTORS, "descriptors_left_percent",                         \
      "descriptors left, in percent of the reserve", FALLING, 400, 200, 100, GATES)

/* Below this the kernel reclaims all the time, however few workers there are. */
#define LOAD_MEMORY_RESERVE_BYTES_MIN ((uint64_t)16 << 20)
/* Of the limit of descriptors the reserve is at most this part, so that half of a low limit is used
 * before anything is said. */
#define LOAD_DESCRIPTOR_RESERVE_PART 8

/* Seconds that a refused client is told to stay away: at least, at most, and how long a grade lasts
 * for each second more.  One more is added at random, so that they do not return together. */
#define LOAD_RETRY_S_MIN 1
#define LOAD_RETRY_S_MAX 7
#define LOAD_RETRY_GROWS_S 3

/* Background work looks so often whether it may go on, and whether it was stopped. */
#define LOAD_REST_LOOK_MS 50
/* A piece of it that took longer waited more than it worked: it rests no longer than this. */
#define LOAD_REST_MS_MAX 50
/* Less is not worth a switch of threads. */
#define LOAD_REST_MS_MIN 1

#endif
