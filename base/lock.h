/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mutex with a scope macro.  Few locks, never held across I/O, a callback or a RocksDB write; their
 * order of acquisition stands in ARCHITECTURE.md.
 *
 *     WITH_LOCK(&pool->lock) { ... }        released when the block is left, by any way out
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <pthread.h>

#include "base/check.h"

static inline pthread_mutex_t *
lock_acquire(pthread_mutex_t *mutex)
{
    CHECK(pthread_mutex_lock(mutex) == 0);
    return mutex;
}

static inline void
lock_leave(pthread_mutex_t **mutex)
{
    if (*mutex != NULL) {
        CHECK(pthread_mutex_unlock(*mutex) == 0);
    }
}

#define WITH_LOCK(mutex)                                                                           \
    for (pthread_mutex_t * held_lock __attribute__((cleanup(lock_leave))) = lock_acquire(mutex),   \
                                     *once_lock = held_lock;                                       \
         once_lock != NULL; once_lock = NULL)

#endif
