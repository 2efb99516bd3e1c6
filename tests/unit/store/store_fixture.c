/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store/store_fixture.h"

#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "meta/meta_key.h"

#include "base/banned.h"

static char paths[1 + FIXTURE_MOUNTPATH_MAX][512];
static const char *mountpaths[FIXTURE_MOUNTPATH_MAX];

void
fixture_options(struct store_options *options, size_t count)
{
    CHECK(count <= FIXTURE_MOUNTPATH_MAX);
    store_options_init(options);
    snprintf(paths[0], sizeof(paths[0]), "%s/data", test_directory());
    for (size_t i = 0; i < count; i++) {
        snprintf(paths[i + 1], sizeof(paths[i + 1]), "%s/mp%zu", test_directory(), i + 1);
        mountpaths[i] = paths[i + 1];
    }
    options->data_directory = paths[0];
    options->mountpaths = mountpaths;
    options->mountpath_count = count;
    options->cache_bytes = (size_t)32 << 20;
    options->write_buffer_bytes = (size_t)32 << 20;
    options->free_floor_bytes = (uint64_t)16 << 20;
    options->pack_bytes = (uint64_t)4 << 20;
    options->lazy_sync_interval_ms = 20;
}

struct store *
fixture_open(const struct store_options *options)
{
    struct store *store = NULL;
    struct error err = ERROR_INIT;

    EXPECT_OK(store_open(options, &store, &err), &err);
    return store;
}

struct store *
fixture_open_simple(size_t mountpath_count)
{
    struct store_options options;

    fixture_options(&options, mountpath_count);
    return fixture_open(&options);
}

/* What decide needs; the shape of a real operation. */
struct put_operation {
    const struct fixture_put *put;
    struct layout_writer *writer; /* NULL: delete */
    struct layout layout;
    int64_t created_ns;
};

static enum status
decide_put(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct put_operation *operation = arg;
    const struct fixture_put *put = operation->put;
    struct bucket_counters delta = {1, 0, (int64_t)put->data.size, (int64_t)put->data.size};
    struct object_record record;
    struct object_record old;
    struct bytes value;
    struct buffer encoded = BUFFER_INIT;
    struct meta_key key;
    enum status st;

    meta_key_object(&key, FIXTURE_BUCKET, bytes_of_string(put->key));
    st = commit_view_get(view, FAMILY_OBJECT, meta_key_bytes(&key), &value, err);
    if (st == ST_OK) {
        st = object_record_decode(value, commit_arena(commit), &old, err);
        if (st != ST_OK) {
            return st;
        }
        if (put->must_be_absent ||
            (put->if_match != NULL && !bytes_equal_string(old.etag, put->if_match))) {
            return fail(err, ST_PRECONDITION, "a precondition does not hold");
        }
        st = commit_drop_layout(commit, view, &old.layout, err);
        delta.object_count--;
        delta.logical_bytes -= (int64_t)old.size;
        delta.stored_bytes -= (int64_t)old.size;
    } else if (st == ST_NOT_FOUND) {
        st = operation->writer == NULL ? ST_NO_SUCH_KEY
             : put->if_match != NULL   ? ST_PRECONDITION
                                       : ST_OK;
    }
    if (st != ST_OK) {
        return st;
    }
    if (operation->writer == NULL) {
        delta.object_count--;
        commit_delete(commit, FAMILY_OBJECT, meta_key_bytes(&key));
        commit_count(commit, FIXTURE_BUCKET, &delta);
        return ST_OK;
    }
    layout_writer_put_pages(operation->writer, commit);
    st = commit_name_layout(commit, view, &operation->layout, false, err);
    memset(&record, 0, sizeof(record));
    record.created_ns = operation->created_ns;
    record.size = record.stored_size = put->data.size;
    record.etag = bytes_of_string(put->etag != NULL ? put->etag : "e");
    record.layout = operation->layout;
    object_record_encode(&record, &encoded);
    commit_put_record(commit, FAMILY_OBJECT, meta_key_bytes(&key), buffer_bytes(&encoded));
    commit_count(commit, FIXTURE_BUCKET, &delta);
    buffer_release(&encoded);
    return st;
}

static enum status
write_all(struct layout_writer *writer, const struct fixture_put *put, struct error *err)
{
    struct bytes rest = put->data;
    size_t piece = put->piece_bytes != 0 ? put->piece_bytes : rest.size;
    enum status st = ST_OK;

    while (rest.size > 0 && st == ST_OK) {
        size_t size = rest.size < piece ? rest.size : piece;

        st = layout_writer_write(writer, bytes_slice(rest, 0, size), err);
        rest = bytes_slice(rest, size, rest.size);
    }
    return st;
}

