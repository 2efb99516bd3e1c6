/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/rebalance_report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

#include "base/banned.h"

/* ---- why ---- */

static bool
has_target(const struct cluster_placement *placement, struct bytes id)
{
    for (size_t i = 0; i < placement->target_count; i++) {
        if (bytes_equal(placement->targets[i], id)) {
            return true;
        }
    }
    return false;
}

static void
add_reason(char out[REBALANCE_WHY_SIZE], struct bytes id, const char *what)
{
    size_t used = strlen(out);

    snprintf(out + used, REBALANCE_WHY_SIZE - used, "%s%.*s %s", used > 0 ? ", " : "",
             BYTES_ARGS(id), what);
}

static const char *
how_it_left(const struct cluster_map *map, struct bytes id)
{
    const struct cluster_node *node = cluster_map_find(map, id);

    if (node == NULL) {
        return "was removed";
    }
    return node->state == NODE_MAINTENANCE ? "is in maintenance" : "is decommissioned";
}

void
rebalance_report_why(const struct cluster_map *map, char out[REBALANCE_WHY_SIZE])
{
    const struct cluster_placement *before;

    out[0] = '\0';
    if (map->former_count == 0) {
        return;
    }
    before = &map->formers[map->former_count - 1];
    for (size_t i = 0; i < map->node_count; i++) {
        const struct cluster_node *node = &map->nodes[i];

        if (cluster_node_is_placed(node) && !has_target(before, node->id)) {
            add_reason(out, node->id, "joined or returned");
        }
    }
    for (size_t i = 0; i < before->target_count; i++) {
        const struct cluster_node *node = cluster_map_find(map, before->targets[i]);

        if (node == NULL || !cluster_node_is_placed(node)) {
            add_reason(out, before->targets[i], how_it_left(map, before->targets[i]));
        }
    }
    if (out[0] == '\0') {
        snprintf(out, REBALANCE_WHY_SIZE, "asked for by hand");
    }
}

/* ---- numbers ---- */

void
rebalance_report_sum(const struct rebalance_report *base, const struct rebalance_progress *progress,
                     struct rebalance_report *ret_report)
{
    struct rebalance_report report = *base;

    for (size_t i = 0; i < STAGE_DONE; i++) {
        report.work_ns[i] += progress->stage_ns[i];
    }
    report.scanned_count += progress->scanned_count;
    report.sent_count += progress->sent_count;
    report.sent_bytes += progress->sent_bytes;
    report.received_count += progress->received_count;
    report.received_bytes += progress->received_bytes;
    report.note_count += progress->note_count;
    report.retry_count += progress->refused_count;
    snprintf(report.waits_for, sizeof(report.waits_for), "%.*s", REBALANCE_WHY_SIZE - 1,
             progress->text);
    *ret_report = report;
}

static double
seconds_of(int64_t ns)
{
    return (double)ns / (double)CLOCK_NS_PER_S;
}

static void
append_stages(const struct rebalance_report *report, struct buffer *out)
{
    size_t count = 0;

    buffer_append_string(out, ",\"stages\":[");
    for (size_t i = 0; i < STAGE_DONE; i++) {
        bool is_move = i == STAGE_MOVE;

        if (report->wall_ns[i] == 0 && report->work_ns[i] == 0) {
            continue;
        }
        buffer_printf(out,
                      "%s{\"stage\":\"%s\",\"seconds\":%.3f,\"work_seconds\":%.3f,\"objects\":"
                      "%" PRIu64 ",\"bytes\":%" PRIu64 "}",
                      count++ > 0 ? "," : "", placement_stage_name((enum placement_stage)i),
                      seconds_of(report->wall_ns[i]), seconds_of(report->work_ns[i]),
                      is_move ? report->sent_count : 0, is_move ? report->sent_bytes : 0);
    }
    buffer_append_char(out, ']');
}

