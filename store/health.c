/* SPDX-License-Identifier: Apache-2.0 */
#include "store/health.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/affinity.h"
#include "base/check.h"
#include "base/disk_sync.h"
#include "base/lock.h"
#include "base/memory.h"
#include "store/home_internal.h"
#include "store/identity.h"

#include "base/banned.h"

/* Between two rounds: a sync of a few bytes per disk, and how long a dead one goes unnoticed while
 * nobody writes. */
#define PROBE_INTERVAL_S 10
/* Failed reads do not ask for more rounds than one per so many seconds. */
#define SUSPECT_INTERVAL_S 1
#define PROBE_FILE "health.probe"
#define PROBE_BYTES 512

struct health {
    struct store *store;
    bool has_thread;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_stopping;  /* guarded by lock */
    bool is_suspected; /* guarded by lock */
};

/* Full, or out of what the process has: not the disk's fault. */
static bool
is_innocent(int sys_errno)
{
    switch (sys_errno) {
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EINTR:
    case EAGAIN:
        return true;
    default:
        return false;
    }
}

/* What failed with errno set; ST_OK if it says nothing about the disk. */
static enum status
judge(const struct home *home, const char *doing, struct error *err)
{
    return is_innocent(errno)
               ? ST_OK
               : fail_errno(err, ST_IO, "mountpath %s fails: %s", home->directory, doing);
}

/* Is what stands at the path what was opened?  A disk that was unmounted leaves another directory.
 */
static enum status
check_place(const struct home *home, struct error *err)
{
    struct stat opened;
    struct stat now;
    struct statvfs system;

    if (fstat(home->directory_fd, &opened) != 0 || fstatvfs(home->directory_fd, &system) != 0) {
        return judge(home, "it cannot be looked at", err);
    }
    if (stat(home->directory, &now) != 0) {
        return judge(home, "its directory cannot be found", err);
    }
    if (opened.st_dev != now.st_dev || opened.st_ino != now.st_ino) {
        return fail(err, ST_IO, "mountpath %s is another directory than the one that was opened",
                    home->directory);
    }
    if ((system.f_flag & ST_RDONLY) != 0) {
        return fail(err, ST_IO, "mountpath %s is mounted read-only now", home->directory);
    }
    return ST_OK;
}

static enum status
check_identity(const struct home *home, struct error *err)
{
    struct identity identity;
    enum status st = identity_read(home->directory_fd, home->directory, &identity, err);

    if (st == ST_OK && (memcmp(identity.uuid, home->uuid, sizeof(identity.uuid)) != 0 ||
                        strcmp(identity.node_id, home->store->node_id) != 0)) {
        st = fail(err, ST_IO, "mountpath %s has another identity now", home->directory);
    }
    return st == ST_IO && is_innocent(errno) ? ST_OK : st;
}

static enum status
write_probe(const struct home *home, int fd, struct error *err)
{
    unsigned char bytes[PROBE_BYTES];
    unsigned char back[PROBE_BYTES];
    struct iovec iov = {bytes, sizeof(bytes)};

    memset(bytes, 0x5a, sizeof(bytes));
    if (write_fully(fd, &iov, 1, 0, "health_write") != 0) {
        return judge(home, "a write of a few bytes failed", err);
    }
    if (sync_file_data(fd, "health_sync") != 0) {
        return judge(home, "a sync of a few bytes failed", err);
    }
    if (pread(fd, back, sizeof(back), 0) != (ssize_t)sizeof(back)) {
        return judge(home, "a read of a few bytes failed", err);
    }
    return memcmp(bytes, back, sizeof(back)) == 0
               ? ST_OK
               : fail(err, ST_IO, "mountpath %s gives back other bytes than were written",
                      home->directory);
}

static enum status
check_writing(const struct home *home, struct error *err)
{
    int fd = openat(home->directory_fd, PROBE_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    enum status st;

    if (fd < 0) {
        return judge(home, "a file cannot be created", err);
    }
    st = write_probe(home, fd, err);
    close(fd);
    return st;
}

void
health_check(struct home *home, bool *ret_is_sound)
{
    struct error err = ERROR_INIT;
    enum status st = check_place(home, &err);

    if (st == ST_OK) {
        st = check_identity(home, &err);
    }
    if (st == ST_OK) {
        st = check_writing(home, &err);
    }
    if (st != ST_OK) {
        home_quarantine(home, &err);
    }
    *ret_is_sound = st == ST_OK;
}

static void
check_all(struct health *health)
{
    size_t count = store_home_count(health->store);

    for (size_t i = 0; i < count; i++) {
        struct home *home = store_home_at(health->store, i);
        bool is_sound;

        if (home_hold(home)) { /* a detached one is not closed meanwhile */
            if (home_state(home) == HOME_PRESENT) {
                health_check(home, &is_sound);
            }
            home_unhold(home);
        }
    }
}

/* False: the end. */
static bool
sleep_or_stop(struct health *health)
{
    struct timespec soonest;
    struct timespec until;
    bool is_stopping = false;

    clock_gettime(CLOCK_MONOTONIC, &soonest);
    until = soonest;
    soonest.tv_sec += SUSPECT_INTERVAL_S;
    until.tv_sec += PROBE_INTERVAL_S;
    WITH_LOCK (&health->lock) {
        int result = 0;

        health->is_suspected = false;
        while (!health->is_stopping && !health->is_suspected && result == 0) {
            result = pthread_cond_timedwait(&health->changed, &health->lock, &until);
            CHECK(result == 0 || result == ETIMEDOUT);
        }
        for (result = 0; !health->is_stopping && result == 0;) {
            result = pthread_cond_timedwait(&health->changed, &health->lock, &soonest);
            CHECK(result == 0 || result == ETIMEDOUT);
        }
        is_stopping = health->is_stopping;
    }
    return !is_stopping;
}

static void *
health_main(void *arg)
{
    struct health *health = arg;

    affinity_set(AFFINITY_WORKER, "lode-health");
    while (sleep_or_stop(health)) {
        check_all(health);
    }
    return NULL;
}

struct health *
health_create(struct store *store, bool has_thread)
{
    struct health *health = xcalloc(1, sizeof(*health));
    pthread_condattr_t attributes;

    health->store = store;
    health->has_thread = has_thread;
    CHECK(pthread_mutex_init(&health->lock, NULL) == 0);
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&health->changed, &attributes) == 0);
    pthread_condattr_destroy(&attributes);
    if (has_thread) {
        CHECK(pthread_create(&health->thread, NULL, health_main, health) == 0);
    }
    return health;
}

void
health_suspect(struct health *health)
{
    if (health == NULL) {
        return;
    }
    WITH_LOCK (&health->lock) {
        health->is_suspected = true;
        CHECK(pthread_cond_signal(&health->changed) == 0);
    }
}

void
health_destroy(struct health **take_health)
{
    struct health *health = *take_health;

    if (health == NULL) {
        return;
    }
    if (health->has_thread) {
        WITH_LOCK (&health->lock) {
            health->is_stopping = true;
            CHECK(pthread_cond_signal(&health->changed) == 0);
        }
        CHECK(pthread_join(health->thread, NULL) == 0);
    }
    pthread_cond_destroy(&health->changed);
    pthread_mutex_destroy(&health->lock);
    free(health);
    *take_health = NULL;
}
