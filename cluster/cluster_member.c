/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's part of a round:
 *
 *   a newer map             -> noted on disk, activated, shown
 *   the pending map is gone -> what was stopped for it is admitted again
 *   a pending map that takes keys from this target -> stopped -> acknowledged by its revision
 *   a stage that is done    -> reached
 *   anything of that        -> the node value
 *
 * Pending map and map are read as of one revision, so a pending map that is gone can no longer
 * become the map, and a target that starts finds whatever its former self acknowledged.
 */
#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/cluster_internal.h"
#include "cluster/cluster_metrics.h"

#include "base/banned.h"

static bool
log_failure(const char *event, enum status st, const struct error *err)
{
    if (st != ST_OK) {
        log_error(NULL, event, "%s", err->text);
    }
    return st == ST_OK;
}

/* ---- maps ---- */

static void
show_metrics(const struct cluster_map *map)
{
    int64_t down_count = 0;

    for (size_t i = 0; i < map->node_count; i++) {
        down_count += map->nodes[i].is_down;
    }
    metric_set(&cluster_map_version_metric, (int64_t)map->version);
    metric_set(&cluster_down_metric, down_count);
    metric_set(&cluster_placing_metric, map->is_placing);
}

static void
show_map(struct cluster *cluster, struct cluster_map *map)
{
    const struct cluster_node *self = cluster_self(cluster, map);
    bool is_removed = cluster_map_is_removed(map, cluster_self_id(cluster));
    struct cluster_map *old = NULL;

    WITH_LOCK (&cluster->lock) {
        old = cluster->map;
        cluster->map = cluster_map_ref(map);
        cluster->is_removed = is_removed;
        cluster->is_member = cluster->is_joining && self != NULL && cluster->incarnation != 0 &&
                             self->incarnation == cluster->incarnation &&
                             self->is_target == cluster->is_target;
    }
    show_metrics(map);
    if (is_removed && (old == NULL || !cluster_map_is_removed(old, cluster_self_id(cluster)))) {
        log_error(NULL, "cluster_removed", "this node was removed from the cluster");
    }
    cluster_map_unref(old);
}

/* True: the node works by the newest map. */
static bool
apply_map(struct cluster *cluster, const struct cluster_survey *survey)
{
    struct cluster_map *map = survey->map;
    struct cluster_note note = cluster->note;
    struct error err = ERROR_INIT;
    enum status st = ST_OK;

    if (map == NULL || map->version < cluster->note.map_version) {
        return false;
    }
    if (cluster->map != NULL && cluster->map->version == map->version) {
        return true;
    }
    memcpy(note.id, cluster->id, sizeof(note.id));
    note.map_version = map->version;
    st = cluster_note_write(cluster->data_directory, &note, &err);
    if (st == ST_OK && cluster->ops != NULL) {
        st = cluster->ops->activate(cluster->ops_arg, map, &err);
    }
    if (!log_failure("cluster_map_not_applied", st, &err)) {
        return false;
    }
    cluster->note = note;
    cluster->stopped_revision = 0;
    log_info(NULL, "cluster_map", "version %" PRIu64 ": %zu nodes, placement %" PRIu64 ", %s",
             map->version, map->node_count, map->placement_version,
             placement_stage_name(map->stage));
    return true;
}

/* What was stopped for a pending map that is gone and did not become the map. */
static bool
resume(struct cluster *cluster, const struct cluster_survey *survey)
{
    struct error err = ERROR_INIT;
    enum status st = ST_OK;

    if (cluster->stopped_revision == 0 ||
        (survey->pending != NULL && survey->pending->revision == cluster->stopped_revision)) {
        return true;
    }
    if (cluster->ops != NULL) {
        st = cluster->ops->resume_admitting(cluster->ops_arg, survey->map, &err);
    }
    if (log_failure("cluster_not_resumed", st, &err)) {
        log_info(NULL, "cluster_resumed", "the pending map of revision %" PRIu64 " was withdrawn",
                 cluster->stopped_revision);
        cluster->stopped_revision = 0;
    }
    return st == ST_OK;
}

static bool
stop(struct cluster *cluster, const struct cluster_survey *survey)
{
    const struct cluster_map *pending = survey->pending;
    struct error err = ERROR_INIT;
    enum status st = ST_OK;

    if (pending == NULL || pending->revision == cluster->stopped_revision ||
        !cluster_map_takes_from(survey->map, pending, cluster_self_id(cluster))) {
        return true;
    }
    if (cluster->ops != NULL) {
        int64_t began_ns = clock_monotonic_ns();

        st = cluster->ops->stop_admitting(cluster->ops_arg, pending, &err);
        metric_observe_ns(&cluster_stop_metric, clock_monotonic_ns() - began_ns);
    }
    if (log_failure("cluster_not_stopped", st, &err)) {
        log_info(NULL, "cluster_stopped",
                 "keys that version %" PRIu64 " takes away are not admitted any more",
                 pending->version);
        cluster->stopped_revision = pending->revision;
        cluster->acknowledged_revision = pending->revision;
    }
    return st == ST_OK;
}

/* ---- stages ---- */

/* True: it is to be asked again soon. */
static bool
reach_stage(struct cluster *cluster, const struct cluster_map *map)
{
    struct error err = ERROR_INIT;
    bool is_done = true;
    enum status st = ST_OK;

    if (!cluster->is_target || map->stage == STAGE_DONE) {
        return false;
    }
    if (cluster->stage_version != map->placement_version) {
        cluster->stage_version = map->placement_version;
        cluster->stage = STAGE_MOVE;
    }
    if (cluster->stage > map->stage) {
        return false;
    }
    if (cluster->ops != NULL && map->stage != STAGE_SETTLE) {
        st = cluster->ops->holds_barrier(cluster->ops_arg, map, &is_done, &err);
    }
    if (log_failure("cluster_stage_failed", st, &err) && is_done) {
        cluster->stage = map->stage + 1;
        return false;
    }
    return true;
}

