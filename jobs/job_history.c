/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/job_history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/log.h"
#include "base/memory.h"

#include "base/banned.h"

#define FILE_NAME "history"
/* All entries with the longest reports would be more, but such a file was not written by us. */
#define FILE_BYTES_MAX ((size_t)64 << 20)

/* Entries of these kinds outlive others, up to so many. */
#define KEPT_KIND "rebalance"
#define KEPT_MAX 64
/* Of a job that ran when its process was killed. */
#define CUT_OFF_TEXT "its process ended meanwhile; until then: "

static const char *const STATES[] = {"running", "finished", "failed", "stopped"};

const char *
job_state_name(enum job_state state)
{
    return STATES[state];
}

static void
copy_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text != NULL ? text : "");
}

static void
entry_release(struct job_history_entry *entry)
{
    free((char *)(uintptr_t)entry->info.kind);
    free((char *)(uintptr_t)entry->info.report.data);
}

static bool
is_rebalance(const struct job_history_entry *entry)
{
    return bytes_has_prefix(bytes_of_string(entry->info.kind), BYTES_LITERAL(KEPT_KIND));
}

static void
remove_at(struct job_history *history, size_t index)
{
    entry_release(&history->entries[index]);
    memmove(&history->entries[index], &history->entries[index + 1],
            (history->count - index - 1) * sizeof(history->entries[0]));
    history->count--;
}

/* Batches of objects come by the hundred; a rebalance is looked up weeks later. */
static void
make_room(struct job_history *history)
{
    size_t kept_count = 0;
    size_t victim = 0;

    for (size_t i = 0; i < history->count; i++) {
        kept_count += is_rebalance(&history->entries[i]);
    }
    while (kept_count <= KEPT_MAX && victim + 1 < history->count &&
           is_rebalance(&history->entries[victim])) {
        victim++;
    }
    remove_at(history, victim);
}

void
job_history_add(struct job_history *history, const struct job_info *info)
{
    struct job_history_entry *entry;

    if (history->count == JOB_HISTORY_MAX) {
        make_room(history);
    }
    entry = &history->entries[history->count++];
    entry->info = *info;
    entry->info.kind = xstrdup(info->kind);
    entry->info.report =
        bytes_of(info->report.size > 0 ? xmemdup(info->report.data, info->report.size) : NULL,
                 info->report.size);
}

void
job_history_remove(struct job_history *history, const char *id)
{
    for (size_t i = history->count; i > 0; i--) {
        if (strcmp(history->entries[i - 1].info.id, id) == 0) {
            remove_at(history, i - 1);
        }
    }
}

bool
job_history_amend(struct job_history *history, const struct job_info *info)
{
    for (size_t i = history->count; i > 0; i--) {
        struct job_info *known = &history->entries[i - 1].info;

        if (strcmp(known->id, info->id) == 0) {
            char *report =
                info->report.size > 0 ? xmemdup(info->report.data, info->report.size) : NULL;

            free((char *)(uintptr_t)known->report.data);
            known->report = bytes_of(report, info->report.size);
            known->state = info->state;
            memcpy(known->text, info->text, sizeof(known->text));
            return true;
        }
    }
    return false;
}

