/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_cut/crash_verify.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "object/fsck.h"
#include "object/object_delete.h"
#include "object/object_list.h"
#include "tests/power_cut/crash_mountpaths.h"
#include "tests/power_cut/crash_upload.h"

#include "base/banned.h"

/* A page of the listing, small so that pages meet each other. */
#define LIST_PAGE 13
/* Orphans younger than this are no findings; it is more than any run takes. */
#define ORPHAN_AGE_S 86400

struct listing {
    struct crash_store *crash;
    unsigned bucket;
    struct crash_read_result (*reads)[CRASH_KEYS];
    unsigned count;
};

/* The deletion is as relaxed as what it deletes: the next cut may take it back, and what was
 * corrupt is there again.  So the model keeps what it knew, if it has room for one change more. */
static void
delete_corrupt(struct crash_store *crash, unsigned bucket, unsigned number)
{
    char key[CRASH_KEY_SIZE];
    struct error err = ERROR_INIT;
    struct crash_value nothing = {0};
    struct crash_key *known = &crash->model->keys[bucket][number];
    struct crash_change *deletion = crash_model_begin(crash->model, known, &nothing, true);
    crash_store_key(number, key);
    struct object_delete_entry entry = {.key = bytes_of_string(key)};
    enum status st = object_delete(&crash->buckets[bucket], &entry, 1, &err);
    if (st != ST_OK || entry.status != ST_OK) {
        crash_store_broken("%s: a corrupt object cannot be deleted: %s", key,
                           st != ST_OK ? err.text : entry.error.text);
    }
    if (deletion != NULL) {
        crash_model_end(crash->model, deletion);
    } else {
        crash_model_settle(crash->model, known, &nothing, clock_monotonic_ns());
    }
}

static void
verify_key(struct crash_store *crash, unsigned bucket, unsigned number,
           struct crash_content *content, struct crash_read_result *ret_read)
{
    struct crash_key *key = &crash->model->keys[bucket][number];
    bool may_lose = bucket == CRASH_BUCKET_RELAXED && crash->is_power_cut;
    int64_t settled_ns = may_lose ? crash->model->death_ns - crash->relaxed_loss_ns : INT64_MAX;
    enum crash_read read = crash_store_read(crash, bucket, number, settled_ns, content, ret_read);
    bool may_be_corrupt = may_lose && !crash_model_is_older(key, settled_ns);
    if (read == CRASH_READ_FAILED || (read == CRASH_READ_CORRUPT && !may_be_corrupt)) {
        crash_store_broken("bucket %u, key %u cannot be read", bucket, number);
    }
    if (read == CRASH_READ_CORRUPT) {
        delete_corrupt(crash, bucket, number);
        *ret_read = (struct crash_read_result){0};
        return;
    }
    const struct crash_change *change = crash_model_explain(key, ret_read->version, settled_ns);
    CHECK(change != NULL);
    crash_model_settle(crash->model, key, &change->value, 0);
    atomic_fetch_add(&crash->model->verified_count, 1);
}

static void
check_listed(struct bytes name, const struct object_record *record, void *arg)
{
    struct listing *listing = arg;
    for (unsigned i = 0; i < CRASH_KEYS; i++) {
        char key[CRASH_KEY_SIZE];
        crash_store_key(i, key);
        if (!bytes_equal_string(name, key)) {
            continue;
        }
        const struct crash_read_result *read = &listing->reads[listing->bucket][i];
        if (read->version == 0 || read->size != record->size ||
            !bytes_equal_string(record->etag, read->etag)) {
            crash_store_broken("%s: the listing and the object disagree", key);
        }
        listing->count++;
        return;
    }
    crash_store_broken("%.*s is listed and was never written", BYTES_ARGS(name));
}

static void
verify_names(struct crash_store *crash, unsigned bucket,
             struct crash_read_result (*reads)[CRASH_KEYS])
{
    struct listing listing = {.crash = crash, .bucket = bucket, .reads = reads};
    struct arena arena = ARENA_INIT;
    struct object_list_result result = {0};
    struct error err = ERROR_INIT;
    struct bytes after = BYTES_NONE;
    unsigned present = 0;
    do {
        struct object_list_options options = {.after = after, .count_max = LIST_PAGE};
        if (object_list(&crash->buckets[bucket], &options, check_listed, &listing, &arena, &result,
                        &err) != ST_OK) {
            crash_store_broken("the listing fails: %s", err.text);
        }
        after = result.last;
    } while (result.is_truncated);
    for (unsigned i = 0; i < CRASH_KEYS; i++) {
        present += reads[bucket][i].version != 0;
    }
    if (present != listing.count) {
        crash_store_broken("bucket %u: %u keys can be read, %u are listed", bucket, present,
                           listing.count);
    }
    arena_release(&arena);
}

