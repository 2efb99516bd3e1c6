/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/check.h"
#include "base/encode.h"
#include "meta/former_record.h"
#include "object/fsck_home.h"
#include "object/object_internal.h"
#include "store/layout_walk.h"
#include "store/pack_format.h"

#include "base/banned.h"

/* In the key of a version behind the name: 0x00 and the inverted seq. */
#define VERSION_TAIL_BYTES 17

struct naming_walk {
    struct layout_walk walk;
    struct fsck_check *check;
    uint64_t length; /* of all extents */
};

/* A page as of the check's moment. */
static enum status
page_get(struct layout_walk *walk, struct bytes key, struct bytes *ret_value, struct error *err)
{
    struct naming_walk *naming = CONTAINER_OF(struct naming_walk, walk, walk);
    struct meta_iterator *iterator = naming->check->iterators[FAMILY_LAYOUT];

    meta_iterator_seek(iterator, key);
    if (!meta_iterator_is_valid(iterator)) {
        enum status st = meta_iterator_status(iterator, err);

        return st == ST_OK ? fail(err, ST_NOT_FOUND, "no such page") : st;
    }
    if (!bytes_equal(meta_iterator_key(iterator), key)) {
        return fail(err, ST_NOT_FOUND, "no such page");
    }
    (void)fsck_tally_at(&naming->check->writes, (const unsigned char *)key.data);
    *ret_value = arena_copy(walk->arena, meta_iterator_value(iterator));
    return ST_OK;
}

static enum status
extent_count(struct layout_walk *walk, const struct extent *extent, struct error *err)
{
    struct naming_walk *naming = CONTAINER_OF(struct naming_walk, walk, walk);
    unsigned char id[16];

    naming->length += extent->length;
    if (extent->kind == EXTENT_CHUNK) {
        fsck_tally_at(&naming->check->chunks, extent->chunk_id.bytes)->values[0]++;
    } else {
        fsck_tally_number(extent->pack_id, id);
        fsck_tally_at(&naming->check->packs, id)->values[0] += pack_live_bytes(extent);
    }
    return ST_OK;
}

/* Adds up what the layout names, then looks at the bytes. */
static enum status
layout_check(struct fsck_check *check, enum family family, struct bytes key, struct bytes value,
             const struct layout *layout, uint64_t size, const char *what, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct error local = ERROR_INIT;
    struct naming_walk naming = {.walk = {.get = page_get, .visit = extent_count, .arena = &arena},
                                 .check = check};
    uint64_t length;
    enum status st = layout_walk(&naming.walk, layout, &local);

    arena_release(&arena);
    if (st != ST_OK && st != ST_CORRUPT) {
        return fail(err, st, "%s", local.text);
    }
    if (st == ST_CORRUPT) {
        fsck_found(check, FSCK_BYTES_MISSING, "%s: %s", what, local.text);
        return ST_OK;
    }
    length = layout->kind == LAYOUT_INLINE ? layout->inline_data.size : naming.length;
    if (length != size) {
        fsck_found(check, FSCK_BYTES_MISSING, "%s: %llu bytes are named, the size is %llu", what,
                   (unsigned long long)length, (unsigned long long)size);
        return ST_OK;
    }
    return fsck_check_bytes(check, family, key, value, layout, size, what, err);
}

/* One page of those that were dropped: what it names is counted until the page is gone. */
static enum status
dropped_page_count(struct fsck_check *check, struct bytes value, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct error local = ERROR_INIT;
    struct naming_walk naming = {.walk = {.get = page_get, .visit = extent_count, .arena = &arena},
                                 .check = check};
    struct layout layout = {.kind = LAYOUT_EXTENTS};
    enum status st = extent_page_decode(arena_copy(&arena, value), &arena, &layout.extents,
                                        &layout.extent_count, &local);

    if (st == ST_OK) {
        st = layout_walk(&naming.walk, &layout, &local);
    }
    arena_release(&arena);
    if (st == ST_CORRUPT) {
        fsck_found(check, FSCK_RECORD_UNREADABLE, "a page of dropped extents: %s", local.text);
        return ST_OK;
    }
    return st == ST_OK ? ST_OK : fail(err, st, "%s", local.text);
}

static enum status
dropped_pages_count(struct fsck_check *check, struct write_id id, struct error *err)
{
    struct meta_iterator *iterator = check->iterators[FAMILY_LAYOUT];
    struct meta_key prefix;
    struct meta_key at;
    enum status st = ST_OK;

    (void)fsck_tally_at(&check->writes, id.bytes);
    meta_key_extent_page(&at, id, 0);
    prefix = at;
    prefix.size -= 8; /* without the offset */
    for (;;) {
        struct bytes key;

        meta_iterator_seek(iterator, meta_key_bytes(&at));
        if (st != ST_OK || !meta_iterator_is_valid(iterator)) {
            break;
        }
        key = meta_iterator_key(iterator);
        if (!bytes_has_prefix(key, meta_key_bytes(&prefix)) || key.size >= sizeof(at.data)) {
            break;
        }
        memcpy(at.data, key.data, key.size); /* the walk moves the iterator */
        at.size = key.size;
        at.data[at.size++] = 0;
        st = dropped_page_count(check, meta_iterator_value(iterator), err);
    }
    return st == ST_OK ? meta_iterator_status(iterator, err) : st;
}

