/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"
#include "object/bucket_table.h"
#include "object/fsck_home.h"
#include "object/object_internal.h"
#include "store/commit.h"

#include "base/banned.h"

#define COUNTERS_KEY_BYTES 9

static enum status
chunks_check(struct fsck_check *check, struct error *err)
{
    struct meta_iterator *iterator = check->iterators[FAMILY_CHUNK];
    enum status st = ST_OK;

    for (meta_iterator_seek(iterator, BYTES_NONE); st == ST_OK && meta_iterator_is_valid(iterator);
         meta_iterator_next(iterator)) {
        struct bytes key = meta_iterator_key(iterator);
        struct bytes value = meta_iterator_value(iterator);
        struct fsck_tally_entry *entry;
        uint64_t count;
        char hex[2 * CHUNK_ID_BYTES + 1];

        if (key.size != CHUNK_ID_BYTES || value.size != 8) {
            fsck_found(check, FSCK_RECORD_UNREADABLE, "the count of a chunk file is malformed");
            continue;
        }
        encode_hex(key, hex);
        count = decode_u64_be(value.data);
        entry = fsck_tally_find(&check->chunks, (const unsigned char *)key.data);
        if (entry == NULL || (uint64_t)entry->values[0] != count) {
            fsck_found(check, FSCK_COUNT_WRONG, "chunk file %s: counted %llu times, named %lld",
                       hex, (unsigned long long)count,
                       entry == NULL ? 0LL : (long long)entry->values[0]);
        }
        /* Counted, even if wrongly: its file is no orphan. */
        fsck_tally_at(&check->chunks, (const unsigned char *)key.data)->is_seen = true;
        st = fsck_step(check, err);
    }
    if (st == ST_OK) {
        st = meta_iterator_status(iterator, err);
    }
    for (size_t i = 0; st == ST_OK && i < check->chunks.slot_count; i++) {
        const struct fsck_tally_entry *entry = &check->chunks.slots[i];

        if (entry->is_used && !entry->is_seen) {
            char hex[2 * CHUNK_ID_BYTES + 1];

            encode_hex(bytes_of(entry->id, CHUNK_ID_BYTES), hex);
            fsck_found(check, FSCK_COUNT_WRONG, "chunk file %s: named and not counted", hex);
        }
    }
    return st;
}

static enum status
packs_check(struct fsck_check *check, struct error *err)
{
    struct meta_iterator *iterator = check->iterators[FAMILY_PACK];
    enum status st = ST_OK;

    for (meta_iterator_seek(iterator, BYTES_NONE); st == ST_OK && meta_iterator_is_valid(iterator);
         meta_iterator_next(iterator)) {
        struct bytes key = meta_iterator_key(iterator);
        struct bytes value = meta_iterator_value(iterator);
        struct fsck_tally_entry *entry;
        unsigned char id[16];
        int64_t live;

        if (key.size != 8 || value.size < 8 || value.size % 8 != 0) {
            fsck_found(check, FSCK_RECORD_UNREADABLE, "the record of a pack is malformed");
            continue;
        }
        fsck_tally_number(decode_u64_be(key.data), id);
        live = (int64_t)decode_u64_be(value.data);
        entry = fsck_tally_at(&check->packs, id);
        if (entry->values[0] != live) {
            fsck_found(check, FSCK_COUNT_WRONG, "pack %016llx: %lld live bytes counted, %lld named",
                       (unsigned long long)decode_u64_be(key.data), (long long)live,
                       (long long)entry->values[0]);
        }
        entry->is_seen = true;
        st = fsck_step(check, err);
    }
    if (st == ST_OK) {
        st = meta_iterator_status(iterator, err);
    }
    for (size_t i = 0; st == ST_OK && i < check->packs.slot_count; i++) {
        const struct fsck_tally_entry *entry = &check->packs.slots[i];

        if (entry->is_used && !entry->is_seen) {
            fsck_found(check, FSCK_COUNT_WRONG, "pack %016llx: named and not counted",
                       (unsigned long long)fsck_tally_number_of(entry));
        }
    }
    return st;
}

/* The counters of a bucket as of the check's moment; zeros if there are none. */
static enum status
counters_get(struct fsck_check *check, uint64_t bucket_id, int64_t ret_counters[4],
             struct error *err)
{
    struct meta_iterator *iterator = check->iterators[FAMILY_NODE];
    struct meta_key key;

    memset(ret_counters, 0, 4 * sizeof(*ret_counters));
    meta_key_counters(&key, bucket_id);
    meta_iterator_seek(iterator, meta_key_bytes(&key));
    if (!meta_iterator_is_valid(iterator)) {
        return meta_iterator_status(iterator, err);
    }
    if (bytes_equal(meta_iterator_key(iterator), meta_key_bytes(&key))) {
        struct bytes value = meta_iterator_value(iterator);

        for (size_t i = 0; i < 4 && (i + 1) * 8 <= value.size; i++) {
            ret_counters[i] = (int64_t)decode_u64_be(value.data + i * 8);
        }
    }
    return ST_OK;
}

