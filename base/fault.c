/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/lock.h"

#include "base/banned.h"

#define FAULT_NAME_MAX 256

static pthread_mutex_t fault_lock = PTHREAD_MUTEX_INITIALIZER;
static const char *names[FAULT_NAME_MAX]; /* guarded by fault_lock, only grows */
static size_t name_count;                 /* guarded by fault_lock */
static struct {
    const char *name;
    uint64_t passes_left; /* before the point acts */
    uint64_t times_left;
    int action;
    uint64_t acted_count;
} armed; /* guarded by fault_lock */

int
fault_pass(const char *name)
{
    int action = 0;

    WITH_LOCK (&fault_lock) {
        size_t i = 0;

        while (i < name_count && strcmp(names[i], name) != 0) {
            i++;
        }
        if (i == name_count) {
            CHECK(name_count < FAULT_NAME_MAX);
            names[name_count++] = name;
        }
        if (armed.name != NULL && strcmp(armed.name, name) == 0 && armed.times_left > 0) {
            if (armed.passes_left > 1) {
                armed.passes_left--;
            } else {
                armed.times_left--;
                armed.acted_count++;
                action = armed.action;
            }
        }
    }
    if (action == FAULT_ACTION_KILL) {
        kill(getpid(), SIGKILL);
        pause();
    }
    return action;
}

void
fault_arm(const char *name, uint64_t nth, uint64_t times, int action)
{
    WITH_LOCK (&fault_lock) {
        armed.name = name;
        armed.passes_left = nth;
        armed.times_left = times;
        armed.action = action;
        armed.acted_count = 0;
    }
}

void
fault_disarm(void)
{
    WITH_LOCK (&fault_lock) {
        armed.name = NULL;
        armed.times_left = 0;
    }
}

uint64_t
fault_acted_count(void)
{
    uint64_t count = 0;

    WITH_LOCK (&fault_lock) {
        count = armed.acted_count;
    }
    return count;
}

size_t
fault_names(const char *const **ret_names)
{
    size_t count = 0;

    WITH_LOCK (&fault_lock) {
        count = name_count;
    }
    *ret_names = names;
    return count;
}
