/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that several records name, and bytes that belong to parts of an upload. */
#include <ftw.h>
#include <stdio.h>
#include <time.h>

#include "base/check.h"
#include "meta/meta_key.h"
#include "meta/upload_record.h"

#include "tests/unit/store/store_fixture.h"

#include "base/banned.h"

#define OBJECT_BYTES 1000000
#define PART_BYTES 50000

static uint64_t chunk_count;

static int
count_chunk(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    chunk_count += kind == FTW_F && strstr(path, "/chunks/") != NULL;
    return 0;
}

/* Until upkeep has freed all but `expected` files; bounded. */
static bool
wait_for_chunks(uint64_t expected)
{
    struct timespec pause = {0, 10000000};

    for (int i = 0; i < 1000; i++) {
        chunk_count = 0;
        nftw(test_directory(), count_chunk, 16, FTW_PHYS);
        if (chunk_count == expected) {
            return true;
        }
        nanosleep(&pause, NULL);
    }
    return false;
}

struct copy_operation {
    struct layout layout; /* of the source, as the worker saw it */
    const char *destination;
};

static enum status
decide_copy(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    const struct copy_operation *copy = arg;
    struct object_record record;
    struct buffer encoded = BUFFER_INIT;
    struct meta_key key;
    enum status st = commit_name_layout(commit, view, &copy->layout, true, err);

    memset(&record, 0, sizeof(record));
    record.size = record.stored_size = OBJECT_BYTES;
    record.layout = copy->layout;
    object_record_encode(&record, &encoded);
    meta_key_object(&key, FIXTURE_BUCKET, bytes_of_string(copy->destination));
    commit_put_record(commit, FAMILY_OBJECT, meta_key_bytes(&key), buffer_bytes(&encoded));
    buffer_release(&encoded);
    return st;
}

/* SPEC: copy inside one home shares chunk files; a count that reached zero is never revived. */
TEST(shared_chunk_files_live_until_the_last_record_drops_them)
{
    struct store *store = fixture_open_simple(1);
    struct buffer data = fixture_bytes(1, OBJECT_BYTES);
    struct fixture_put put = {.key = "a",
                              .data = buffer_bytes(&data),
                              .chunk_bytes = OBJECT_BYTES / 2,
                              .durability = DURABILITY_NONE};
    struct copy_operation copy = {.destination = "b"};
    struct commit_options options = {
        .home = store_home_at(store, 0), .decide = decide_copy, .arg = &copy};
    struct object_record record;
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;

    EXPECT_OK(fixture_put_with(store, &put, NULL, &err), &err);
    EXPECT_OK(fixture_head(store, "a", &arena, &record, &err), &err);
    copy.layout = record.layout;
    EXPECT_OK(commit_run(&options, NULL, &err), &err);
    EXPECT_OK(fixture_delete(store, "a", &err), &err);

    fixture_expect(store, "b", buffer_bytes(&data));
    EXPECT_OK(fixture_delete(store, "b", &err), &err);
    EXPECT(wait_for_chunks(0));
    copy.destination = "c";
    EXPECT_STATUS(ST_CONFLICT, commit_run(&options, NULL, NULL));
    fixture_expect_absent(store, "c");
    arena_release(&arena);
    buffer_release(&data);
    store_close(&store);
}

/* A range copied twice into one upload: the object names a file twice, and gives up both. */
TEST(file_that_one_object_names_twice_is_given_up_twice)
{
    struct store *store = fixture_open_simple(1);
    struct buffer data = fixture_bytes(1, OBJECT_BYTES);
    struct fixture_put put = {.key = "a",
                              .data = buffer_bytes(&data),
                              .chunk_bytes = OBJECT_BYTES / 2,
                              .durability = DURABILITY_NONE};
    struct copy_operation copy = {.destination = "b"};
    struct commit_options options = {
        .home = store_home_at(store, 0), .decide = decide_copy, .arg = &copy};
    struct object_record record;
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;
    struct extent twice[2];

    EXPECT_OK(fixture_put_with(store, &put, NULL, &err), &err);
    EXPECT_OK(fixture_head(store, "a", &arena, &record, &err), &err);
    twice[0] = twice[1] = record.layout.extents[0];
    copy.layout = record.layout;
    copy.layout.extents = twice;
    EXPECT_OK(commit_run(&options, NULL, &err), &err);
    EXPECT_OK(fixture_delete(store, "a", &err), &err);
    EXPECT(wait_for_chunks(1));

    EXPECT_OK(fixture_delete(store, "b", &err), &err);
    EXPECT(wait_for_chunks(0));
    arena_release(&arena);
    buffer_release(&data);
    store_close(&store);
}

struct part_operation {
    struct layout_writer *writer;
    struct layout layout;
    struct upload_id id;
    uint32_t number;
    bool is_completion; /* the part's bytes become the object's */
};

