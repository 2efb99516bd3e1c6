/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pin comes first, then the record, then the reader that takes the pin: nothing the record
 * names can go away in between.  Every step says ST_WOULD_WAIT in the no-wait mode; nothing is kept
 * between the two tries.
 */
#include "object/object_get.h"

#include "base/check.h"
#include "meta/meta_key.h"
#include "object/object_get_own.h"
#include "object/object_internal.h"
#include "object/object_key.h"
#include "object/part_table.h"
#include "object/placement_rules.h"
#include "store/extent_cursor.h"
#include "store/layout_reader.h"

#include "base/banned.h"

static enum status
empty_read(struct source *source, enum read_mode mode, char *out, size_t capacity, size_t *ret_size,
           struct error *err)
{
    *ret_size = 0;
    return ST_OK;
}

static void
empty_release(struct source *source)
{
    (void)source;
}

static const struct source_ops EMPTY_OPS = {.read = empty_read, .release = empty_release};
/* One for all: it has no state. */
static struct source empty_source = {&EMPTY_OPS};

struct source *
object_get_empty(void)
{
    return &empty_source;
}

/* SPEC: RFC 9110 section 14.1.2; S3 answers 416 for any range of an empty object. */
enum status
object_get_resolve_range(const struct object_range *range, struct object_get_result *result,
                         struct error *err)
{
    uint64_t size = result->record.size;

    result->offset = 0;
    result->length = size;
    result->is_partial = range->kind != RANGE_NONE;
    switch (range->kind) {
    case RANGE_NONE:
        return ST_OK;
    case RANGE_LAST:
        if (range->last == 0 || size == 0) {
            return fail(err, ST_INVALID_RANGE, "the object has no last %llu bytes",
                        (unsigned long long)range->last);
        }
        result->length = range->last < size ? range->last : size;
        result->offset = size - result->length;
        return ST_OK;
    case RANGE_FROM:
    case RANGE_FROM_TO:
        if (range->from >= size) {
            return fail(err, ST_INVALID_RANGE,
                        "the range begins at %llu and the object has %llu "
                        "bytes",
                        (unsigned long long)range->from, (unsigned long long)size);
        }
        result->offset = range->from;
        result->length = size - range->from;
        if (range->kind == RANGE_FROM_TO) {
            if (range->to < range->from) {
                return fail(err, ST_INVALID_RANGE, "the range ends before it begins");
            }
            if (range->to - range->from < result->length) {
                result->length = range->to - range->from + 1;
            }
        }
        return ST_OK;
    }
    UNREACHABLE("no such kind of range");
}

static enum status
record_read(const struct bucket *bucket, struct home *home,
            const struct object_get_options *options, struct arena *arena,
            struct object_record *ret_record, struct error *err)
{
    struct meta_value value = META_VALUE_INIT;
    struct meta_key key;
    enum status st;

    meta_key_object(&key, bucket->id, options->key);
    st = meta_db_get(home_db(home), FAMILY_OBJECT, meta_key_bytes(&key),
                     options->mode == READ_MAY_WAIT, &value, err);
    if (st == ST_NOT_FOUND) {
        return fail(err, ST_NO_SUCH_KEY, "the key does not exist");
    }
    if (st == ST_OK) {
        st = object_record_decode(arena_copy(arena, value.data), arena, ret_record, err);
    }
    meta_value_release(&value);
    return st;
}

/* Part tables go with their object: none found may mean that the object is another by now. */
static bool
record_is_replaced(const struct bucket *bucket, struct home *home,
                   const struct object_get_options *options, const struct object_record *record)
{
    struct arena arena = ARENA_INIT;
    struct object_record now;
    enum status st = record_read(bucket, home, options, &arena, &now, NULL);
    bool is_replaced = st != ST_OK || seq_compare(now.seq, record->seq) != 0 ||
                       memcmp(&now.layout.write_id, &record->layout.write_id, WRITE_ID_BYTES) != 0;

    arena_release(&arena);
    return is_replaced;
}

