/* SPDX-License-Identifier: Apache-2.0 */
#include "store/home_metrics.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/disk_sync.h"
#include "base/memory.h"
#include "store/home_internal.h"

#include "base/banned.h"

static const char *const SYNC_KIND_NAMES[HOME_SYNC_KIND_COUNT] = {
    [HOME_SYNC_PACK] = "pack",
    [HOME_SYNC_CHUNK] = "chunk",
    [HOME_SYNC_DIRECTORY] = "directory",
    [HOME_SYNC_LOG] = "log",
};

/* mountpath="...", and kind="..." if there is one. */
static char *
make_labels(const char *directory, const char *kind)
{
    struct buffer labels = BUFFER_INIT;
    char *text;

    metric_append_label(&labels, "mountpath", bytes_of_string(directory));
    if (kind != NULL) {
        metric_append_label(&labels, "kind", bytes_of_string(kind));
    }
    text = xstrndup(labels.data, labels.size);
    buffer_release(&labels);
    return text;
}

struct home_metrics *
home_metrics_create(const char *directory)
{
    struct home_metrics *metrics = xcalloc(1, sizeof(*metrics));

#define HOME_COUNTER_FILL(counter, metric_name, metric_help)                                       \
    metrics->counters[counter].kind = METRIC_COUNTER;                                              \
    metrics->counters[counter].name = metric_name;                                                 \
    metrics->counters[counter].help = metric_help;
    HOME_COUNTER_LIST(HOME_COUNTER_FILL)
#undef HOME_COUNTER_FILL
    metrics->labels[0] = make_labels(directory, NULL);
    for (size_t i = 0; i < HOME_COUNTER_COUNT; i++) {
        metrics->counters[i].labels = metrics->labels[0];
    }
    for (size_t i = 0; i < HOME_SYNC_KIND_COUNT; i++) {
        metrics->labels[1 + i] = make_labels(directory, SYNC_KIND_NAMES[i]);
        metrics->syncs[i].kind = METRIC_HISTOGRAM;
        metrics->syncs[i].name = "lode_store_sync_seconds";
        metrics->syncs[i].help = "Time of each sync to the disk.";
        metrics->syncs[i].labels = metrics->labels[1 + i];
    }
    return metrics;
}

void
home_metrics_destroy(struct home_metrics **take_metrics)
{
    struct home_metrics *metrics = *take_metrics;

    if (metrics == NULL) {
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(metrics->labels); i++) {
        free(metrics->labels[i]);
    }
    free(metrics);
    *take_metrics = NULL;
}

void
home_count(struct home *home, enum home_counter counter, uint64_t amount)
{
    metric_add(&home->metrics->counters[counter], (int64_t)amount);
}

void
home_note_sync(struct home *home, enum home_sync_kind kind, int64_t start_ns)
{
    metric_observe_ns(&home->metrics->syncs[kind], clock_monotonic_ns() - start_ns);
}

int
home_sync_file(struct home *home, enum home_sync_kind kind, int fd, const char *what)
{
    int64_t start_ns = clock_monotonic_ns();
    int result = sync_file_data(fd, what);

    home_note_sync(home, kind, start_ns);
    return result;
}

int
home_sync_directory(struct home *home, int fd, const char *what)
{
    int64_t start_ns = clock_monotonic_ns();
    int result = sync_directory(fd, what);

    home_note_sync(home, HOME_SYNC_DIRECTORY, start_ns);
    return result;
}

int
home_sync_directory_at(struct home *home, const char *path, const char *what)
{
    int64_t start_ns = clock_monotonic_ns();
    int result = sync_directory_at(home->directory_fd, path, what);

    home_note_sync(home, HOME_SYNC_DIRECTORY, start_ns);
    return result;
}
