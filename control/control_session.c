/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread:
 *
 *   every third of the time to live: keep the lease -> confirmed as of when the request was sent
 *   the lease has ended (ST_NOT_FOUND) -> not held -> a new lease -> the values put again -> held
 *   no confirmation for the whole time to live -> not held, until an exchange succeeds
 *
 * While etcd is away its clock of leases stands still or starts anew, so the lease may well be
 * there when it returns; then the values are there too and held comes back without putting them.
 * The turn keeps changes of the session's values apart from putting them again.
 */
#include "control/control_session.h"

#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "control/control_driver.h"
#include "control/control_turn.h"

#include "base/banned.h"

/* Exchanges in the time to live: two may get lost. */
#define KEEPS_PER_TTL 3
/* After a failed exchange the next follows sooner, but not at once (ms). */
#define RETRY_MS 300

struct session_value {
    struct list node;
    struct buffer key;
    struct buffer value;
    uint64_t revision; /* as the session put it last */
};

struct control_session {
    struct control *control;
    struct control_driver *driver;
    struct control_session_options options;
    int64_t ttl_ns;
    int64_t exchange_ms;
    pthread_t thread;
    struct control_turn turn;
    struct list values;   /* whoever has the turn */
    bool must_put_values; /* the thread */
    uint64_t lease;       /* the thread; 0: none */
    pthread_mutex_t lock;
    pthread_cond_t wake;  /* monotonic clock */
    bool is_ending;       /* guarded by lock */
    uint64_t held_lease;  /* guarded by lock; 0: not held */
    int64_t confirmed_ns; /* guarded by lock; when the last successful exchange began */
};

/* ---- what is known ---- */

static bool
is_confirmed_locked(const struct control_session *session, int64_t age_ns)
{
    return session->confirmed_ns != 0 && clock_monotonic_ns() - session->confirmed_ns <= age_ns;
}

bool
control_session_is_confirmed_within(struct control_session *session, int64_t age_ns)
{
    bool is_confirmed = false;

    WITH_LOCK (&session->lock) {
        is_confirmed = session->held_lease != 0 && is_confirmed_locked(session, age_ns);
    }
    return is_confirmed;
}

uint64_t
control_session_lease(struct control_session *session)
{
    uint64_t lease = 0;

    WITH_LOCK (&session->lock) {
        lease = is_confirmed_locked(session, session->ttl_ns) ? session->held_lease : 0;
    }
    return lease;
}

struct control *
control_session_control(struct control_session *session)
{
    return session->control;
}

static void
set_held(struct control_session *session, bool is_held)
{
    uint64_t lease = is_held ? session->lease : 0;
    bool was_held = false;

    WITH_LOCK (&session->lock) {
        was_held = session->held_lease != 0;
        session->held_lease = lease;
    }
    if (was_held == is_held) {
        return;
    }
    if (is_held) {
        log_info(NULL, "control_session_held", "the lease of this node is confirmed");
    } else {
        log_warn(NULL, "control_session_lost", "the lease of this node ended or is not confirmed");
    }
    if (session->options.changed != NULL) {
        session->options.changed(is_held, session->options.arg);
    }
}

/* ---- the session's values ---- */

static void
session_value_free(struct session_value *value)
{
    buffer_release(&value->key);
    buffer_release(&value->value);
    free(value);
}

/* has_turn */
static struct session_value *
find_value(struct control_session *session, struct bytes key)
{
    for (struct list *node = session->values.next; node != &session->values; node = node->next) {
        struct session_value *value = CONTAINER_OF(struct session_value, node, node);

        if (bytes_equal(buffer_bytes(&value->key), key)) {
            return value;
        }
    }
    return NULL;
}

/* has_turn */
static void
remember_value(struct control_session *session, struct bytes key, struct bytes content,
               uint64_t revision)
{
    struct session_value *value = find_value(session, key);

    if (value == NULL) {
        value = xcalloc(1, sizeof(*value));
        buffer_append_bytes(&value->key, key);
        list_append(&session->values, &value->node);
    }
    buffer_clear(&value->value);
    buffer_append_bytes(&value->value, content);
    value->revision = revision;
}

