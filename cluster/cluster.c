/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening, joining, the thread, and what others may ask.  The parts of a round stand in
 * cluster_member.c and cluster_leader.c.
 */
#include "cluster/cluster.h"

#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "cluster/cluster_internal.h"
#include "cluster/cluster_metrics.h"

#include "base/banned.h"

/* Values whose changes are answered only when every node has applied them. */
static const char *const SETTLED_PREFIXES[] = {"bucket/", "user/", "key/", "cluster/key/"};

static struct timespec
timespec_of(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / CLOCK_NS_PER_S, .tv_nsec = ns % CLOCK_NS_PER_S};
}

void
cluster_wake(struct cluster *cluster)
{
    WITH_LOCK (&cluster->lock) {
        cluster->has_news = true;
        CHECK(pthread_cond_signal(&cluster->wake) == 0);
    }
}

bool
cluster_wait_round(struct cluster *cluster, uint64_t *round, int64_t deadline_ns)
{
    struct timespec deadline = timespec_of(deadline_ns);
    bool is_new = false;

    WITH_LOCK (&cluster->lock) {
        int result = 0;

        while (cluster->round_count == *round && result == 0) {
            result = pthread_cond_timedwait(&cluster->changed, &cluster->lock, &deadline);
            CHECK(result == 0 || result == ETIMEDOUT);
        }
        is_new = cluster->round_count != *round;
        *round = cluster->round_count;
    }
    return is_new;
}

/* ---- what wakes the thread ---- */

static void
cluster_value_changed(const struct control_value *value, void *arg)
{
    (void)value;
    cluster_wake(arg);
}

static void
settled_value_changed(const struct control_value *value, void *arg)
{
    struct cluster *cluster = arg;

    WITH_LOCK (&cluster->lock) {
        if (value->revision > cluster->news_revision) {
            cluster->news_revision = value->revision;
        }
    }
    cluster_wake(cluster);
}

static void
session_changed(bool is_held, void *arg)
{
    (void)is_held;
    cluster_wake(arg);
}

/* ---- the thread ---- */

/* False: the cluster is being closed. */
static bool
wait_until(struct cluster *cluster, int64_t deadline_ns)
{
    struct timespec deadline = timespec_of(deadline_ns);
    bool is_ending = false;

    WITH_LOCK (&cluster->lock) {
        int result = 0;

        while (!cluster->has_news && !cluster->is_ending && result == 0) {
            result = pthread_cond_timedwait(&cluster->wake, &cluster->lock, &deadline);
            CHECK(result == 0 || result == ETIMEDOUT);
        }
        cluster->has_news = false;
        is_ending = cluster->is_ending;
    }
    return !is_ending;
}

static void
note_confirmation(struct cluster *cluster)
{
    int64_t now_ns = clock_monotonic_ns();

    if (control_session_is_confirmed_within(cluster->session, cluster->session_ttl_ns)) {
        WITH_LOCK (&cluster->lock) {
            cluster->confirmed_ns = now_ns;
        }
    }
}

static void *
cluster_run(void *arg)
{
    struct cluster *cluster = arg;
    int64_t next_ns = 0;

    affinity_set(AFFINITY_WORKER, "cluster");
    while (wait_until(cluster, next_ns)) {
        struct cluster_survey survey;
        int64_t leader_ns;

        note_confirmation(cluster);
        cluster_survey_read(cluster->control, &survey);
        next_ns = cluster_member_round(cluster, &survey);
        leader_ns = cluster_leader_round(cluster, &survey);
        next_ns = leader_ns < next_ns ? leader_ns : next_ns;
        cluster_survey_release(&survey);
        WITH_LOCK (&cluster->lock) {
            cluster->round_count++;
            CHECK(pthread_cond_broadcast(&cluster->changed) == 0);
        }
    }
    return NULL;
}

/* ---- opening and closing ---- */