enum status
object_get_resolve_part(uint32_t number, const struct part_entry *entry,
                        struct object_get_result *result, struct error *err)
{
    result->offset = 0;
    result->length = result->record.size;
    result->is_partial = true;
    if (result->record.part_count == 0) {
        return number == 1 ? ST_OK
                           : fail_as(err, ST_INVALID_PART, "InvalidPartNumber",
                                     "the object was not uploaded in parts");
    }
    if (entry == NULL) {
        return fail_as(err, ST_INVALID_PART, "InvalidPartNumber", "the object has no part %u",
                       number);
    }
    if (entry->offset > result->record.size || entry->size > result->record.size - entry->offset) {
        return fail(err, ST_CORRUPT, "the part table does not fit the object");
    }
    result->offset = entry->offset;
    result->length = entry->size;
    return ST_OK;
}

static enum status
part_resolve(const struct bucket *bucket, struct home *home,
             const struct object_get_options *options, struct arena *arena,
             struct object_get_result *result, struct error *err)
{
    struct part_entry *entries = NULL;
    size_t count = 0;
    bool is_truncated;
    bool is_found;
    enum status st;

    if (result->record.part_count > 0 && options->mode == READ_NO_WAIT) {
        return fail(err, ST_WOULD_WAIT, "the part table is looked up on a worker");
    }
    if (result->record.part_count > 0) {
        st = part_table_read(home, result->record.layout.write_id, options->part_number - 1, 1,
                             arena, &entries, &count, &is_truncated, err);
        if (st != ST_OK) {
            return st;
        }
    }
    is_found = count != 0 && entries[0].number == options->part_number;
    if (!is_found && result->record.part_count > 0 &&
        record_is_replaced(bucket, home, options, &result->record)) {
        return fail(err, ST_MOVED, "the object was replaced meanwhile");
    }
    return object_get_resolve_part(options->part_number, is_found ? entries : NULL, result, err);
}

static enum status
source_open(const struct bucket *bucket, const struct object_get_options *options,
            struct home_pin *pin, struct object_get_result *result, struct error *err)
{
    char what[80 + OBJECT_KEY_BYTES_MAX];
    size_t name_size = bucket->name.size < 64 ? bucket->name.size : 64;

    if (result->length == 0) {
        result->source = &empty_source;
        return ST_OK;
    }
    memcpy(what, bucket->name.data, name_size);
    what[name_size] = '/';
    memcpy(what + name_size + 1, options->key.data, options->key.size);
    what[name_size + 1 + options->key.size] = '\0';
    return layout_reader_open(
        &(struct layout_reader_options){
            .layout = &result->record.layout,
            .size = result->record.size,
            .offset = result->offset,
            .length = result->length,
            .is_unverified = !bucket->properties.verify_read,
            .what = what,
        },
        options->mode, pin, &result->source, err);
}

/* Looks at one page of extents at a time. */
static enum status
count_chunks(struct home *home, enum read_mode mode, struct object_get_result *result,
             struct error *err)
{
    const struct object_record *record = &result->record;
    struct extent_cursor cursor;
    uint64_t position = 0;
    enum status st = ST_OK;

    if (!record->is_chunked) {
        return ST_OK;
    }
    extent_cursor_init(&cursor, home, &record->layout, record->stored_size);
    while (position < record->stored_size && st == ST_OK) {
        const struct extent *extent;
        uint64_t start;
        bool is_new;

        st = extent_cursor_seek(&cursor, position, mode, &extent, &start, &is_new, err);
        if (st == ST_OK) {
            result->chunk_count++;
            if (extent->length > result->chunk_bytes) {
                result->chunk_bytes = extent->length;
            }
            position = start + extent->length;
        }
    }
    extent_cursor_release(&cursor);
    return st;
}

/* Everything behind the record. */
static enum status
get_pinned(const struct bucket *bucket, const struct object_get_options *options,
           struct home_pin *pin, struct arena *arena, struct object_get_result *ret_result,
           struct error *err)
{
    struct object_get_result *result = ret_result;
    enum status st;

    result->offset = 0;
    result->length = 0;
    result->is_partial = false;
    result->chunk_count = 0;
    result->chunk_bytes = 0;
    st = object_conditions_check_read(&options->conditions, &result->record, err);
    if (st != ST_OK) {
        return st;
    }
    st = options->part_number != 0 ? part_resolve(bucket, pin->home, options, arena, result, err)
                                   : object_get_resolve_range(&options->range, result, err);
    if (st == ST_OK && options->counts_chunks) {
        st = count_chunks(pin->home, options->mode, result, err);
    }
    if (st != ST_OK || options->is_head) {
        return st;
    }
    return source_open(bucket, options, pin, result, err);
}