void
job_history_add_line(struct job_history *history, struct bytes line)
{
    json_t *root = json_loadb(line.data, line.size, 0, NULL);
    const char *state = json_string_value(json_object_get(root, "state"));
    const char *kind = json_string_value(json_object_get(root, "kind"));
    const char *text = json_string_value(json_object_get(root, "text"));
    const json_t *report = json_object_get(root, "report");
    char *report_text = report != NULL ? json_dumps(report, JSON_COMPACT) : NULL;
    struct job_info info = {.state = JOB_STOPPED, .kind = kind};

    for (size_t i = 0; state != NULL && i < sizeof(STATES) / sizeof(STATES[0]); i++) {
        if (strcmp(state, STATES[i]) == 0 && i != JOB_RUNNING) {
            info.state = (enum job_state)i;
        }
    }
    copy_text(info.id, sizeof(info.id), json_string_value(json_object_get(root, "id")));
    snprintf(info.text, sizeof(info.text), "%s%s",
             state != NULL && strcmp(state, STATES[JOB_RUNNING]) == 0 ? CUT_OFF_TEXT : "",
             text != NULL ? text : "");
    info.started_ns = json_integer_value(json_object_get(root, "started_ns"));
    info.finished_ns = json_integer_value(json_object_get(root, "finished_ns"));
    info.done_count = (uint64_t)json_integer_value(json_object_get(root, "done"));
    info.total_count = (uint64_t)json_integer_value(json_object_get(root, "total"));
    info.byte_count = (uint64_t)json_integer_value(json_object_get(root, "bytes"));
    info.report = bytes_of_string(report_text);
    if (kind != NULL && info.id[0] != '\0') {
        job_history_add(history, &info);
    }
    free(report_text);
    json_decref(root);
}

static bool
file_read(const char *path, struct buffer *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = 1;

    if (fd < 0) {
        return false;
    }
    while (got > 0 && out->size < FILE_BYTES_MAX) {
        got = read(fd, buffer_reserve(out, 65536), 65536);
        if (got > 0) {
            out->size += (size_t)got;
        }
    }
    close(fd);
    return got == 0;
}

void
job_history_init(struct job_history *history, const char *directory)
{
    struct buffer text = BUFFER_INIT;
    struct bytes rest;

    memset(history, 0, sizeof(*history));
    history->path = xasprintf("%s/" FILE_NAME, directory);
    if (file_read(history->path, &text)) {
        rest = buffer_bytes(&text);
        while (rest.size > 0) {
            job_history_add_line(history, bytes_cut(&rest, '\n'));
        }
    }
    buffer_release(&text);
}

void
job_history_release(struct job_history *history)
{
    for (size_t i = 0; i < history->count; i++) {
        entry_release(&history->entries[i]);
    }
    free(history->path);
    memset(history, 0, sizeof(*history));
}

void
job_history_format_info(const struct job_info *info, struct buffer *out)
{
    json_t *root = json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s}", "id", info->id, "kind", info->kind,
        "state", STATES[info->state], "started_ns", (json_int_t)info->started_ns, "finished_ns",
        (json_int_t)info->finished_ns, "done", (json_int_t)info->done_count, "total",
        (json_int_t)info->total_count, "bytes", (json_int_t)info->byte_count, "text", info->text);
    char *line;

    if (info->report.size > 0) {
        json_object_set_new(root, "report",
                            json_loadb(info->report.data, info->report.size, 0, NULL));
    }
    line = json_dumps(root, JSON_COMPACT);
    if (line != NULL) { /* text that is not UTF-8 costs its line */
        buffer_append_string(out, line);
        buffer_append_char(out, '\n');
    }
    free(line);
    json_decref(root);
}

static bool
file_write(const char *path, struct bytes data)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool is_done;

    if (fd < 0) {
        return false;
    }
    while (data.size > 0) {
        ssize_t put = write(fd, data.data, data.size);

        if (put <= 0) {
            break;
        }
        data = bytes_slice(data, (size_t)put, data.size);
    }
    is_done = data.size == 0 && fdatasync(fd) == 0;
    return close(fd) == 0 && is_done;
}

void
job_history_format(const struct job_history *history, struct buffer *out)
{
    for (size_t i = 0; i < history->count; i++) {
        job_history_format_info(&history->entries[i].info, out);
    }
}

bool
job_history_save(const struct job_history *history, struct bytes text)
{
    char *fresh = xasprintf("%s.new", history->path);
    bool is_saved = file_write(fresh, text) && rename(fresh, history->path) == 0;

    if (!is_saved) {
        log_warn(NULL, "job_history_lost", "the history of jobs could not be written, errno %d",
                 errno);
    }
    free(fresh);
    return is_saved;
}
