/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Home by home: a view of all families as of one moment, then records -> bytes, then what was added
 * up against what is counted, then files -> records.
 */
#include "object/fsck.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/memory.h"
#include "object/fsck_home.h"
#include "object/object_internal.h"
#include "store/commit.h"

#include "base/banned.h"

/* Progress is told each so many records and files. */
#define PROGRESS_STEP 1024
#define READ_BYTES ((size_t)1 << 20)

static const char *const NAMES[] = {
#define FINDING_ROW(name, text) text,
    FSCK_FINDING_LIST(FINDING_ROW)
#undef FINDING_ROW
};

static const enum family FAMILIES[] = {FAMILY_OBJECT, FAMILY_VERSION, FAMILY_FORMER, FAMILY_LAYOUT,
                                       FAMILY_CHUNK,  FAMILY_PACK,    FAMILY_UPLOAD, FAMILY_NODE};

const char *
fsck_finding_name(enum fsck_finding_kind kind)
{
    CHECK((size_t)kind < FSCK_FINDING_COUNT);
    return NAMES[kind];
}

void
fsck_found(struct fsck_check *check, enum fsck_finding_kind kind, const char *fmt, ...)
{
    struct fsck_finding finding = {.kind = kind, .home = home_directory(check->home)};
    va_list args;

    va_start(args, fmt);
    vsnprintf(finding.what, sizeof(finding.what), fmt, args);
    va_end(args);
    check->summary.finding_counts[kind]++;
    if (check->options->found != NULL) {
        check->options->found(&finding, check->options->arg);
    }
}

enum status
fsck_step(struct fsck_check *check, struct error *err)
{
    check->done_count++;
    if (check->done_count % PROGRESS_STEP == 0 && check->options->progress != NULL) {
        check->options->progress(check->done_count, check->options->arg);
    }
    if (check->options->is_cancelled != NULL && atomic_load(check->options->is_cancelled)) {
        return fail(err, ST_CANCELLED, "the check was stopped");
    }
    return ST_OK;
}

static void
view_close(struct fsck_check *check)
{
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        meta_iterator_close(&check->iterators[i]);
    }
    meta_snapshot_destroy(&check->snapshot);
}

static void
view_open(struct fsck_check *check)
{
    check->snapshot = meta_snapshot_create(home_db(check->home));
    for (size_t i = 0; i < ARRAY_COUNT(FAMILIES); i++) {
        check->iterators[FAMILIES[i]] = meta_iterator_open(
            home_db(check->home), &(struct meta_scan){.family = FAMILIES[i],
                                                      .snapshot = check->snapshot,
                                                      .keep_cache_cold = true});
    }
}

/* Before and after the view is opened: who was deleted or created meanwhile is known too. */
static void
buckets_note(struct fsck_check *check)
{
    struct arena arena = ARENA_INIT;
    struct bytes after = BYTES_NONE;
    struct bucket_entry *entry;

    while ((entry = bucket_table_next(check->store->buckets, after)) != NULL) {
        unsigned char id[16];

        fsck_tally_number(entry->id, id);
        (void)fsck_tally_at(&check->known, id);
        after = arena_copy(&arena, entry->name);
        bucket_entry_release(&entry);
    }
    arena_release(&arena);
}

static enum status
home_check(struct fsck_check *check, struct home *home, struct error *err)
{
    enum status st;

    check->home = home;
    if (!home_is_holder(home)) {
        return ST_OK;
    }
    if (!home_hold(home)) {
        fsck_found(check, FSCK_HOME_ABSENT, "nothing of it was checked");
        return ST_OK;
    }
    buckets_note(check);
    view_open(check);
    buckets_note(check);
    /* What the view's last batch dropped is known to those who free it after this. */
    st = check->is_read_only ? ST_OK : commit_barrier(home, err);
    if (st == ST_OK) {
        st = fsck_check_records(check, err);
    }
    if (st == ST_OK) {
        st = fsck_check_tallies(check, err);
    }
    if (st == ST_OK) {
        st = fsck_check_files(check, err);
    }
    view_close(check);
    home_unhold(home);
    fsck_tally_release(&check->chunks);
    fsck_tally_release(&check->packs);
    memset(check->pack_totals, 0, sizeof(check->pack_totals));
    fsck_tally_release(&check->writes);
    fsck_tally_release(&check->buckets);
    return st;
}

enum status
fsck_run(struct object_store *store, const struct fsck_options *options,
         struct fsck_summary *ret_summary, struct error *err)
{
    struct fsck_check check = {
        .store = store, .options = options, .is_read_only = store->is_read_only};
    struct bucket_entry *any = bucket_table_next(store->buckets, BYTES_NONE);
    enum status st = ST_OK;

    /* A node of a cluster that was written by an older release remembers none. */
    check.knows_buckets = !store->is_offline || any != NULL;
    if (any != NULL) {
        bucket_entry_release(&any);
    }

    assert_on_worker();
    check.buffer = xmalloc_aligned(READ_BYTES);
    for (size_t i = 0; i < store_home_count(store->store) && st == ST_OK; i++) {
        st = home_check(&check, store_home_at(store->store, i), err);
    }
    fsck_tally_release(&check.known);
    free(check.buffer);
    if (st == ST_OK) {
        *ret_summary = check.summary;
    }
    return st;
}
