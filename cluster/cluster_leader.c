/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The leader's part of a round: decide (cluster/leader_decision.h), and make the decision one
 * transaction that holds the leader's guard and compares what was decided upon.  Everyone who has
 * joined is a candidate, and stands back while another node is asked for.
 */
#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/cluster_internal.h"
#include "cluster/cluster_key.h"
#include "cluster/cluster_metrics.h"
#include "cluster/leader_decision.h"

#include "base/banned.h"

static void
leader_changed(bool is_leader, void *arg)
{
    (void)is_leader;
    cluster_wake(arg);
}

/* ---- candidacy ---- */

/* Is somebody else asked to lead who could? */
static bool
is_other_wanted(const struct cluster *cluster, const struct cluster_survey *survey)
{
    for (size_t i = 0; i < survey->request_count; i++) {
        const struct cluster_request *request = &survey->requests[i];

        if (request->action == CLUSTER_SET_LEADER && request->state == REQUEST_WAITING) {
            return !bytes_equal(request->node_id, cluster_self_id(cluster)) &&
                   cluster_survey_node(survey, request->node_id) != NULL;
        }
    }
    return false;
}

static void
stand_back(struct cluster *cluster)
{
    control_leader_resign(&cluster->candidacy);
    cluster->stand_back_until_ns = clock_monotonic_ns() + CLUSTER_STAND_BACK_MS * CLOCK_NS_PER_MS;
}

void
cluster_leader_stop(struct cluster *cluster)
{
    control_leader_resign(&cluster->candidacy);
}

/* When is the next look at it due? */
static int64_t
review_candidacy(struct cluster *cluster, const struct cluster_survey *survey)
{
    struct control_leader_options options = {.key = CLUSTER_LEADER_KEY,
                                             .value = cluster_self_id(cluster),
                                             .changed = leader_changed,
                                             .arg = cluster};
    struct error err = ERROR_INIT;
    int64_t now_ns = clock_monotonic_ns();
    bool is_wanted = is_other_wanted(cluster, survey);
    bool is_candidate = false;

    WITH_LOCK (&cluster->lock) {
        is_candidate = cluster->is_joining && !cluster->is_removed && !cluster->is_replaced;
    }
    /* Who cannot read the map must not keep others from leading. */
    is_candidate = is_candidate && survey->map_status == ST_OK;
    if (!is_candidate) {
        control_leader_resign(&cluster->candidacy);
        return INT64_MAX;
    }
    if (is_wanted && cluster->stand_back_until_ns == 0 &&
        !(cluster->candidacy != NULL && control_leader_is_leader(cluster->candidacy, NULL))) {
        stand_back(cluster);
    }
    if (!is_wanted || now_ns >= cluster->stand_back_until_ns) {
        if (cluster->candidacy == NULL &&
            control_leader_campaign(cluster->session, &options, &cluster->candidacy, &err) !=
                ST_OK) {
            log_error(NULL, "cluster_no_candidacy", "%s", err.text);
        }
    }
    if (!is_wanted) {
        cluster->stand_back_until_ns = 0;
    }
    return cluster->candidacy == NULL ? cluster->stand_back_until_ns : INT64_MAX;
}

/* ---- decisions ---- */

static enum status
commit_map(struct cluster *cluster, const struct cluster_survey *survey,
           const struct leader_decision *decision, const struct control_guard *guard,
           struct error *err)
{
    uint64_t map_revision = survey->map != NULL ? survey->map->revision : CONTROL_MUST_NOT_EXIST;
    struct control_change map = {.action = CONTROL_COMPARE,
                                 .key = BYTES_LITERAL(CLUSTER_MAP_KEY),
                                 .expected_revision = map_revision};
    struct control_change pending = {.action = CONTROL_COMPARE,
                                     .key = BYTES_LITERAL(CLUSTER_PENDING_KEY),
                                     .expected_revision = survey->pending != NULL
                                                              ? survey->pending->revision
                                                              : CONTROL_MUST_NOT_EXIST};
    struct buffer text = BUFFER_INIT;
    enum status st;

    if (decision->map != NULL) {
        cluster_map_format(decision->map, &text);
    }
    if (decision->action == LEADER_PROPOSE) {
        pending.action = CONTROL_PUT;
        pending.value = buffer_bytes(&text);
    } else if (decision->action != LEADER_WITHDRAW) {
        map.action = CONTROL_PUT;
        map.value = buffer_bytes(&text);
    }
    if (decision->action == LEADER_ACTIVATE || decision->action == LEADER_WITHDRAW) {
        pending.action = CONTROL_DELETE;
    }
    {
        struct control_change changes[] = {map, pending};

        st = control_commit(cluster->control, changes, 2, guard, NULL, err);
    }
    buffer_release(&text);
    return st;
}