void
rebalance_report_format(const struct rebalance_report *report, struct buffer *out)
{
    buffer_printf(out, "{\"placement\":%" PRIu64 ",\"why\":", report->placement);
    log_append_json_string(out, bytes_of_string(report->why));
    buffer_printf(out, ",\"stage\":\"%s\"", placement_stage_name(report->stage));
    append_stages(report, out);
    buffer_printf(out,
                  ",\"scanned\":%" PRIu64 ",\"objects\":%" PRIu64 ",\"bytes\":%" PRIu64
                  ",\"received\":%" PRIu64 ",\"received_bytes\":%" PRIu64 ",\"notes\":%" PRIu64
                  ",\"retries\":%" PRIu64 ",\"waits_for\":",
                  report->scanned_count, report->sent_count, report->sent_bytes,
                  report->received_count, report->received_bytes, report->note_count,
                  report->retry_count);
    log_append_json_string(out, bytes_of_string(report->waits_for));
    buffer_printf(out, ",\"preempted_by\":%" PRIu64 "}", report->preempted_by);
}

/* ---- back ---- */

static uint64_t
number_of(const json_t *root, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(root, name));

    return value > 0 ? (uint64_t)value : 0;
}

static enum placement_stage
stage_of(const json_t *root)
{
    const char *name = json_string_value(json_object_get(root, "stage"));
    size_t stage = 0;

    while (name != NULL && stage < STAGE_DONE &&
           strcmp(name, placement_stage_name((enum placement_stage)stage)) != 0) {
        stage++;
    }
    return (enum placement_stage)stage;
}

static void
text_of(const json_t *root, const char *name, char out[REBALANCE_WHY_SIZE])
{
    const char *text = json_string_value(json_object_get(root, name));

    snprintf(out, REBALANCE_WHY_SIZE, "%s", text != NULL ? text : "");
}

static int64_t
ns_of(const json_t *root, const char *name)
{
    double seconds = json_real_value(json_object_get(root, name));

    return seconds > 0 && seconds < 1e9 ? (int64_t)(seconds * (double)CLOCK_NS_PER_S) : 0;
}

void
rebalance_report_parse(struct bytes json, struct rebalance_report *ret_report)
{
    json_t *root = json_loadb(json.data, json.size, 0, NULL);
    const json_t *stages = json_object_get(root, "stages");
    struct rebalance_report report = {.placement = number_of(root, "placement"),
                                      .stage = stage_of(root),
                                      .scanned_count = number_of(root, "scanned"),
                                      .sent_count = number_of(root, "objects"),
                                      .sent_bytes = number_of(root, "bytes"),
                                      .received_count = number_of(root, "received"),
                                      .received_bytes = number_of(root, "received_bytes"),
                                      .note_count = number_of(root, "notes"),
                                      .retry_count = number_of(root, "retries"),
                                      .preempted_by = number_of(root, "preempted_by")};

    text_of(root, "why", report.why);
    text_of(root, "waits_for", report.waits_for);
    for (size_t i = 0; i < json_array_size(stages); i++) {
        const json_t *entry = json_array_get(stages, i);
        enum placement_stage stage = stage_of(entry);

        if (stage < STAGE_DONE) {
            report.wall_ns[stage] = ns_of(entry, "seconds");
            report.work_ns[stage] = ns_of(entry, "work_seconds");
        }
    }
    json_decref(root);
    *ret_report = report;
}

void
rebalance_report_describe(const struct rebalance_report *report, char *out, size_t size)
{
    const double mib = 1 << 20;

    snprintf(out, size,
             "%s%s%" PRIu64 " objects, %.1f MiB sent; %" PRIu64 ", %.1f MiB received%s%s",
             report->why, report->why[0] != '\0' ? ": " : "", report->sent_count,
             (double)report->sent_bytes / mib, report->received_count,
             (double)report->received_bytes / mib, report->waits_for[0] != '\0' ? "; waits: " : "",
             report->waits_for);
}