enum status
fixture_put_with(struct store *store, const struct fixture_put *put, struct seq *ret_seq,
                 struct error *err)
{
    struct home *home = store_home_of(store, FIXTURE_BUCKET, bytes_of_string(put->key));
    struct layout_writer_options options = {
        .home = home,
        .bucket_id = FIXTURE_BUCKET,
        .key = bytes_of_string(put->key),
        .chunk_bytes = put->chunk_bytes,
        .chunk_spread = put->chunk_spread,
        .durability = put->durability,
        .size = put->piece_bytes != 0 ? LAYOUT_SIZE_UNKNOWN : put->data.size,
    };
    struct put_operation operation = {.put = put, .created_ns = clock_wall_ns()};
    struct commit_options commit = {
        .home = home, .durability = put->durability, .decide = decide_put, .arg = &operation};
    struct arena arena = ARENA_INIT;
    enum status st = layout_writer_create(&options, &operation.writer, err);

    if (st != ST_OK) {
        return st;
    }
    st = write_all(operation.writer, put, err);
    if (st == ST_OK) {
        st = layout_writer_finish(operation.writer, &arena, &operation.layout, err);
    }
    if (st == ST_OK) {
        commit.writer = operation.writer;
        st = commit_run(&commit, ret_seq, err);
        if (st == ST_OK || st == ST_UNAVAILABLE) {
            layout_writer_disown(operation.writer);
        }
    }
    layout_writer_destroy(&operation.writer);
    arena_release(&arena);
    return st;
}

enum status
fixture_put(struct store *store, const char *key, struct bytes data, struct error *err)
{
    struct fixture_put put = {.key = key, .data = data};

    return fixture_put_with(store, &put, NULL, err);
}

enum status
fixture_delete(struct store *store, const char *key, struct error *err)
{
    struct fixture_put put = {.key = key};
    struct put_operation operation = {.put = &put};
    struct commit_options commit = {.home =
                                        store_home_of(store, FIXTURE_BUCKET, bytes_of_string(key)),
                                    .decide = decide_put,
                                    .arg = &operation};

    return commit_run(&commit, NULL, err);
}

enum status
fixture_head(struct store *store, const char *key, struct arena *arena,
             struct object_record *ret_record, struct error *err)
{
    struct home *home = store_home_of(store, FIXTURE_BUCKET, bytes_of_string(key));
    struct meta_value value = META_VALUE_INIT;
    struct meta_key record_key;
    enum status st = home_require_readable(home, err);

    if (st != ST_OK) {
        return st;
    }
    meta_key_object(&record_key, FIXTURE_BUCKET, bytes_of_string(key));
    st = meta_db_get(home_db(home), FAMILY_OBJECT, meta_key_bytes(&record_key), true, &value, err);
    if (st == ST_OK) {
        st = object_record_decode(arena_copy(arena, value.data), arena, ret_record, err);
    }
    meta_value_release(&value);
    return st == ST_NOT_FOUND ? ST_NO_SUCH_KEY : st;
}

enum status
fixture_get_range(struct store *store, const char *key, uint64_t offset, uint64_t length,
                  enum read_mode mode, struct buffer *ret_content, struct error *err)
{
    struct home *home = store_home_of(store, FIXTURE_BUCKET, bytes_of_string(key));
    struct home_pin pin = home_pin(home);
    struct arena arena = ARENA_INIT;
    struct object_record record;
    struct source *source = NULL;
    struct buffer content = BUFFER_INIT;
    size_t size = 1;
    enum status st = fixture_head(store, key, &arena, &record, err);

    if (st == ST_OK) {
        struct layout_reader_options options = {
            .layout = &record.layout,
            .size = record.size,
            .offset = offset < record.size ? offset : record.size,
            .what = key,
        };

        options.length =
            length < record.size - options.offset ? length : record.size - options.offset;
        st = layout_reader_open(&options, mode, &pin, &source, err);
    }
    while (st == ST_OK && size > 0) {
        char *out = buffer_reserve(&content, (size_t)256 << 10);

        st = source_read(source, mode, out, (size_t)256 << 10, &size, err);
        content.size += st == ST_OK ? size : 0;
    }
    source_release(&source);
    home_unpin(&pin);
    arena_release(&arena);
    if (st == ST_OK) {
        *ret_content = content;
    } else {
        buffer_release(&content);
    }
    return st;
}

enum status
fixture_get(struct store *store, const char *key, struct buffer *ret_content, struct error *err)
{
    return fixture_get_range(store, key, 0, UINT64_MAX, READ_MAY_WAIT, ret_content, err);
}

struct buffer
fixture_bytes(uint64_t seed, size_t size)
{
    struct prng prng = prng_init(seed);
    struct buffer buffer = BUFFER_INIT;

    prng_fill(&prng, buffer_reserve(&buffer, size > 0 ? size : 1), size);
    buffer.size = size;
    return buffer;
}

void
fixture_expect(struct store *store, const char *key, struct bytes expected)
{
    struct buffer content = BUFFER_INIT;
    struct error err = ERROR_INIT;

    EXPECT_OK(fixture_get(store, key, &content, &err), &err);
    EXPECT_INT(expected.size, content.size);
    EXPECT(expected.size == 0 || memcmp(expected.data, content.data, expected.size) == 0);
    buffer_release(&content);
}

void
fixture_expect_absent(struct store *store, const char *key)
{
    struct buffer content = BUFFER_INIT;

    EXPECT_STATUS(ST_NO_SUCH_KEY, fixture_get(store, key, &content, NULL));
}