static enum status
pin_and_read(const struct bucket *bucket, struct home *home,
             const struct object_get_options *options, struct arena *arena,
             struct home_pin *ret_pin, struct object_record *ret_record, struct error *err)
{
    enum status st = home_require_readable(home, err);

    if (st == ST_OK) {
        *ret_pin = home_pin(home);
        st = record_read(bucket, home, options, arena, ret_record, err);
    }
    return st;
}

/* The placement is unfinished: former homes first, because a move publishes at the home before it
 * removes; then the greatest seq counts. */
static enum status
ask_all(const struct bucket *bucket, const struct key_homes *homes,
        const struct object_get_options *options, struct arena *arena, struct home_pin *ret_pin,
        struct object_record *ret_record, struct error *err)
{
    size_t count = homes->former_count + 1;
    struct placement_holding *holdings = arena_calloc(arena, count, sizeof(*holdings));
    struct object_record *records = arena_calloc(arena, count, sizeof(*records));
    struct home_pin *pins = arena_calloc(arena, count, sizeof(*pins));
    enum status st = ST_OK;
    size_t chosen;

    for (size_t i = count; i > 0 && st == ST_OK; i--) { /* the home is the first, and asked last */
        struct home *home = i == 1 ? homes->home : homes->formers[i - 2];

        st = pin_and_read(bucket, home, options, arena, &pins[i - 1], &records[i - 1], err);
        holdings[i - 1].has_record = st == ST_OK;
        holdings[i - 1].record_seq = records[i - 1].seq;
        st = st == ST_NO_SUCH_KEY ? ST_OK : st;
    }
    chosen = placement_choose(holdings, count);
    if (st == ST_OK && !placement_shows_record(holdings, chosen)) {
        st = fail(err, ST_NO_SUCH_KEY, "the key does not exist");
    }
    if (st == ST_OK) {
        *ret_pin = pins[chosen];
        *ret_record = records[chosen];
        pins[chosen].home = NULL;
    }
    for (size_t i = 0; i < count; i++) {
        home_unpin(&pins[i]);
    }
    return st;
}

enum status
object_get_find(const struct bucket *bucket, const struct object_get_options *options,
                struct arena *arena, struct home_pin *ret_pin, struct object_record *ret_record,
                struct error *err)
{
    struct store *store = bucket->store->store;
    struct key_homes homes;
    enum status st;

    if (options->mode == READ_MAY_WAIT) {
        store_enter(store);
    } else if (!store_try_enter(store)) {
        return fail(err, ST_WOULD_WAIT, "mountpaths are changing");
    }
    store_homes_of(store, bucket->id, options->key, &homes);
    if (homes.former_count == 0) {
        st = pin_and_read(bucket, homes.home, options, arena, ret_pin, ret_record, err);
    } else if (options->mode == READ_NO_WAIT) {
        st = fail(err, ST_WOULD_WAIT, "former homes are asked first");
    } else {
        st = ask_all(bucket, &homes, options, arena, ret_pin, ret_record, err);
    }
    store_leave(store);
    return st;
}

/* What stands here. */
static enum status
get_own(const struct bucket *bucket, const struct object_get_options *options, struct arena *arena,
        struct object_get_result *ret_result, struct error *err)
{
    struct home_pin pin = {.home = NULL};
    enum status st = object_get_find(bucket, options, arena, &pin, &ret_result->record, err);

    if (st == ST_OK) {
        st = get_pinned(bucket, options, &pin, arena, ret_result, err);
    }
    home_unpin(&pin); /* unless the source took it */
    return st == ST_MOVED ? fail(err, ST_CONFLICT, "the object was replaced meanwhile") : st;
}

/* ST_CONFLICT: again.  ST_MOVED: the key is another node's. */
static enum status
get_claimed(const struct bucket *bucket, const struct object_get_options *options,
            struct arena *arena, struct object_get_result *ret_result, struct error *err)
{
    struct key_far far = {.map = NULL};
    struct key_claim claim;
    enum status st = key_claim_admit(bucket, options->key, options->mode, &claim, err);

