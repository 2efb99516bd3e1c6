/* SPDX-License-Identifier: Apache-2.0 */
#include "control/control_view.h"

#include <errno.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/memory.h"
#include "control/control_turn.h"

#include "base/banned.h"

struct watcher {
    struct watcher *next;
    struct bytes prefix; /* owned */
    control_changed_fn *changed;
    void *arg;
};

struct control_view {
    struct control_turn turn;
    struct watcher *watchers; /* whoever has the turn */
    pthread_mutex_t lock;
    pthread_cond_t has_told;           /* monotonic clock */
    struct control_snapshot *snapshot; /* guarded by lock */
    uint64_t told_revision;            /* guarded by lock */
    int64_t wait_ms_max;               /* guarded by lock; 0: as long as they like */
};

struct control_view *
control_view_create(void)
{
    struct control_view *view = xcalloc(1, sizeof(*view));
    pthread_condattr_t attributes;

    control_turn_init(&view->turn);
    CHECK(pthread_mutex_init(&view->lock, NULL) == 0);
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&view->has_told, &attributes) == 0);
    CHECK(pthread_condattr_destroy(&attributes) == 0);
    view->snapshot = control_snapshot_create(0);
    return view;
}

static void
watcher_free(struct watcher *watcher)
{
    free((void *)(uintptr_t)watcher->prefix.data);
    free(watcher);
}

void
control_view_destroy(struct control_view **take_view)
{
    struct control_view *view = *take_view;

    if (view == NULL) {
        return;
    }
    while (view->watchers != NULL) {
        struct watcher *watcher = view->watchers;

        view->watchers = watcher->next;
        watcher_free(watcher);
    }
    control_snapshot_unref(view->snapshot);
    CHECK(pthread_mutex_destroy(&view->lock) == 0);
    CHECK(pthread_cond_destroy(&view->has_told) == 0);
    control_turn_release(&view->turn);
    free(view);
    *take_view = NULL;
}

struct control_snapshot *
control_view_snapshot(struct control_view *view)
{
    struct control_snapshot *snapshot = NULL;

    WITH_LOCK (&view->lock) {
        snapshot = control_snapshot_ref(view->snapshot);
    }
    return snapshot;
}

void
control_view_turn_take(struct control_view *view)
{
    control_turn_take(&view->turn);
}

void
control_view_turn_give(struct control_view *view)
{
    control_turn_give(&view->turn);
}

void
control_view_publish(struct control_view *view, struct control_snapshot *next,
                     const struct control_value *changes, size_t count)
{
    struct control_snapshot *old = NULL;
    uint64_t revision = next->revision;

    WITH_LOCK (&view->lock) {
        old = view->snapshot;
        view->snapshot = next;
    }
    for (size_t i = 0; i < count; i++) {
        for (struct watcher *watcher = view->watchers; watcher != NULL; watcher = watcher->next) {
            if (bytes_has_prefix(changes[i].key, watcher->prefix)) {
                watcher->changed(&changes[i], watcher->arg);
            }
        }
    }
    WITH_LOCK (&view->lock) {
        view->told_revision = revision;
        CHECK(pthread_cond_broadcast(&view->has_told) == 0);
    }
    control_snapshot_unref(old);
}

/* has_lock.  False: deadline_ns has passed. */
static bool
wait_locked(struct control_view *view, int64_t deadline_ns)
{
    int64_t hurried_ns = clock_monotonic_ns() + view->wait_ms_max * CLOCK_NS_PER_MS;
    int64_t until_ns =
        view->wait_ms_max != 0 && hurried_ns < deadline_ns ? hurried_ns : deadline_ns;
    struct timespec deadline = {.tv_sec = until_ns / CLOCK_NS_PER_S,
                                .tv_nsec = until_ns % CLOCK_NS_PER_S};
    int result = pthread_cond_timedwait(&view->has_told, &view->lock, &deadline);

    CHECK(result == 0 || result == ETIMEDOUT);
    return result == 0;
}

bool
control_view_wait(struct control_view *view, uint64_t revision, int64_t deadline_ns)
{
    bool has_come = false;

    WITH_LOCK (&view->lock) {
        while (view->told_revision < revision && wait_locked(view, deadline_ns)) {
        }
        has_come = view->told_revision >= revision;
    }
    return has_come;
}

/* has_lock */
static bool
is_gone_locked(const struct control_view *view, struct bytes key, uint64_t above)
{
    const struct control_value *value = control_snapshot_find(view->snapshot, key);

    return (value == NULL || value->revision > above) &&
           view->told_revision >= view->snapshot->revision;
}

bool
control_view_wait_gone(struct control_view *view, struct bytes key, uint64_t above,
                       int64_t deadline_ns)
{
    bool is_gone = false;

    WITH_LOCK (&view->lock) {
        while (!is_gone_locked(view, key, above) && wait_locked(view, deadline_ns)) {
        }
        is_gone = is_gone_locked(view, key, above);
    }
    return is_gone;
}

void
control_view_hurry(struct control_view *view, int64_t wait_ms_max)
{
    WITH_LOCK (&view->lock) {
        view->wait_ms_max = wait_ms_max;
        CHECK(pthread_cond_broadcast(&view->has_told) == 0);
    }
}

static int
compare_by_revision(const void *a, const void *b)
{
    uint64_t first = (*(struct control_entry *const *)a)->value.revision;
    uint64_t second = (*(struct control_entry *const *)b)->value.revision;

    return first < second ? -1 : first > second;
}

void
control_view_watch(struct control_view *view, struct bytes prefix, control_changed_fn *changed,
                   void *arg)
{
    struct watcher *watcher = xcalloc(1, sizeof(*watcher));
    struct control_entry **entries;
    struct control_snapshot *snapshot;
    size_t count = 0;

    watcher->prefix = bytes_of(xmemdup(prefix.data, prefix.size), prefix.size);
    watcher->changed = changed;
    watcher->arg = arg;
    control_turn_take(&view->turn);
    snapshot = control_view_snapshot(view);
    entries = xmalloc((snapshot->count + 1) * sizeof(*entries));
    for (size_t i = control_snapshot_lower_bound(snapshot, prefix);
         i < snapshot->count && bytes_has_prefix(snapshot->entries[i]->value.key, prefix); i++) {
        entries[count++] = snapshot->entries[i];
    }
    qsort(entries, count, sizeof(*entries), compare_by_revision);
    for (size_t i = 0; i < count; i++) {
        changed(&entries[i]->value, arg);
    }
    watcher->next = view->watchers;
    view->watchers = watcher;
    control_turn_give(&view->turn);
    control_snapshot_unref(snapshot);
    free(entries);
}

void
control_view_unwatch(struct control_view *view, control_changed_fn *changed, void *arg)
{
    struct watcher *removed = NULL;

    control_turn_take(&view->turn);
    for (struct watcher **place = &view->watchers; *place != NULL; place = &(*place)->next) {
        if ((*place)->changed == changed && (*place)->arg == arg) {
            removed = *place;
            *place = removed->next;
            break;
        }
    }
    control_turn_give(&view->turn);
    CHECK(removed != NULL);
    watcher_free(removed);
}
