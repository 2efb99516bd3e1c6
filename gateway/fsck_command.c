/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/fsck_command.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "gateway/gateway.h"
#include "object/fsck.h"
#include "object/object_control.h"

#include "base/banned.h"

struct report {
    bool is_json;
    bool has_progress; /* a line that is overwritten, on a terminal only */
};

static void
print_finding(const struct fsck_finding *finding, void *arg)
{
    const struct report *report = arg;

    if (report->is_json) {
        struct buffer line = BUFFER_INIT;

        buffer_printf(&line, "{\"finding\":\"%s\",\"home\":", fsck_finding_name(finding->kind));
        log_append_json_string(&line, bytes_of_string(finding->home));
        buffer_append_string(&line, ",\"what\":");
        log_append_json_string(&line, bytes_of_string(finding->what));
        printf("%.*s}\n", BYTES_ARGS(buffer_bytes(&line)));
        buffer_release(&line);
    } else {
        printf("%s%s: %s: %s\n", report->has_progress ? "\r\033[K" : "",
               fsck_finding_name(finding->kind), finding->home, finding->what);
    }
}

static void
print_progress(uint64_t done_count, void *arg)
{
    const struct report *report = arg;

    if (report->has_progress) {
        fprintf(stderr, "\r\033[Kchecked %" PRIu64 " records and files", done_count);
    }
}

static uint64_t
print_summary(const struct fsck_summary *summary, const struct report *report)
{
    uint64_t finding_count = 0;

    for (size_t i = 0; i < FSCK_FINDING_COUNT; i++) {
        finding_count += summary->finding_counts[i];
    }
    if (report->has_progress) {
        fprintf(stderr, "\r\033[K");
    }
    printf(report->is_json
               ? "{\"findings\":%" PRIu64 ",\"objects\":%" PRIu64 ",\"uploads\":%" PRIu64
                 ",\"files\":%" PRIu64 ",\"verified_bytes\":%" PRIu64 ",\"repaired\":%" PRIu64 "}\n"
               : "%" PRIu64 " findings; %" PRIu64 " objects, %" PRIu64 " uploads, %" PRIu64
                 " files, %" PRIu64 " bytes verified, %" PRIu64 " repaired\n",
           finding_count, summary->object_count, summary->upload_count, summary->file_count,
           summary->byte_count, summary->repaired_count);
    return finding_count - summary->repaired_count;
}

int
fsck_command(const struct config *config)
{
    const char *mountpaths[CONFIG_LIST_MAX];
    char *default_path = NULL;
    size_t count = gateway_mountpaths(config, &default_path, mountpaths);
    struct report report = {.is_json = config->json,
                            .has_progress = !config->json && isatty(STDERR_FILENO)};
    struct fsck_options options = {.verifies_bytes = config->verify,
                                   .repairs = config->repair,
                                   .orphan_age_s = (int64_t)config->sweep_age_s,
                                   .found = print_finding,
                                   .progress = print_progress,
                                   .arg = &report};
    struct object_store_options store_options;
    struct object_store *objects = NULL;
    struct fsck_summary summary;
    char cluster[CONTROL_CLUSTER_NAME_BYTES_MAX + 2] = "";
    struct error err = ERROR_INIT;
    int exit_code = 2;
    enum status st;

    gateway_object_store_options(config, mountpaths, count, &store_options);
    store_options.store.is_background_off = true;
    store_options.store.read_only = !config->repair;
    st = object_control_cluster(config->data, cluster, &err);
    store_options.is_offline = cluster[0] != '\0';
    if (st == ST_OK && object_store_open(&store_options, &objects, &err) == ST_OK &&
        fsck_run(objects, &options, &summary, &err) == ST_OK) {
        exit_code = print_summary(&summary, &report) == 0 ? 0 : 1;
    } else {
        fprintf(stderr, "loded: %s\n", err.text);
    }
    object_store_close(&objects);
    free(default_path);
    return exit_code;
}

int
recover_command(const struct config *config)
{
    const char *mountpaths[CONFIG_LIST_MAX];
    char *default_path = NULL;
    size_t count = gateway_mountpaths(config, &default_path, mountpaths);
    struct object_store_options options;
    struct error err = ERROR_INIT;
    enum status st;

    gateway_object_store_options(config, mountpaths, count, &options);
    st = object_store_recover(&options, &err);
    if (st == ST_OK) {
        printf(
            "%s was rebuilt from the mountpaths; root's keys are generated anew at the next start"
            " unless LODE_ROOT_ACCESS_KEY and LODE_ROOT_SECRET_KEY are set\n",
            config->data);
    } else {
        fprintf(stderr, "loded: %s\n", err.text);
    }
    free(default_path);
    return st == ST_OK ? 0 : 2;
}