static enum status
decide_part(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    const struct part_operation *operation = arg;
    struct part_record part;
    struct object_record object;
    struct buffer encoded = BUFFER_INIT;
    struct meta_key key;
    struct bytes value;
    enum status st;

    meta_key_part(&key, FIXTURE_BUCKET, BYTES_LITERAL("k"), operation->id, operation->number);
    if (!operation->is_completion) {
        memset(&part, 0, sizeof(part));
        part.number = operation->number;
        part.size = PART_BYTES;
        part.layout = operation->layout;
        part_record_encode(&part, &encoded);
        commit_put_record(commit, FAMILY_UPLOAD, meta_key_bytes(&key), buffer_bytes(&encoded));
        buffer_release(&encoded);
        return commit_name_layout(commit, view, &operation->layout, false, err);
    }
    st = commit_view_get(view, FAMILY_UPLOAD, meta_key_bytes(&key), &value, err);
    if (st == ST_OK) {
        st = part_record_decode(value, commit_arena(commit), &part, err);
    }
    if (st != ST_OK) {
        return st;
    }
    commit_delete(commit, FAMILY_UPLOAD, meta_key_bytes(&key));
    memset(&object, 0, sizeof(object));
    object.size = object.stored_size = PART_BYTES;
    object.layout = part.layout;
    object_record_encode(&object, &encoded);
    meta_key_object(&key, FIXTURE_BUCKET, BYTES_LITERAL("k"));
    commit_put_record(commit, FAMILY_OBJECT, meta_key_bytes(&key), buffer_bytes(&encoded));
    buffer_release(&encoded);
    return ST_OK;
}

static void
put_part(struct store *store, struct part_operation *operation, struct bytes data,
         struct arena *arena)
{
    struct layout_writer_options options = {.home = store_home_at(store, 0),
                                            .bucket_id = FIXTURE_BUCKET,
                                            .key = BYTES_LITERAL("k"),
                                            .upload = &operation->id,
                                            .part_number = operation->number,
                                            .size = data.size};
    struct commit_options commit = {
        .home = store_home_at(store, 0), .decide = decide_part, .arg = operation};
    struct error err = ERROR_INIT;

    EXPECT_OK(layout_writer_create(&options, &operation->writer, &err), &err);
    EXPECT_OK(layout_writer_write(operation->writer, data, &err), &err);
    EXPECT_OK(layout_writer_finish(operation->writer, arena, &operation->layout, &err), &err);
    EXPECT_OK(commit_run(&commit, NULL, &err), &err);
    layout_writer_disown(operation->writer);
    layout_writer_destroy(&operation->writer);
}

static enum status
get_part(struct store *store, const struct part_operation *operation, struct arena *arena,
         struct part_record *ret_part)
{
    struct meta_value value = META_VALUE_INIT;
    struct meta_key key;
    enum status st;

    meta_key_part(&key, FIXTURE_BUCKET, BYTES_LITERAL("k"), operation->id, operation->number);
    st = meta_db_get(home_db(store_home_at(store, 0)), FAMILY_UPLOAD, meta_key_bytes(&key), true,
                     &value, NULL);
    if (st == ST_OK) {
        st = part_record_decode(arena_copy(arena, value.data), arena, ret_part, NULL);
    }
    meta_value_release(&value);
    return st;
}

/* Enough dead bytes in the packs around the entry that the collector must move it. */
static void
churn(struct store *store, uint64_t round)
{
    struct error err = ERROR_INIT;
    bool work_done = true;

    for (int i = 0; i < 150; i++) {
        struct buffer data = fixture_bytes(round * 1000 + (uint64_t)i, 40000);

        EXPECT_OK(fixture_put(store, "churn", buffer_bytes(&data), &err), &err);
        if (i % 20 == 19) { /* what lives in the packs that follow is more than the part */
            struct buffer kept = fixture_bytes(9, 200000);
            char key[32];

            snprintf(key, sizeof(key), "keep%llu/%d", (unsigned long long)round - 1, i);
            EXPECT(round == 1 || fixture_delete(store, key, &err) == ST_OK);

            snprintf(key, sizeof(key), "keep%llu/%d", (unsigned long long)round, i);
            EXPECT_OK(fixture_put(store, key, buffer_bytes(&kept), &err), &err);
            buffer_release(&kept);
        }
        buffer_release(&data);
    }
    for (int i = 0; i < 100 && work_done; i++) {
        EXPECT_OK(store_collect_once(store, &work_done, &err), &err);
    }
}

/* SPEC: an entry is dead only if no family points at it: neither part record nor object. */
TEST(collector_follows_a_part_and_then_the_object_that_took_it_over)
{
    struct store_options options;
    struct store *store;
    struct buffer data = fixture_bytes(77, PART_BYTES);
    struct part_operation operation = {.id = {{1, 2, 3}}, .number = 4};
    struct commit_options commit = {.decide = decide_part, .arg = &operation};
    struct part_record part;
    struct object_record object;
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;
    uint64_t first_pack;

    fixture_options(&options, 1);
    options.is_background_off = true;
    options.pack_bytes = (uint64_t)1 << 20;
    store = fixture_open(&options);
    put_part(store, &operation, buffer_bytes(&data), &arena);
    first_pack = operation.layout.extents[0].pack_id;
    churn(store, 1);

    EXPECT_STATUS(ST_OK, get_part(store, &operation, &arena, &part));
    EXPECT(part.layout.extents[0].pack_id != first_pack);
    first_pack = part.layout.extents[0].pack_id;
    operation.is_completion = true;
    commit.home = store_home_at(store, 0);
    EXPECT_OK(commit_run(&commit, NULL, &err), &err);
    fixture_expect(store, "k", buffer_bytes(&data));
    churn(store, 2);
    EXPECT_OK(fixture_head(store, "k", &arena, &object, &err), &err);
    EXPECT(object.layout.extents[0].pack_id != first_pack);
    fixture_expect(store, "k", buffer_bytes(&data));
    arena_release(&arena);
    buffer_release(&data);
    store_close(&store);
}
