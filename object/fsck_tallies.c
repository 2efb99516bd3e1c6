/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "base/encode.h"
#include "object/bucket_table.h"
#include "object/fsck_home.h"
#include "object/object_internal.h"
#include "store/commit.h"

#include "base/banned.h"

#define COUNTERS_KEY_BYTES 9

/* A family whose records count what others name, and what the check has seen named. */
struct counted_family {
    enum family family;
    struct fsck_tally *tally;
    const char *what;
    const char *unit;
    size_t key_bytes; /* of an id, at the end of the tally's */
    int64_t count_min;
    int64_t *totals; /* sums of the records' numbers, or NULL */
    size_t number_count;
};

/* An id in the form that names of files have. */
static void
counted_name(const struct counted_family *family, const unsigned char id[16], char ret_hex[33])
{
    encode_hex(bytes_of(id + 16 - family->key_bytes, family->key_bytes), ret_hex);
}

static void
count_check(struct fsck_check *check, const struct counted_family *family, struct bytes key,
            struct bytes value)
{
    unsigned char id[16] = {0};
    struct fsck_tally_entry *entry;
    int64_t count;
    char hex[33];

    if (key.size != family->key_bytes || value.size != 8 * family->number_count) {
        fsck_found(check, FSCK_RECORD_UNREADABLE, "the count of a %s is malformed", family->what);
        return;
    }
    memcpy(id + 16 - key.size, key.data, key.size);
    count = (int64_t)decode_u64_be(value.data);
    /* Counted, even if wrongly: its file is no orphan. */
    entry = fsck_tally_at(family->tally, id);
    entry->is_seen = true;
    if (entry->values[0] != count || count < family->count_min) {
        counted_name(family, id, hex);
        fsck_found(check, FSCK_COUNT_WRONG, "%s %s: %lld %s counted, %lld named", family->what, hex,
                   (long long)count, family->unit, (long long)entry->values[0]);
    }
    for (size_t i = 0; family->totals != NULL && i < family->number_count; i++) {
        family->totals[i] += (int64_t)decode_u64_be(value.data + 8 * i);
    }
}

static enum status
counts_check(struct fsck_check *check, const struct counted_family *family, struct error *err)
{
    struct meta_iterator *iterator = check->iterators[family->family];
    enum status st = ST_OK;

    for (meta_iterator_seek(iterator, BYTES_NONE); st == ST_OK && meta_iterator_is_valid(iterator);
         meta_iterator_next(iterator)) {
        count_check(check, family, meta_iterator_key(iterator), meta_iterator_value(iterator));
        st = fsck_step(check, err);
    }
    if (st == ST_OK) {
        st = meta_iterator_status(iterator, err);
    }
    for (size_t i = 0; st == ST_OK && i < family->tally->slot_count; i++) {
        const struct fsck_tally_entry *entry = &family->tally->slots[i];

        if (entry->is_used && !entry->is_seen) {
            char hex[33];

            counted_name(family, entry->id, hex);
            fsck_found(check, FSCK_COUNT_WRONG, "%s %s: named and not counted", family->what, hex);
        }
    }
    return st;
}

static enum status
chunks_check(struct fsck_check *check, struct error *err)
{
    const struct counted_family family = {.family = FAMILY_CHUNK,
                                          .tally = &check->chunks,
                                          .what = "chunk file",
                                          .unit = "times",
                                          .key_bytes = CHUNK_ID_BYTES,
                                          .count_min = 1,
                                          .number_count = 1};

    return counts_check(check, &family, err);
}

/* The value of FAMILY_NODE under key as of the check's moment: as many numbers, zeros where there
 * are none. */
static enum status
numbers_get(struct fsck_check *check, const struct meta_key *key, int64_t *ret_numbers,
            size_t count, struct error *err)
{
    struct meta_iterator *iterator = check->iterators[FAMILY_NODE];

    memset(ret_numbers, 0, count * sizeof(*ret_numbers));
    meta_iterator_seek(iterator, meta_key_bytes(key));
    if (!meta_iterator_is_valid(iterator)) {
        return meta_iterator_status(iterator, err);
    }
    if (bytes_equal(meta_iterator_key(iterator), meta_key_bytes(key))) {
        struct bytes value = meta_iterator_value(iterator);

        for (size_t i = 0; i < count && (i + 1) * 8 <= value.size; i++) {
            ret_numbers[i] = (int64_t)decode_u64_be(value.data + i * 8);
        }
    }
    return ST_OK;
}

static enum status
packs_check(struct fsck_check *check, struct error *err)
{
    const struct counted_family family = {.family = FAMILY_PACK,
                                          .tally = &check->packs,
                                          .what = "pack",
                                          .unit = "live bytes",
                                          .key_bytes = 8,
                                          .totals = check->pack_totals,
                                          .number_count = ARRAY_COUNT(check->pack_totals)};
    int64_t totals[ARRAY_COUNT(check->pack_totals)];
    struct meta_key key;
    enum status st = counts_check(check, &family, err);

    meta_key_node(&key, NODE_PACK_TOTALS);
    if (st == ST_OK) {
        st = numbers_get(check, &key, totals, ARRAY_COUNT(totals), err);
    }
    if (st == ST_OK && memcmp(totals, check->pack_totals, sizeof(totals)) != 0) {
        fsck_found(check, FSCK_COUNT_WRONG,
                   "all packs: totals say %lld live bytes of %lld, the packs' records %lld of %lld",
                   (long long)totals[0], (long long)totals[1], (long long)check->pack_totals[0],
                   (long long)check->pack_totals[1]);
    }
    return st;
}

static enum status
bucket_check(struct fsck_check *check, uint64_t bucket_id, struct error *err)
{
    struct fsck_tally_entry *entry;
    int64_t expected[FSCK_TALLY_VALUES] = {0};
    int64_t counters[4];
    unsigned char id[16];
    struct meta_key key;
    enum status st;

    meta_key_counters(&key, bucket_id);
    st = numbers_get(check, &key, counters, ARRAY_COUNT(counters), err);
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

/* Write ids are random and never used again, so a page that nothing names stays an orphan. */
static enum status
pages_check(struct fsck_check *check, struct error *err)
{
    struct meta_iterator *iterator = check->iterators[FAMILY_LAYOUT];
    enum status st = ST_OK;

    for (meta_iterator_seek(iterator, BYTES_NONE); st == ST_OK && meta_iterator_is_valid(iterator);
         meta_iterator_next(iterator)) {
        struct bytes key = meta_iterator_key(iterator);

        if (key.size < WRITE_ID_BYTES ||
            fsck_tally_find(&check->writes, (const unsigned char *)key.data) == NULL) {
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