enum status
control_session_put(struct control_session *session, struct bytes key, struct bytes value,
                    uint64_t expected_revision, uint64_t *ret_revision, struct error *err)
{
    struct control_change change = {
        .action = CONTROL_PUT, .key = key, .value = value, .expected_revision = expected_revision};
    uint64_t revision;
    enum status st;

    control_turn_take(&session->turn);
    change.lease = control_session_lease(session);
    st = change.lease == 0 ? fail(err, ST_UNAVAILABLE, "the lease of this node is not held")
                           : control_commit(session->control, &change, 1, NULL, &revision, err);
    if (st == ST_OK) {
        remember_value(session, key, value, revision);
        if (ret_revision != NULL) {
            *ret_revision = revision;
        }
    }
    control_turn_give(&session->turn);
    return st;
}

enum status
control_session_delete(struct control_session *session, struct bytes key, struct error *err)
{
    struct session_value *value;
    enum status st;

    control_turn_take(&session->turn);
    value = find_value(session, key);
    st = value == NULL ? fail(err, ST_NOT_FOUND, "the session has no such value")
                       : control_delete(session->control, key, value->revision, err);
    if (value != NULL && (st == ST_OK || st == ST_CONFLICT)) {
        list_remove(&value->node);
        session_value_free(value);
    }
    control_turn_give(&session->turn);
    return st;
}

/* has_turn.  Put one value again under the new lease: it must be missing, or be what this session
 * put there. */
static enum status
put_again(struct control_session *session, struct session_value *value, struct error *err)
{
    struct control_change change = {.action = CONTROL_PUT,
                                    .key = buffer_bytes(&value->key),
                                    .value = buffer_bytes(&value->value),
                                    .expected_revision = CONTROL_MUST_NOT_EXIST,
                                    .lease = session->lease};
    enum status st = session->driver->ops->commit(session->driver, &change, 1, NULL,
                                                  session->exchange_ms, &value->revision, err);

    if (st == ST_CONFLICT) {
        change.expected_revision = value->revision;
        st = session->driver->ops->commit(session->driver, &change, 1, NULL, session->exchange_ms,
                                          &value->revision, err);
    }
    return st;
}

/* True: all are there, or belong to somebody else by now. */
static bool
put_all_again(struct control_session *session)
{
    struct list *node;
    bool is_done = true;

    control_turn_take(&session->turn);
    node = session->values.next;
    while (is_done && node != &session->values) {
        struct session_value *value = CONTAINER_OF(struct session_value, node, node);
        struct error err = ERROR_INIT;
        enum status st = put_again(session, value, &err);

        node = node->next;
        if (st == ST_CONFLICT) {
            log_error(NULL, "control_session_value_taken",
                      "%.*s was put by somebody else while the lease of this node was lost",
                      BYTES_ARGS(buffer_bytes(&value->key)));
            list_remove(&value->node);
            session_value_free(value);
        } else if (st != ST_OK) {
            log_warn(NULL, "control_session_put_failed", "%s", err.text);
            is_done = false;
        }
    }
    control_turn_give(&session->turn);
    return is_done;
}

/* ---- the lease ---- */

static void
confirm(struct control_session *session, int64_t began_ns)
{
    WITH_LOCK (&session->lock) {
        session->confirmed_ns = began_ns;
    }
}

static enum status
grant(struct control_session *session, int64_t timeout_ms, struct error *err)
{
    int64_t began_ns = clock_monotonic_ns();
    int64_t ttl_s = session->ttl_ns / CLOCK_NS_PER_S;
    enum status st =
        session->driver->ops->lease_grant(session->driver, ttl_s, timeout_ms, &session->lease, err);

    if (st == ST_OK) {
        confirm(session, began_ns);
    }
    return st;
}

