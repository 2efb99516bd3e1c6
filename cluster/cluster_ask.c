/* SPDX-License-Identifier: Apache-2.0 */
/* What workers wait for: a newer map, changes applied everywhere, the leader's answer. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/entropy.h"
#include "base/log.h"
#include "cluster/cluster_internal.h"
#include "cluster/cluster_metrics.h"

#include "base/banned.h"

/* The thread applies a map within a round or two; stop_admitting and activate wait for disks (ms).
 */
#define FETCH_MS 10000

enum status
cluster_fetch_map(struct cluster *cluster, uint64_t version_min, struct error *err)
{
    return cluster_fetch_map_for(cluster, version_min, FETCH_MS, err);
}

enum status
cluster_fetch_map_for(struct cluster *cluster, uint64_t version_min, int64_t timeout_ms,
                      struct error *err)
{
    int64_t deadline_ns = clock_monotonic_ns() + timeout_ms * CLOCK_NS_PER_MS;
    uint64_t round = 0;
    uint64_t version = 0;
    enum status st = control_refresh(cluster->control, BYTES_LITERAL(CLUSTER_MAP_KEY), err);

    if (st != ST_OK) {
        return fail(err, ST_UNAVAILABLE, "The newest cluster map cannot be read from etcd");
    }
    do {
        struct cluster_map *map = cluster_map_get(cluster);

        version = map != NULL ? map->version : 0;
        cluster_map_unref(map);
        if (version >= version_min) {
            return ST_OK;
        }
    } while (cluster_wait_round(cluster, &round, deadline_ns));
    return fail(err, ST_UNAVAILABLE,
                "This node works by version %" PRIu64 " of the cluster map, not by %" PRIu64,
                version, version_min);
}

bool
cluster_has_leader(struct cluster *cluster)
{
    struct arena arena = ARENA_INIT;
    struct control_value value;
    enum status st =
        control_get(cluster->control, BYTES_LITERAL(CLUSTER_LEADER_KEY), &arena, &value, NULL);

    arena_release(&arena);
    return st == ST_OK;
}

/* A live node that has not applied the revision; false: there is none. */
static bool
find_late_node(struct cluster *cluster, uint64_t revision, char *out, size_t size)
{
    struct cluster_survey survey;
    bool is_late = false;

    cluster_survey_read(cluster->control, &survey);
    for (size_t i = 0; i < survey.node_count && !is_late; i++) {
        const struct node_value *node = &survey.nodes[i];

        if (node->format == CLUSTER_FORMAT && node->applied_revision < revision &&
            !bytes_equal(node->id, cluster_self_id(cluster))) {
            is_late = true;
            snprintf(out, size, "%.*s", BYTES_ARGS(node->id));
        }
    }
    cluster_survey_release(&survey);
    return is_late;
}

enum status
cluster_settle(struct cluster *cluster, uint64_t revision, struct error *err)
{
    int64_t began_ns = clock_monotonic_ns();
    int64_t deadline_ns = began_ns + CLUSTER_SETTLE_MS * CLOCK_NS_PER_MS;
    char late_id[CLUSTER_ID_BYTES_MAX + 1];
    uint64_t round = 0;

    while (find_late_node(cluster, revision, late_id, sizeof(late_id))) {
        if (!cluster_wait_round(cluster, &round, deadline_ns)) {
            return fail(err, ST_UNAVAILABLE,
                        "The change is stored, but node %s has not applied it yet", late_id);
        }
    }
    metric_observe_ns(&cluster_settle_metric, clock_monotonic_ns() - began_ns);
    return ST_OK;
}

/* ---- requests ---- */

/* ST_BUSY: no answer yet. */
static enum status
look_for_answer(struct cluster *cluster, struct bytes id, struct arena *arena,
                struct bytes *ret_text, uint64_t *ret_revision, struct error *err)
{
    struct cluster_survey survey;
    const struct cluster_request *request;
    enum status st = ST_BUSY;

    cluster_survey_read(cluster->control, &survey);
    request = cluster_survey_request(&survey, id);
    if (request == NULL) {
        st = fail(err, ST_NOT_FOUND, "The request was deleted before its answer was read");
    } else {
        *ret_text = arena_copy(arena, request->text);
        *ret_revision = request->revision;
        if (request->state == REQUEST_REFUSED) {
            st = fail(err, ST_INVALID, "%.*s", BYTES_ARGS(request->text));
        } else if (request->state == REQUEST_DONE) {
            st = ST_OK;
        } else if (survey.leader_id.size == 0) {
            *ret_text = BYTES_LITERAL("the cluster has no leader at the moment");
        }
    }
    cluster_survey_release(&survey);
    return st;
}

enum status
cluster_ask(struct cluster *cluster, const struct cluster_request *request, int64_t wait_ms,
            struct arena *arena, struct bytes *ret_text, struct error *err)
{
    int64_t deadline_ns = clock_monotonic_ns() + wait_ms * CLOCK_NS_PER_MS;
    struct cluster_request asked = *request;
    struct buffer json = BUFFER_INIT;
    struct bytes text = BYTES_NONE;
    unsigned char salt[8];
    char id[2 * sizeof(salt) + 1];
    struct bytes key;
    uint64_t revision = 0;
    uint64_t round = 0;
    enum status st;

    entropy_fill(salt, sizeof(salt));
    encode_hex(bytes_of(salt, sizeof(salt)), id);
    key = arena_printf_bytes(arena, CLUSTER_REQUEST_PREFIX "%s", id);
    asked.state = REQUEST_WAITING;
    asked.text = BYTES_NONE;
    cluster_request_format(&asked, &json);
    st = control_put(cluster->control, key, buffer_bytes(&json), CONTROL_MUST_NOT_EXIST, NULL, err);
    buffer_release(&json);
    if (st != ST_OK) {
        return st;
    }
    do {
        st = look_for_answer(cluster, bytes_of_string(id), arena, &text, &revision, err);
    } while (st == ST_BUSY && cluster_wait_round(cluster, &round, deadline_ns));
    if (st == ST_BUSY) {
        return fail(err, ST_TIMEOUT, "Asked for; it %.*s",
                    BYTES_ARGS(text.size > 0 ? text : BYTES_LITERAL("was not answered yet")));
    }
    if (st != ST_NOT_FOUND && control_delete(cluster->control, key, revision, NULL) != ST_OK) {
        log_debug(NULL, "cluster_request_kept", "the leader deletes answer %s later", id);
    }
    if (st == ST_OK) {
        *ret_text = text;
    }
    return st;
}