/* ---- the node value ---- */

static void
choose_incarnation(struct cluster *cluster, const struct cluster_survey *survey,
                   const struct node_value *present)
{
    const struct cluster_node *known =
        survey->map != NULL ? cluster_self(cluster, survey->map) : NULL;

    cluster->incarnation = known != NULL ? known->incarnation : 0;
    if (present != NULL && present->incarnation > cluster->incarnation) {
        cluster->incarnation = present->incarnation;
    }
    cluster->incarnation++;
}

/* What every watcher of this node was told of. */
static void
apply_revision(struct cluster *cluster)
{
    struct error err = ERROR_INIT;
    uint64_t revision = 0;

    WITH_LOCK (&cluster->lock) {
        revision = cluster->news_revision;
    }
    if (revision > cluster->applied_revision &&
        log_failure("cluster_changes_not_applied",
                    control_wait(cluster->control, revision, CLUSTER_RETRY_MS, &err), &err)) {
        cluster->applied_revision = revision;
    }
}

/* True: the value is as it should be. */
static bool
put_node_value(struct cluster *cluster, const struct cluster_survey *survey, bool is_applied)
{
    struct bytes self_id = cluster_self_id(cluster);
    const struct node_value *present = cluster_survey_node(survey, self_id);
    struct arena arena = ARENA_INIT;
    struct buffer text = BUFFER_INIT;
    struct buffer present_text = BUFFER_INIT;
    struct error err = ERROR_INIT;
    enum status st = ST_OK;

    if (cluster->incarnation == 0) {
        choose_incarnation(cluster, survey, present);
    }
    if (present != NULL && present->incarnation > cluster->incarnation) {
        log_error(NULL, "cluster_replaced", "another process runs as node %s", cluster->node_id);
        WITH_LOCK (&cluster->lock) {
            cluster->is_replaced = true;
        }
        return true;
    }
    {
        struct node_value value = {
            .id = self_id,
            .format = CLUSTER_FORMAT,
            .cluster_id = cluster_id(cluster),
            .release = buffer_bytes(&cluster->release),
            .is_gateway = cluster->is_gateway,
            .is_target = cluster->is_target,
            .public_url = buffer_bytes(&cluster->public_url),
            .peer_address = buffer_bytes(&cluster->peer_address),
            .incarnation = cluster->incarnation,
            .applied_version = is_applied ? survey->map->version : cluster->note.map_version,
            .applied_revision = cluster->applied_revision,
            .acknowledged_revision = cluster->acknowledged_revision,
            .stage_version = cluster->stage_version,
            .stage = cluster->stage,
        };

        node_value_format(&value, &text);
    }
    if (present != NULL) {
        node_value_format(present, &present_text);
    }
    if (!bytes_equal(buffer_bytes(&text), buffer_bytes(&present_text))) {
        st = control_session_put(
            cluster->session, arena_printf_bytes(&arena, NODE_VALUE_PREFIX "%s", cluster->node_id),
            buffer_bytes(&text), present != NULL ? present->revision : CONTROL_MUST_NOT_EXIST, NULL,
            &err);
        if (st != ST_OK && st != ST_CONFLICT) {
            log_warn(NULL, "cluster_node_value", "%s", err.text);
        }
    }
    buffer_release(&text);
    buffer_release(&present_text);
    arena_release(&arena);
    return st == ST_OK;
}

/* Who was removed or replaced is not here any more. */
static void
withdraw_node_value(struct cluster *cluster)
{
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;
    enum status st = control_session_delete(
        cluster->session, arena_printf_bytes(&arena, NODE_VALUE_PREFIX "%s", cluster->node_id),
        &err);

    if (st != ST_OK && st != ST_NOT_FOUND && st != ST_CONFLICT) {
        log_warn(NULL, "cluster_node_value", "%s", err.text);
    }
    arena_release(&arena);
}

int64_t
cluster_member_round(struct cluster *cluster, const struct cluster_survey *survey)
{
    int64_t now_ns = clock_monotonic_ns();
    int64_t wait_ms = CLUSTER_ROUND_MS;
    bool is_joining = false;
    bool is_out = false;
    bool is_applied = apply_map(cluster, survey);

    metric_set(&cluster_pending_metric, survey->pending != NULL);
    if (is_applied) {
        bool is_good = resume(cluster, survey) && stop(cluster, survey);

        /* A target that starts must not serve what its former self may have given away. */
        if (is_good || cluster->map != NULL) {
            show_map(cluster, survey->map);
        }
        if (!is_good) {
            wait_ms = CLUSTER_RETRY_MS;
        }
        if (reach_stage(cluster, survey->map)) {
            wait_ms = CLUSTER_BARRIER_INTERVAL_MS;
        }
    }
    apply_revision(cluster);
    WITH_LOCK (&cluster->lock) {
        is_joining = cluster->is_joining;
        is_out = cluster->is_removed || cluster->is_replaced;
    }
    if (is_joining && !is_out && !put_node_value(cluster, survey, is_applied)) {
        wait_ms = CLUSTER_RETRY_MS;
    } else if (is_out) {
        withdraw_node_value(cluster);
    }
    return now_ns + wait_ms * CLOCK_NS_PER_MS;
}