/* One exchange; true: it confirmed the lease and all values. */
static bool
exchange(struct control_session *session)
{
    int64_t began_ns = clock_monotonic_ns();
    struct error err = ERROR_INIT;
    enum status st = ST_NOT_FOUND;

    if (session->lease != 0) {
        st = session->driver->ops->lease_keep(session->driver, session->lease, session->exchange_ms,
                                              &err);
    }
    if (st == ST_OK) {
        confirm(session, began_ns);
    } else if (st == ST_NOT_FOUND) {
        session->lease = 0;
        session->must_put_values = true;
        set_held(session, false);
        st = grant(session, session->exchange_ms, &err);
    }
    if (st == ST_OK && session->must_put_values) {
        session->must_put_values = !put_all_again(session);
    }
    if (st == ST_OK && !session->must_put_values) {
        set_held(session, true);
        return true;
    }
    if (!control_session_is_confirmed_within(session, session->ttl_ns)) {
        set_held(session, false);
    }
    return false;
}

/* False: the session ends. */
static bool
wait_for_ms(struct control_session *session, int64_t ms)
{
    int64_t until_ns = clock_monotonic_ns() + ms * CLOCK_NS_PER_MS;
    struct timespec until = {.tv_sec = until_ns / CLOCK_NS_PER_S,
                             .tv_nsec = until_ns % CLOCK_NS_PER_S};
    bool is_ending = false;

    WITH_LOCK (&session->lock) {
        int result = 0;

        while (!session->is_ending && result == 0) {
            result = pthread_cond_timedwait(&session->wake, &session->lock, &until);
            CHECK(result == 0 || result == ETIMEDOUT);
        }
        is_ending = session->is_ending;
    }
    return !is_ending;
}

static void *
session_run(void *arg)
{
    struct control_session *session = arg;
    int64_t interval_ms = session->exchange_ms;

    affinity_set(AFFINITY_WORKER, "session");
    while (wait_for_ms(session, interval_ms)) {
        interval_ms =
            exchange(session) || session->exchange_ms < RETRY_MS ? session->exchange_ms : RETRY_MS;
    }
    return NULL;
}

/* ---- opening and closing ---- */

static void
session_free(struct control_session *session)
{
    struct list *node;

    while ((node = list_take_first(&session->values)) != NULL) {
        session_value_free(CONTAINER_OF(struct session_value, node, node));
    }
    control_turn_release(&session->turn);
    CHECK(pthread_mutex_destroy(&session->lock) == 0);
    CHECK(pthread_cond_destroy(&session->wake) == 0);
    free(session);
}

enum status
control_session_open(struct control *control, const struct control_session_options *options,
                     struct control_session **ret_session, struct error *err)
{
    struct control_session *session = xcalloc(1, sizeof(*session));
    int64_t ttl_s = (options->ttl_ms + 999) / 1000;
    pthread_condattr_t attributes;
    enum status st;

    CHECK(options->ttl_ms >= CONTROL_SESSION_TTL_MIN_MS);
    session->control = control;
    session->driver = control_driver_of(control);
    session->options = *options;
    session->ttl_ns = ttl_s * CLOCK_NS_PER_S;
    session->exchange_ms = ttl_s * 1000 / KEEPS_PER_TTL;
    control_turn_init(&session->turn);
    list_init(&session->values);
    CHECK(pthread_mutex_init(&session->lock, NULL) == 0);
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&session->wake, &attributes) == 0);
    CHECK(pthread_condattr_destroy(&attributes) == 0);
    st = grant(session, session->driver->change_timeout_ms, err);
    if (st != ST_OK) {
        session_free(session);
        return st;
    }
    session->held_lease = session->lease;
    CHECK(pthread_create(&session->thread, NULL, session_run, session) == 0);
    *ret_session = session;
    return ST_OK;
}

void
control_session_close(struct control_session **take_session)
{
    struct control_session *session = *take_session;
    struct error err = ERROR_INIT;

    if (session == NULL) {
        return;
    }
    WITH_LOCK (&session->lock) {
        session->is_ending = true;
        CHECK(pthread_cond_broadcast(&session->wake) == 0);
    }
    CHECK(pthread_join(session->thread, NULL) == 0);
    if (session->lease != 0 &&
        session->driver->ops->lease_revoke(session->driver, session->lease, session->exchange_ms,
                                           &err) != ST_OK) {
        log_info(NULL, "control_session_not_revoked", "the lease ends by itself: %s", err.text);
    }
    session_free(session);
    *take_session = NULL;
}
