/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread sleeps until a watcher says that the key changed, or a second has passed (the session
 * may be lost or found).  Then: the key is mine -> leader; it is nobody's and the session is held
 * -> create it under the lease; it is another's -> not leader.  A watcher takes leadership away at
 * once, the thread tells the owner.
 */
#include "control/control_leader.h"

#include <errno.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "control/control_driver.h"

#include "base/banned.h"

/* How long a found or lost session may go unnoticed by the candidate (ms). */
#define LOOK_INTERVAL_MS 1000
/* After a failed try; also bounds how often candidates race for the key (ms). */
#define TRY_INTERVAL_MS 100

struct control_leader {
    struct control_session *session;
    struct control *control;
    struct buffer value;
    control_leader_changed_fn *changed;
    void *arg;
    uint64_t told; /* the thread: create revision of what the owner was told to lead by, or 0 */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;        /* monotonic clock */
    struct control_guard guard; /* create_revision guarded by lock; of the key as seen, 0: none */
    uint64_t key_lease;         /* guarded by lock; of the key as seen */
    bool has_news;              /* guarded by lock */
    bool is_ending;             /* guarded by lock */
};

static void
key_changed(const struct control_value *value, void *arg)
{
    struct control_leader *leader = arg;

    if (!bytes_equal_string(value->key, leader->guard.key)) {
        return;
    }
    WITH_LOCK (&leader->lock) {
        leader->guard.create_revision = value->value.data != NULL ? value->create_revision : 0;
        leader->key_lease = value->lease;
        leader->has_news = true;
        CHECK(pthread_cond_signal(&leader->wake) == 0);
    }
}

/* has_lock.  Whose the key is shows in its lease, also when the answer to its creation was lost. */
static bool
is_leader_locked(const struct control_leader *leader, uint64_t lease)
{
    return leader->guard.create_revision != 0 && leader->key_lease == lease && lease != 0;
}

bool
control_leader_is_leader(struct control_leader *leader, struct control_guard *ret_guard)
{
    uint64_t lease = control_session_lease(leader->session);
    bool is_leader = false;

    WITH_LOCK (&leader->lock) {
        is_leader = is_leader_locked(leader, lease);
        if (is_leader && ret_guard != NULL) {
            *ret_guard = leader->guard;
        }
    }
    return is_leader;
}

/* Create the key.  False: to be tried again soon. */
static bool
try_to_lead(struct control_leader *leader, uint64_t lease)
{
    struct control_change change = {.action = CONTROL_PUT,
                                    .key = bytes_of_string(leader->guard.key),
                                    .value = buffer_bytes(&leader->value),
                                    .expected_revision = CONTROL_MUST_NOT_EXIST,
                                    .lease = lease};
    struct error err = ERROR_INIT;
    enum status st = control_commit(leader->control, &change, 1, NULL, NULL, &err);

    if (st != ST_OK && st != ST_CONFLICT) {
        log_warn(NULL, "control_campaign_failed", "%s", err.text);
    }
    return st == ST_OK || st == ST_CONFLICT;
}

/* term: the create revision by which this node leads, or 0.  A term that ended and began anew
 * between two looks is told as both. */
static void
tell(struct control_leader *leader, uint64_t term)
{
    if (leader->told != 0 && leader->told != term) {
        leader->told = 0;
        log_info(NULL, "control_leader_lost", "%s: this node leads no more", leader->guard.key);
        if (leader->changed != NULL) {
            leader->changed(false, leader->arg);
        }
    }
    if (leader->told == 0 && term != 0) {
        leader->told = term;
        log_info(NULL, "control_leader_won", "%s: this node leads", leader->guard.key);
        if (leader->changed != NULL) {
            leader->changed(true, leader->arg);
        }
    }
}