/* Pages that were dropped and wait for the readers of before. */
static enum status
all_dropped_count(struct fsck_check *check, struct error *err)
{
    const struct write_id zero = {{0}};
    struct meta_iterator *iterator = check->iterators[FAMILY_NODE];
    struct meta_key first;
    enum status st = ST_OK;

    meta_key_dropped_pages(&first, zero);
    for (meta_iterator_seek(iterator, meta_key_bytes(&first));
         st == ST_OK && meta_iterator_is_valid(iterator); meta_iterator_next(iterator)) {
        struct write_id id;

        if (meta_key_parse_dropped_pages(meta_iterator_key(iterator), &id) != ST_OK) {
            break;
        }
        st = dropped_pages_count(check, id, err);
    }
    return st == ST_OK ? meta_iterator_status(iterator, err) : st;
}

static void
what_format(char *out, size_t size, const char *kind, uint64_t bucket_id, struct bytes name)
{
    struct bytes shown = {name.data, name.size < 200 ? name.size : 200};

    snprintf(out, size, "%s of bucket id %llu, key \"%.*s\"", kind, (unsigned long long)bucket_id,
             BYTES_ARGS(shown));
}

static void
bucket_require_known(struct fsck_check *check, uint64_t bucket_id, const char *what)
{
    unsigned char id[16];

    fsck_tally_number(bucket_id, id);
    if (check->knows_buckets && fsck_tally_find(&check->known, id) == NULL) {
        fsck_found(check, FSCK_RECORD_ORPHAN, "%s: there is no such bucket", what);
    }
}

/* With every placement finished, a record in another home than its key's is never found again. */
static void
require_own_home(struct fsck_check *check, enum family family, struct bytes key, uint64_t bucket_id,
                 struct bytes name, const char *what)
{
    struct store *store = check->store->store;
    struct meta_value value = META_VALUE_INIT;

    store_enter(store);
    if (!store_is_unfinished(store) && store_home_of(store, bucket_id, name) != check->home &&
        /* It may have moved since the check's moment. */
        meta_db_get(home_db(check->home), family, key, true, &value, NULL) == ST_OK) {
        fsck_found(check, FSCK_RECORD_MISPLACED, "%s", what);
    }
    store_leave(store);
    meta_value_release(&value);
}

static enum status
object_check(struct fsck_check *check, struct bytes key, struct bytes value, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct error local = ERROR_INIT;
    struct object_record record;
    struct fsck_tally_entry *bucket;
    unsigned char id[16];
    uint64_t bucket_id = 0;
    struct bytes name = BYTES_NONE;
    char what[320];
    enum status st = meta_key_parse_object(key, &bucket_id, &name);

    what_format(what, sizeof(what), "object", bucket_id, name);
    if (st == ST_OK) {
        st = object_record_decode(value, &arena, &record, &local);
    }
    if (st != ST_OK) {
        fsck_found(check, FSCK_RECORD_UNREADABLE, "%s: %s", what, local.text);
        st = ST_OK;
        goto out;
    }
    check->summary.object_count++;
    bucket_require_known(check, bucket_id, what);
    require_own_home(check, FAMILY_OBJECT, key, bucket_id, name, what);
    fsck_tally_number(bucket_id, id);
    bucket = fsck_tally_at(&check->buckets, id);
    bucket->values[0]++;
    bucket->values[1] += (int64_t)record.size;
    bucket->values[2] += (int64_t)record.stored_size;
    if (record.part_count > 0) {
        (void)fsck_tally_at(&check->writes, record.layout.write_id.bytes);
    }
    st = layout_check(check, FAMILY_OBJECT, key, value, &record.layout, record.size, what, err);
out:
    arena_release(&arena);
    return st;
}

/* A noncurrent version: nothing of this release writes them, but what they name is not free. */
static enum status
version_check(struct fsck_check *check, struct bytes key, struct bytes value, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct error local = ERROR_INIT;
    struct object_record record;
    uint64_t bucket_id = 0;
    struct bytes name = BYTES_NONE;
    size_t end = key.size > VERSION_TAIL_BYTES ? key.size - VERSION_TAIL_BYTES : 0;
    char what[320];
    enum status st = meta_key_parse_object(bytes_slice(key, 0, end), &bucket_id, &name);

    what_format(what, sizeof(what), "version", bucket_id, name);
    if (st == ST_OK) {
        st = object_record_decode(value, &arena, &record, &local);
    }
    if (st != ST_OK) {
        fsck_found(check, FSCK_RECORD_UNREADABLE, "%s: %s", what, local.text);
        arena_release(&arena);
        return ST_OK;
    }
    bucket_require_known(check, bucket_id, what);
    require_own_home(check, FAMILY_VERSION, key, bucket_id, name, what);
    if (record.part_count > 0) {
        (void)fsck_tally_at(&check->writes, record.layout.write_id.bytes);
    }
    st = layout_check(check, FAMILY_VERSION, key, value, &record.layout, record.size, what, err);
    arena_release(&arena);
    return st;
}