static enum status
bucket_check(struct fsck_check *check, uint64_t bucket_id, struct error *err)
{
    struct fsck_tally_entry *entry;
    int64_t expected[FSCK_TALLY_VALUES] = {0};
    int64_t counters[4];
    unsigned char id[16];
    enum status st = counters_get(check, bucket_id, counters, err);

    fsck_tally_number(bucket_id, id);
    entry = fsck_tally_find(&check->buckets, id);
    if (entry != NULL) {
        memcpy(expected, entry->values, sizeof(expected));
    }
    if (st == ST_OK &&
        (counters[0] != expected[0] || counters[2] != expected[1] || counters[3] != expected[2])) {
        fsck_found(check, FSCK_COUNT_WRONG,
                   "bucket id %llu: counters say %lld objects, %lld bytes, %lld stored; there are "
                   "%lld, %lld, %lld",
                   (unsigned long long)bucket_id, (long long)counters[0], (long long)counters[2],
                   (long long)counters[3], (long long)expected[0], (long long)expected[1],
                   (long long)expected[2]);
    }
    return st;
}

/* Buckets with records, and those with counters only. */
static enum status
buckets_check(struct fsck_check *check, struct error *err)
{
    struct meta_iterator *iterator = check->iterators[FAMILY_NODE];
    struct meta_key first;
    enum status st = ST_OK;

    meta_key_counters(&first, 0);
    for (meta_iterator_seek(iterator, meta_key_bytes(&first)); meta_iterator_is_valid(iterator);
         meta_iterator_next(iterator)) {
        struct bytes key = meta_iterator_key(iterator);
        unsigned char id[16];

        if (key.data[0] != (char)first.data[0]) {
            break;
        }
        if (key.size == COUNTERS_KEY_BYTES) {
            fsck_tally_number(decode_u64_be(key.data + 1), id);
            (void)fsck_tally_at(&check->buckets, id);
        }
    }
    if (!meta_iterator_is_valid(iterator)) {
        st = meta_iterator_status(iterator, err);
    }
    for (size_t i = 0; st == ST_OK && i < check->buckets.slot_count; i++) {
        if (check->buckets.slots[i].is_used) {
            st = bucket_check(check, fsck_tally_number_of(&check->buckets.slots[i]), err);
        }
    }
    return st;
}

static enum status
decide_page_removed(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    const struct meta_key *key = arg;

    commit_delete(commit, FAMILY_LAYOUT, meta_key_bytes(key));
    return ST_OK;
}

static void
page_repair(struct fsck_check *check, struct bytes key)
{
    struct meta_key copy = {.size = key.size};
    struct seq seq;

    if (!check->options->repairs || key.size > sizeof(copy.data)) {
        return;
    }
    memcpy(copy.data, key.data, key.size);
    if (commit_run(&(struct commit_options){.home = check->home,
                                            .durability = DURABILITY_STRICT,
                                            .decide = decide_page_removed,
                                            .arg = &copy},
                   &seq, NULL) == ST_OK) {
        check->summary.repaired_count++;
    }
}

/* Pages that were dropped and wait for the readers of before. */
static bool
pages_are_dropped(struct fsck_check *check, struct bytes key)
{
    struct meta_iterator *iterator = check->iterators[FAMILY_NODE];
    struct write_id id;
    struct meta_key mark;

    if (key.size < WRITE_ID_BYTES) {
        return false;
    }
    memcpy(id.bytes, key.data, WRITE_ID_BYTES);
    meta_key_dropped_pages(&mark, id);
    meta_iterator_seek(iterator, meta_key_bytes(&mark));
    return meta_iterator_is_valid(iterator) &&
           bytes_equal(meta_iterator_key(iterator), meta_key_bytes(&mark));
}

/* Write ids are random and never used again, so a page that nothing names stays an orphan. */
static enum status
pages_check(struct fsck_check *check, struct error *err)
{
    struct meta_iterator *iterator = check->iterators[FAMILY_LAYOUT];
    enum status st = ST_OK;

    for (meta_iterator_seek(iterator, BYTES_NONE); st == ST_OK && meta_iterator_is_valid(iterator);
         meta_iterator_next(iterator)) {
        struct bytes key = meta_iterator_key(iterator);

        if ((key.size < WRITE_ID_BYTES ||
             fsck_tally_find(&check->writes, (const unsigned char *)key.data) == NULL) &&
            !pages_are_dropped(check, key)) {
            char hex[2 * WRITE_ID_BYTES + 1];

            encode_hex(bytes_slice(key, 0, key.size < WRITE_ID_BYTES ? key.size : WRITE_ID_BYTES),
                       hex);
            fsck_found(check, FSCK_PAGE_ORPHAN, "a page of write %s is named by nothing", hex);
            page_repair(check, key);
        }
        st = fsck_step(check, err);
    }
    return st == ST_OK ? meta_iterator_status(iterator, err) : st;
}

enum status
fsck_check_tallies(struct fsck_check *check, struct error *err)
{
    enum status st = chunks_check(check, err);

    if (st == ST_OK) {
        st = packs_check(check, err);
    }
    if (st == ST_OK) {
        st = buckets_check(check, err);
    }
    return st == ST_OK ? pages_check(check, err) : st;
}