static void
verify_counters(struct crash_store *crash, unsigned bucket,
                struct crash_read_result (*reads)[CRASH_KEYS])
{
    struct bucket_counters counters;
    struct error err = ERROR_INIT;
    int64_t object_count = 0;
    uint64_t byte_count = 0;
    for (unsigned i = 0; i < CRASH_KEYS; i++) {
        object_count += reads[bucket][i].version != 0;
        byte_count += reads[bucket][i].version != 0 ? reads[bucket][i].size : 0;
    }
    if (bucket_counters(&crash->buckets[bucket], &counters, &err) != ST_OK) {
        crash_store_broken("the counters cannot be read: %s", err.text);
    }
    if (counters.object_count != object_count || counters.logical_bytes != (int64_t)byte_count) {
        crash_store_broken("bucket %u: counters say %" PRId64 " objects, %" PRId64
                           " bytes; the keys %" PRId64 ", %" PRIu64,
                           bucket, counters.object_count, counters.logical_bytes, object_count,
                           byte_count);
    }
}

/* What the first look has settled is still there when everything has reached its home. */
static void
read_again(struct crash_store *crash, struct crash_content *content,
           struct crash_read_result (*reads)[CRASH_KEYS])
{
    for (unsigned b = 0; b < CRASH_BUCKETS; b++) {
        for (unsigned k = 0; k < CRASH_KEYS; k++) {
            struct crash_read_result again;
            enum crash_read read = crash_store_read(crash, b, k, INT64_MAX, content, &again);
            if (again.version != reads[b][k].version ||
                (read != CRASH_READ_ABSENT && read != CRASH_READ_WHOLE)) {
                crash_store_broken("bucket %u, key %u: version %" PRIu64
                                   " before the resilver, %" PRIu64 " after it",
                                   b, k, reads[b][k].version, again.version);
            }
        }
    }
}

static void
print_finding(const struct fsck_finding *finding, void *arg)
{
    fprintf(stderr, "fsck: %s: %s: %s\n", fsck_finding_name(finding->kind), finding->home,
            finding->what);
}

static void
verify_files(struct crash_store *crash)
{
    struct fsck_options options = {
        .verifies_bytes = true, .orphan_age_s = ORPHAN_AGE_S, .found = print_finding};
    struct fsck_summary summary;
    struct error err = ERROR_INIT;
    if (fsck_run(crash->store, &options, &summary, &err) != ST_OK) {
        crash_store_broken("fsck could not run: %s", err.text);
    }
    for (unsigned i = 0; i < FSCK_FINDING_COUNT; i++) {
        if (summary.finding_counts[i] != 0) {
            crash_store_broken("fsck: %" PRIu64 " x %s", summary.finding_counts[i],
                               fsck_finding_name((enum fsck_finding_kind)i));
        }
    }
}

void
crash_verify_run(struct crash_store *crash)
{
    static struct crash_read_result reads[CRASH_BUCKETS][CRASH_KEYS];
    struct crash_content content = {BUFFER_INIT};
    crash_upload_verify(crash, &content);
    for (unsigned b = 0; b < CRASH_BUCKETS; b++) {
        for (unsigned k = 0; k < CRASH_KEYS; k++) {
            verify_key(crash, b, k, &content, &reads[b][k]);
        }
        if (crash->moves_mountpaths) {
            verify_names(crash, b, reads);
        }
    }
    if (crash->moves_mountpaths) { /* counters count a key twice while it is on its way */
        crash_mountpaths_finish(crash);
        read_again(crash, &content, reads);
    }
    for (unsigned b = 0; b < CRASH_BUCKETS; b++) {
        verify_names(crash, b, reads);
        verify_counters(crash, b, reads);
    }
    verify_files(crash);
    crash_content_release(&content);
}