/* Is this node of the cluster that etcd holds, and is that not older than the node? */
static enum status
check_belonging(struct cluster *cluster, struct error *err)
{
    struct cluster_identity identity;
    struct cluster_survey survey;
    enum status st = cluster_identity_read(cluster->control, &identity, err);

    if (st == ST_OK) {
        st = cluster_note_read(cluster->data_directory, &cluster->note, err);
    }
    if (st != ST_OK) {
        return st;
    }
    memcpy(cluster->id, identity.id, sizeof(identity.id));
    if (cluster->note.id[0] != '\0' && strcmp(cluster->note.id, cluster->id) != 0) {
        return fail(err, ST_INVALID,
                    "%s belongs to cluster %s, and etcd holds cluster %s: give the --etcd and "
                    "--cluster of its own cluster, or an empty --data to join this one",
                    cluster->data_directory, cluster->note.id, cluster->id);
    }
    cluster_survey_read(cluster->control, &survey);
    if (survey.map_status != ST_OK) {
        st = fail(err, survey.map_status, "%s", survey.map_error.text);
    } else if (survey.map == NULL ? cluster->note.map_version > 0
                                  : cluster->note.map_version > survey.map->version) {
        st = fail(err, ST_CORRUPT,
                  "etcd holds version %" PRIu64 " of the cluster map, but this node has worked by "
                  "version %" PRIu64 ": etcd was set back; restore its newest state",
                  survey.map != NULL ? survey.map->version : 0, cluster->note.map_version);
    } else if (survey.map != NULL &&
               cluster_map_is_removed(survey.map, bytes_of_string(cluster->node_id))) {
        st = fail(err, ST_INVALID,
                  "Node %s was removed from cluster %s for good: start it with an empty --data "
                  "and another --node-id",
                  cluster->node_id, cluster->id);
    }
    cluster_survey_release(&survey);
    return st;
}

static enum status
settle_changes(const struct control_change *changes, size_t count, uint64_t revision, void *arg,
               struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < ARRAY_COUNT(SETTLED_PREFIXES); k++) {
            if (bytes_has_prefix(changes[i].key, bytes_of_string(SETTLED_PREFIXES[k]))) {
                return cluster_settle(arg, revision, err);
            }
        }
    }
    return ST_OK;
}

static enum status
watch_all(struct cluster *cluster, struct error *err)
{
    enum status st = control_watch(cluster->control, BYTES_LITERAL("cluster/"),
                                   cluster_value_changed, cluster, err);

    if (st == ST_OK) {
        st = control_watch(cluster->control, BYTES_LITERAL(NODE_VALUE_PREFIX),
                           cluster_value_changed, cluster, err);
    }
    for (size_t i = 0; st == ST_OK && i < ARRAY_COUNT(SETTLED_PREFIXES); i++) {
        st = control_watch(cluster->control, bytes_of_string(SETTLED_PREFIXES[i]),
                           settled_value_changed, cluster, err);
    }
    control_set_settled(cluster->control, settle_changes, cluster);
    return st;
}

static void
init_locks(struct cluster *cluster)
{
    pthread_condattr_t attributes;

    CHECK(pthread_mutex_init(&cluster->lock, NULL) == 0);
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&cluster->wake, &attributes) == 0);
    CHECK(pthread_cond_init(&cluster->changed, &attributes) == 0);
    CHECK(pthread_condattr_destroy(&attributes) == 0);
}

static void
cluster_free(struct cluster *cluster)
{
    cluster_map_unref(cluster->map);
    buffer_release(&cluster->release);
    buffer_release(&cluster->public_url);
    buffer_release(&cluster->peer_address);
    free(cluster->data_directory);
    CHECK(pthread_cond_destroy(&cluster->wake) == 0);
    CHECK(pthread_cond_destroy(&cluster->changed) == 0);
    CHECK(pthread_mutex_destroy(&cluster->lock) == 0);
    free(cluster);
}