    ret_result->source = NULL;
    ret_result->far_parts = NULL;
    if (st == ST_OK && key_claim_must_ask(&claim)) {
        st = options->mode == READ_NO_WAIT
                 ? fail(err, ST_WOULD_WAIT, "former owners are asked")
                 : key_settle_read(&claim, bucket, options->key, arena, &far, err);
        if (st == ST_MOVED) {
            return fail(err, ST_CONFLICT, "the map changed while a key was read");
        }
    }
    if (st != ST_OK) {
        return st;
    }
    st = far.map != NULL ? object_get_relay(bucket, options, &far, arena, ret_result, err)
                         : get_own(bucket, options, arena, ret_result, err);
    key_far_release(&far);
    if (st != ST_WOULD_WAIT && key_claim_check(&claim, NULL) != ST_OK) {
        source_release(&ret_result->source);
        st = options->mode == READ_NO_WAIT
                 ? fail(err, ST_WOULD_WAIT, "the map changed while a key was read")
                 : fail(err, ST_CONFLICT, "the map changed while a key was read");
    }
    return st;
}

enum status
object_get(const struct bucket *bucket, const struct object_get_options *options,
           struct arena *arena, struct object_get_result *ret_result, struct error *err)
{
    enum status st = object_key_check(options->key, err);

    if (st != ST_OK) {
        return st;
    }
    if (options->part_number != 0 && options->range.kind != RANGE_NONE) {
        return fail_as(err, ST_INVALID, "InvalidRequest",
                       "Cannot specify both Range header and partNumber query parameter");
    }
    do {
        st = get_claimed(bucket, options, arena, ret_result, err);
    } while (st == ST_CONFLICT); /* on a worker only; each time another write or a move succeeded */
    return st;
}

/* The table lies in the object's home, which only its key would tell: each home is asked. */
static enum status
parts_find(struct store *store, struct write_id id, uint32_t after, size_t count_max,
           struct arena *arena, struct part_entry **ret_entries, size_t *ret_count,
           bool *ret_is_truncated, struct error *err)
{
    size_t home_count = store_home_count(store);
    enum status st = ST_OK;

    *ret_count = 0;
    *ret_is_truncated = false;
    /* Twice: it may move to a home that was asked already. */
    for (size_t i = 0; i < 2 * home_count && st == ST_OK && *ret_count == 0; i++) {
        struct home *home = store_home_at(store, i % home_count);

        if (home_is_holder(home) && home_hold(home)) {
            st = part_table_read(home, id, after, count_max, arena, ret_entries, ret_count,
                                 ret_is_truncated, err);
            home_unhold(home);
        }
    }
    return st;
}

/* Of a table that came as a whole. */
static void
parts_page(const struct object_get_result *found, uint32_t after, size_t count_max,
           struct arena *arena, struct part_entry **ret_entries, size_t *ret_count,
           bool *ret_is_truncated)
{
    struct part_entry *entries = arena_calloc(arena, count_max, sizeof(*entries));
    size_t count = 0;

    *ret_is_truncated = false;
    for (uint32_t i = 0; i < found->record.part_count && !*ret_is_truncated; i++) {
        if (found->far_parts[i].number > after) {
            if (count == count_max) {
                *ret_is_truncated = true;
            } else {
                entries[count++] = found->far_parts[i];
            }
        }
    }
    *ret_entries = entries;
    *ret_count = count;
}

enum status
object_get_parts(const struct bucket *bucket, const struct object_get_result *found, uint32_t after,
                 size_t count_max, struct arena *arena, struct part_entry **ret_entries,
                 size_t *ret_count, bool *ret_is_truncated, struct error *err)
{
    const struct object_record *record = &found->record;
    struct part_entry *entries = NULL;
    size_t count = 0;
    bool is_truncated = false;
    enum status st = ST_OK;

    assert_on_worker();
    if (found->far_parts != NULL && count_max > 0) {
        parts_page(found, after, count_max, arena, &entries, &count, &is_truncated);
    } else if (record->part_count > 0 && count_max > 0) {
        st = parts_find(bucket->store->store, record->layout.write_id, after, count_max, arena,
                        &entries, &count, &is_truncated, err);
    }
    if (st == ST_OK && record->part_count > 0 && after == 0 && count == 0 && count_max > 0) {
        st = fail(err, ST_NO_SUCH_KEY, "the object was replaced or deleted meanwhile");
    }
    if (st == ST_OK) {
        *ret_entries = entries;
        *ret_count = count;
        *ret_is_truncated = is_truncated;
    }
    return st;
}