/* A mark of a placement between targets.  Its bucket may be gone: the end of the placement drops
 * it. */
static enum status
mark_check(struct fsck_check *check, struct bytes key, struct bytes value, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct error local = ERROR_INIT;
    struct former_record mark;
    uint64_t bucket_id = 0;
    struct bytes name = BYTES_NONE;
    char what[320];
    enum status st = meta_key_parse_object(key, &bucket_id, &name);

    (void)err;
    what_format(what, sizeof(what), "mark", bucket_id, name);
    if (st == ST_OK) {
        st = former_record_decode(value, &arena, &mark, &local);
    }
    if (st != ST_OK) {
        fsck_found(check, FSCK_RECORD_UNREADABLE, "%s: %s", what, local.text);
    } else {
        require_own_home(check, FAMILY_FORMER, key, bucket_id, name, what);
    }
    arena_release(&arena);
    return ST_OK;
}

typedef enum status record_check_fn(struct fsck_check *check, struct bytes key, struct bytes value,
                                    struct error *err);

static enum status
family_check(struct fsck_check *check, enum family family, record_check_fn *look, struct error *err)
{
    struct meta_iterator *iterator = check->iterators[family];
    enum status st = ST_OK;

    for (meta_iterator_seek(iterator, BYTES_NONE); st == ST_OK && meta_iterator_is_valid(iterator);
         meta_iterator_next(iterator)) {
        st = look(check, meta_iterator_key(iterator), meta_iterator_value(iterator), err);
        if (st == ST_OK) {
            st = fsck_step(check, err);
        }
    }
    return st == ST_OK ? meta_iterator_status(iterator, err) : st;
}

/* The upload that the parts behind it belong to. */
struct upload_place {
    struct meta_key key; /* size 0: none yet */
};

/* Of an upload that moves to another home the parts go last. */
static bool
is_moving_away(struct fsck_check *check, uint64_t bucket_id, struct bytes name)
{
    struct store *store = check->store->store;
    bool is_moving;

    store_enter(store);
    is_moving = store_is_unfinished(store) && store_home_of(store, bucket_id, name) != check->home;
    store_leave(store);
    return is_moving;
}

static enum status
upload_check(struct fsck_check *check, struct upload_place *place, struct bytes key,
             struct bytes value, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct error local = ERROR_INIT;
    struct upload_record upload;
    struct part_record part;
    struct upload_id id;
    uint64_t bucket_id = 0;
    uint32_t number = 0;
    struct bytes name = BYTES_NONE;
    char what[320];
    enum status st = meta_key_parse_upload(key, &bucket_id, &name, &id, &number);

    what_format(what, sizeof(what), number == 0 ? "upload" : "part", bucket_id, name);
    if (st == ST_OK) {
        st = number == 0 ? upload_record_decode(value, &arena, &upload, &local)
                         : part_record_decode(value, &arena, &part, &local);
    }
    if (st != ST_OK) {
        fsck_found(check, FSCK_RECORD_UNREADABLE, "%s: %s", what, local.text);
        st = ST_OK;
    } else if (number == 0) {
        check->summary.upload_count++;
        bucket_require_known(check, bucket_id, what);
        require_own_home(check, FAMILY_UPLOAD, key, bucket_id, name, what);
        memcpy(place->key.data, key.data, key.size);
        place->key.size = key.size;
    } else {
        if ((place->key.size == 0 || !bytes_has_prefix(key, meta_key_bytes(&place->key))) &&
            !is_moving_away(check, bucket_id, name)) {
            fsck_found(check, FSCK_PAGE_ORPHAN, "%s: its upload is not there", what);
        }
        st = layout_check(check, FAMILY_UPLOAD, key, value, &part.layout, part.size, what, err);
    }
    arena_release(&arena);
    return st;
}

enum status
fsck_check_records(struct fsck_check *check, struct error *err)
{
    struct meta_iterator *uploads = check->iterators[FAMILY_UPLOAD];
    struct upload_place place = {.key = {.size = 0}};
    enum status st = family_check(check, FAMILY_OBJECT, object_check, err);

    if (st == ST_OK) {
        st = family_check(check, FAMILY_VERSION, version_check, err);
    }
    if (st == ST_OK) {
        st = family_check(check, FAMILY_FORMER, mark_check, err);
    }
    if (st == ST_OK) {
        st = all_dropped_count(check, err);
    }
    if (st != ST_OK) {
        return st;
    }
    for (meta_iterator_seek(uploads, BYTES_NONE); st == ST_OK && meta_iterator_is_valid(uploads);
         meta_iterator_next(uploads)) {
        st = upload_check(check, &place, meta_iterator_key(uploads), meta_iterator_value(uploads),
                          err);
        if (st == ST_OK) {
            st = fsck_step(check, err);
        }
    }
    return st == ST_OK ? meta_iterator_status(uploads, err) : st;
}