enum status
cluster_open(const struct cluster_options *options, struct cluster **ret_cluster, struct error *err)
{
    struct cluster *cluster = xcalloc(1, sizeof(*cluster));
    int64_t ttl_ms =
        options->session_ttl_ms != 0 ? options->session_ttl_ms : CLUSTER_SESSION_TTL_MS;
    struct control_session_options session_options = {
        .ttl_ms = ttl_ms, .changed = session_changed, .arg = cluster};
    enum status st = ST_OK;

    cluster_metrics_init();
    init_locks(cluster);
    cluster->control = options->control;
    cluster->ops = options->ops;
    cluster->ops_arg = options->ops_arg;
    cluster->is_gateway = options->is_gateway;
    cluster->is_target = options->is_target;
    cluster->session_ttl_ns = ttl_ms * CLOCK_NS_PER_MS;
    cluster->confirmation_ns = options->confirmation_ms != 0
                                   ? options->confirmation_ms * CLOCK_NS_PER_MS
                                   : CLUSTER_CONFIRMATION_S * CLOCK_NS_PER_S;
    cluster->data_directory = xstrdup(options->data_directory);
    buffer_append_string(&cluster->release, options->release);
    if (!cluster_id_is_valid(bytes_of_string(options->node_id))) {
        st = fail(err, ST_INVALID,
                  "The node id %.80s cannot be used in a cluster: %d to %d of letters, digits, - "
                  "and _, which stand inside only",
                  options->node_id, CLUSTER_ID_BYTES_MIN, CLUSTER_ID_BYTES_MAX);
    } else {
        memcpy(cluster->node_id, options->node_id, strlen(options->node_id) + 1);
        st = check_belonging(cluster, err);
    }
    if (st == ST_OK) {
        st = control_session_open(cluster->control, &session_options, &cluster->session, err);
    }
    if (st != ST_OK) {
        cluster_free(cluster);
        return st;
    }
    st = watch_all(cluster, err);
    CHECK(st == ST_OK); /* memory only */
    CHECK(pthread_create(&cluster->thread, NULL, cluster_run, cluster) == 0);
    *ret_cluster = cluster;
    return ST_OK;
}

void
cluster_close(struct cluster **take_cluster)
{
    struct cluster *cluster = *take_cluster;

    if (cluster == NULL) {
        return;
    }
    WITH_LOCK (&cluster->lock) {
        cluster->is_ending = true;
        CHECK(pthread_cond_signal(&cluster->wake) == 0);
    }
    CHECK(pthread_join(cluster->thread, NULL) == 0);
    control_set_settled(cluster->control, NULL, NULL);
    cluster_leader_stop(cluster);
    control_session_close(&cluster->session);
    control_unwatch(cluster->control, cluster_value_changed, cluster);
    control_unwatch(cluster->control, cluster_value_changed, cluster);
    for (size_t i = 0; i < ARRAY_COUNT(SETTLED_PREFIXES); i++) {
        control_unwatch(cluster->control, settled_value_changed, cluster);
    }
    cluster_free(cluster);
    *take_cluster = NULL;
}

/* ---- joining ---- */

/* ST_BUSY: not yet, for the reason in text. */
static enum status
check_joined(struct cluster *cluster, struct buffer *text, struct error *err)
{
    struct bytes self_id = bytes_of_string(cluster->node_id);
    struct arena arena = ARENA_INIT;
    struct bytes refusal_id =
        arena_printf_bytes(&arena, CLUSTER_REFUSAL_ID_PREFIX "%s", cluster->node_id);
    struct cluster_survey survey;
    const struct cluster_request *refusal;
    const struct node_value *self;
    bool is_member = false;
    enum status st = ST_BUSY;

    cluster_survey_read(cluster->control, &survey);
    refusal = cluster_survey_request(&survey, refusal_id);
    self = cluster_survey_node(&survey, self_id);
    WITH_LOCK (&cluster->lock) {
        is_member = cluster->is_member;
    }
    buffer_clear(text);
    if (is_member) {
        st = ST_OK;
    } else if (refusal != NULL && self != NULL && refusal->incarnation == self->incarnation) {
        if (refusal->state == REQUEST_REFUSED) {
            st = fail(err, ST_INVALID, "%.*s", BYTES_ARGS(refusal->text));
        }
        buffer_printf(text, "joining %.*s", BYTES_ARGS(refusal->text));
    } else if (survey.leader_id.size == 0) {
        buffer_append_string(text, "the cluster has no leader yet");
    } else {
        buffer_printf(text, "node %.*s leads and has not taken this node in yet",
                      BYTES_ARGS(survey.leader_id));
    }
    cluster_survey_release(&survey);
    arena_release(&arena);
    return st;
}

