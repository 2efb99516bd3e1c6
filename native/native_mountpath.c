/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_mountpath.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/log.h"
#include "jobs/resilver_job.h"
#include "object/mountpath_admin.h"

#include "base/banned.h"

static const struct {
    const char *action;
    enum mountpath_verb verb;
} VERBS[] = {
    {"lode-mountpath-attach", MOUNTPATH_VERB_ATTACH},
    {"lode-mountpath-detach", MOUNTPATH_VERB_DETACH},
    {"lode-mountpath-enable", MOUNTPATH_VERB_ENABLE},
    {"lode-mountpath-disable", MOUNTPATH_VERB_DISABLE},
    {"lode-mountpath-forget", MOUNTPATH_VERB_FORGET},
};

static enum status
run_verb(struct native *native, enum mountpath_verb verb, const char *directory,
         struct buffer *answer, struct error *err)
{
    struct mountpath_outcome outcome;
    char id[JOB_ID_SIZE] = "";
    enum status st = mountpath_admin(native->objects, verb, directory, &outcome, err);

    if (st != ST_OK) {
        return st;
    }
    /* ST_BUSY: one runs, and meets the new generation. */
    st = resilver_job_ensure(native->jobs, native->objects, id, err);
    if (st != ST_OK && st != ST_BUSY) {
        return st;
    }
    buffer_printf(answer,
                  "{\"generation\":%" PRIu64 ",\"resilver\":%s,\"job\":", outcome.generation,
                  outcome.needs_resilver ? "true" : "false");
    log_append_json_string(answer, bytes_of_string(id));
    if (verb == MOUNTPATH_VERB_FORGET) {
        buffer_printf(answer, ",\"lost\":%" PRIu64 ",\"loss_unknown\":%s,\"losses\":\"DATA/%s\"",
                      outcome.lost_count, outcome.is_loss_unknown ? "true" : "false",
                      MOUNTPATH_LOSSES_FILE);
    }
    buffer_append_string(answer, "}\n");
    return ST_OK;
}

enum status
native_mountpath_action(struct native *native, const char *action, const char *directory,
                        bool *ret_is_known, struct buffer *answer, struct error *err)
{
    for (size_t i = 0; i < ARRAY_COUNT(VERBS); i++) {
        if (strcmp(action, VERBS[i].action) == 0) {
            *ret_is_known = true;
            return directory == NULL
                       ? fail(err, ST_INVALID, "The action has no \"name\": the directory")
                       : run_verb(native, VERBS[i].verb, directory, answer, err);
        }
    }
    *ret_is_known = false;
    return ST_OK;
}

static void
append_text(struct buffer *answer, const char *name, const char *text)
{
    buffer_printf(answer, "\"%s\":", name);
    log_append_json_string(answer, bytes_of_string(text));
    buffer_append_char(answer, ',');
}

void
native_mountpath_list(struct native *native, struct buffer *answer)
{
    struct arena arena = ARENA_INIT;
    struct mountpath_view *views;
    uint64_t generation;
    bool is_unfinished;
    size_t count;

    mountpath_list(native->objects, &arena, &views, &count, &generation, &is_unfinished);
    buffer_printf(answer, "{\"generation\":%" PRIu64 ",\"resilver_due\":%s,\"mountpaths\":[",
                  generation, is_unfinished ? "true" : "false");
    for (size_t i = 0; i < count; i++) {
        buffer_append_string(answer, i > 0 ? ",{" : "{");
        append_text(answer, "directory", views[i].directory);
        append_text(answer, "uuid", views[i].uuid);
        append_text(answer, "role", views[i].role);
        append_text(answer, "state", views[i].state);
        append_text(answer, "why", views[i].why);
        buffer_printf(answer,
                      "\"emptying\":%s,\"may_be_pulled\":%s,\"total_bytes\":%" PRIu64
                      ",\"free_bytes\":%" PRIu64 "}",
                      views[i].is_emptying ? "true" : "false",
                      views[i].may_be_pulled ? "true" : "false", views[i].total_bytes,
                      views[i].free_bytes);
    }
    buffer_append_string(answer, "]}\n");
    arena_release(&arena);
}