/* The next look in how many ms? */
static int64_t
look(struct control_leader *leader)
{
    uint64_t lease = control_session_lease(leader->session);
    struct control_guard guard;
    bool has_leader = false;
    bool is_good = true;

    WITH_LOCK (&leader->lock) {
        leader->has_news = false;
        has_leader = leader->guard.create_revision != 0;
    }
    tell(leader, control_leader_is_leader(leader, &guard) ? guard.create_revision : 0);
    if (!has_leader && lease != 0) {
        is_good = try_to_lead(leader, lease);
        tell(leader, control_leader_is_leader(leader, &guard) ? guard.create_revision : 0);
    }
    return is_good ? LOOK_INTERVAL_MS : TRY_INTERVAL_MS;
}

static void *
leader_run(void *arg)
{
    struct control_leader *leader = arg;
    bool is_ending = false;

    affinity_set(AFFINITY_WORKER, "leader");
    while (!is_ending) {
        int64_t until_ns = clock_monotonic_ns() + look(leader) * CLOCK_NS_PER_MS;
        struct timespec until = {.tv_sec = until_ns / CLOCK_NS_PER_S,
                                 .tv_nsec = until_ns % CLOCK_NS_PER_S};

        WITH_LOCK (&leader->lock) {
            int result = 0;

            while (!leader->is_ending && !leader->has_news && result == 0) {
                result = pthread_cond_timedwait(&leader->wake, &leader->lock, &until);
                CHECK(result == 0 || result == ETIMEDOUT);
            }
            is_ending = leader->is_ending;
        }
    }
    tell(leader, 0);
    return NULL;
}

enum status
control_leader_campaign(struct control_session *session,
                        const struct control_leader_options *options,
                        struct control_leader **ret_leader, struct error *err)
{
    struct control_leader *leader = xcalloc(1, sizeof(*leader));
    size_t key_size = strlen(options->key);
    pthread_condattr_t attributes;
    enum status st;

    CHECK(key_size > 0 && key_size <= CONTROL_LEADER_KEY_BYTES_MAX);
    leader->session = session;
    leader->control = control_session_control(session);
    memcpy(leader->guard.key, options->key, key_size + 1);
    buffer_append_bytes(&leader->value, options->value);
    leader->changed = options->changed;
    leader->arg = options->arg;
    CHECK(pthread_mutex_init(&leader->lock, NULL) == 0);
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&leader->wake, &attributes) == 0);
    CHECK(pthread_condattr_destroy(&attributes) == 0);
    st = control_watch(leader->control, bytes_of_string(options->key), key_changed, leader, err);
    CHECK(st == ST_OK); /* the view's watch cannot fail */
    CHECK(pthread_create(&leader->thread, NULL, leader_run, leader) == 0);
    *ret_leader = leader;
    return ST_OK;
}

void
control_leader_resign(struct control_leader **take_leader)
{
    struct control_leader *leader = *take_leader;
    struct error err = ERROR_INIT;
    struct control_change change = {.action = CONTROL_DELETE,
                                    .expected_revision = CONTROL_ANY_REVISION};

    if (leader == NULL) {
        return;
    }
    WITH_LOCK (&leader->lock) {
        leader->is_ending = true;
        CHECK(pthread_cond_signal(&leader->wake) == 0);
    }
    CHECK(pthread_join(leader->thread, NULL) == 0);
    control_unwatch(leader->control, key_changed, leader);
    change.key = bytes_of_string(leader->guard.key);
    if (is_leader_locked(leader, control_session_lease(leader->session)) && /* no other thread */
        control_commit(leader->control, &change, 1, &leader->guard, NULL, &err) != ST_OK) {
        log_info(NULL, "control_leader_not_resigned", "leadership ends with the lease: %s",
                 err.text);
    }
    buffer_release(&leader->value);
    CHECK(pthread_mutex_destroy(&leader->lock) == 0);
    CHECK(pthread_cond_destroy(&leader->wake) == 0);
    free(leader);
    *take_leader = NULL;
}