static void
carry_out(struct cluster *cluster, const struct cluster_survey *survey,
          const struct leader_decision *decision, const struct control_guard *guard)
{
    static const char *const NAMES[] = {"waits",     "publishes", "proposes",
                                        "activates", "withdraws", "resigns"};
    struct error err = ERROR_INIT;
    enum status st;

    if (decision->action == LEADER_WAIT) {
        return;
    }
    log_info(NULL, "cluster_leader_decides", "%s version %" PRIu64 ": %s", NAMES[decision->action],
             decision->map != NULL     ? decision->map->version
             : survey->pending != NULL ? survey->pending->version
             : survey->map != NULL     ? survey->map->version
                                       : 0,
             decision->reason);
    if (decision->action == LEADER_RESIGN) {
        stand_back(cluster);
        return;
    }
    st = commit_map(cluster, survey, decision, guard, &err);
    if (decision->action == LEADER_WITHDRAW && st == ST_OK) {
        metric_add(&cluster_withdrawals_metric, 1);
        cluster->quiet_until_ns = clock_monotonic_ns() + LEADER_QUIET_MS * CLOCK_NS_PER_MS;
    }
    if (st != ST_OK && st != ST_CONFLICT && st != ST_MOVED) {
        log_warn(NULL, "cluster_decision_failed", "%s", err.text);
    }
}

static void
put_answer(struct cluster *cluster, const struct leader_answer *answer,
           const struct control_guard *guard)
{
    const struct cluster_request *request = &answer->request;
    struct arena arena = ARENA_INIT;
    struct buffer text = BUFFER_INIT;
    struct error err = ERROR_INIT;
    struct control_change change = {
        .action = answer->is_deletion ? CONTROL_DELETE : CONTROL_PUT,
        .key = arena_printf_bytes(&arena, CLUSTER_REQUEST_PREFIX "%.*s", BYTES_ARGS(request->id)),
        .expected_revision = request->revision != 0 ? request->revision : CONTROL_MUST_NOT_EXIST};
    enum status st;

    if (!answer->is_deletion) {
        cluster_request_format(request, &text);
        change.value = buffer_bytes(&text);
    }
    st = control_commit(cluster->control, &change, 1, guard, NULL, &err);
    if (st == ST_OK && !answer->is_deletion) {
        log_info(NULL, "cluster_leader_answers", "%s %.*s: %s: %.*s",
                 cluster_action_name(request->action), BYTES_ARGS(request->node_id),
                 request_state_name(request->state), BYTES_ARGS(request->text));
    } else if (st != ST_OK && st != ST_CONFLICT && st != ST_MOVED) {
        log_warn(NULL, "cluster_answer_failed", "%s", err.text);
    }
    buffer_release(&text);
    arena_release(&arena);
}

static void
note_pending(struct cluster *cluster, const struct cluster_survey *survey)
{
    uint64_t revision = survey->pending != NULL ? survey->pending->revision : 0;

    if (cluster->pending_revision != revision) {
        cluster->pending_revision = revision;
        cluster->pending_since_ns = clock_monotonic_ns();
    }
}

int64_t
cluster_leader_round(struct cluster *cluster, const struct cluster_survey *survey)
{
    int64_t wake_ns = review_candidacy(cluster, survey);
    struct leader_decision decision;
    struct control_guard guard;
    struct leader_view view = {.self_id = cluster_self_id(cluster),
                               .map = survey->map,
                               .pending = survey->pending,
                               .quiet_until_ns = cluster->quiet_until_ns,
                               .has_stood_back = cluster->stand_back_until_ns != 0,
                               .cluster_id = cluster_id(cluster),
                               .node_count = survey->node_count,
                               .nodes = survey->nodes,
                               .request_count = survey->request_count,
                               .requests = survey->requests};
    struct arena arena = ARENA_INIT;

    if (survey->map_status != ST_OK || cluster->candidacy == NULL ||
        !control_leader_is_leader(cluster->candidacy, &guard)) {
        cluster->pending_revision = 0;
        metric_set(&cluster_leads_metric, 0);
        return wake_ns;
    }
    metric_set(&cluster_leads_metric, 1);
    note_pending(cluster, survey);
    view.pending_since_ns = cluster->pending_since_ns;
    view.now_ns = clock_monotonic_ns();
    leader_decide(&view, &arena, &decision);
    for (size_t i = 0; i < decision.answer_count; i++) {
        put_answer(cluster, &decision.answers[i], &guard);
    }
    carry_out(cluster, survey, &decision, &guard);
    cluster_key_expire(cluster->control, &guard, clock_wall_s());
    cluster_map_unref(decision.map);
    arena_release(&arena);
    return decision.wake_ns < wake_ns ? decision.wake_ns : wake_ns;
}