enum status
cluster_join(struct cluster *cluster, struct bytes public_url, struct bytes peer_address,
             cluster_should_stop_fn *should_stop, void *arg, struct error *err)
{
    struct buffer text = BUFFER_INIT;
    struct buffer logged = BUFFER_INIT;
    uint64_t round = 0;
    enum status st;

    WITH_LOCK (&cluster->lock) {
        CHECK(!cluster->is_joining);
        buffer_append_bytes(&cluster->public_url, public_url);
        buffer_append_bytes(&cluster->peer_address, peer_address);
        cluster->is_joining = true;
    }
    cluster_wake(cluster);
    while ((st = check_joined(cluster, &text, err)) == ST_BUSY) {
        /* The first round or two need no words. */
        if (!cluster_wait_round(cluster, &round, clock_monotonic_ns() + CLOCK_NS_PER_S) &&
            !bytes_equal(buffer_bytes(&text), buffer_bytes(&logged))) {
            log_info(NULL, "cluster_join_waits", "%.*s", BYTES_ARGS(buffer_bytes(&text)));
            buffer_clear(&logged);
            buffer_append_bytes(&logged, buffer_bytes(&text));
        }
        if (should_stop != NULL && should_stop(arg)) {
            st = fail(err, ST_CANCELLED, "The node was told to end before it had joined");
            break;
        }
    }
    buffer_release(&text);
    buffer_release(&logged);
    return st;
}

/* ---- what others ask ---- */

struct cluster_map *
cluster_map_get(struct cluster *cluster)
{
    struct cluster_map *map = NULL;

    WITH_LOCK (&cluster->lock) {
        map = cluster->map != NULL ? cluster_map_ref(cluster->map) : NULL;
    }
    return map;
}

struct bytes
cluster_id(const struct cluster *cluster)
{
    return bytes_of_string(cluster->id);
}

struct bytes
cluster_self_id(const struct cluster *cluster)
{
    return bytes_of_string(cluster->node_id);
}

const struct cluster_node *
cluster_self(const struct cluster *cluster, const struct cluster_map *map)
{
    return cluster_map_find(map, cluster_self_id(cluster));
}

bool
cluster_is_joining(struct cluster *cluster)
{
    bool is_joining = false;

    WITH_LOCK (&cluster->lock) {
        is_joining = cluster->is_joining && !cluster->is_member && !cluster->is_removed &&
                     !cluster->is_replaced;
    }
    return is_joining;
}

enum status
cluster_check_confirmed(struct cluster *cluster, struct error *err)
{
    const char *why = NULL;
    int64_t age_ns = clock_monotonic_ns();

    WITH_LOCK (&cluster->lock) {
        age_ns -= cluster->confirmed_ns;
        if (cluster->is_removed) {
            why = "was removed from its cluster";
        } else if (cluster->is_replaced) {
            why = "was started once more elsewhere";
        } else if (!cluster->is_member) {
            why = "has not joined its cluster yet";
        }
    }
    if (why != NULL) {
        return fail(err, ST_UNAVAILABLE, "This node %s", why);
    }
    if (age_ns > cluster->confirmation_ns) {
        return fail(err, ST_UNAVAILABLE,
                    "This node has not reached etcd for more than %" PRId64
                    " s and cannot know what was revoked meanwhile",
                    cluster->confirmation_ns / CLOCK_NS_PER_S);
    }
    return ST_OK;
}
