/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/store/store_fixture.h"

#include "base/banned.h"

/* One size in each of the three places, and their edges. */
static const size_t SIZES[] = {0,     1,     511,    512,    513,    4096,    65535,
                               65536, 65537, 262143, 262144, 262145, 1 << 20, (3 << 20) + 17};

TEST(objects_of_every_size_read_back_and_survive_a_restart)
{
    struct store *store = fixture_open_simple(2);
    struct error err = ERROR_INIT;
    char key[32];

    for (size_t i = 0; i < sizeof(SIZES) / sizeof(*SIZES); i++) {
        struct buffer data = fixture_bytes(i + 1, SIZES[i]);

        snprintf(key, sizeof(key), "size/%zu", SIZES[i]);
        EXPECT_OK(fixture_put(store, key, buffer_bytes(&data), &err), &err);
        fixture_expect(store, key, buffer_bytes(&data));
        buffer_release(&data);
    }
    store_close(&store);
    store = fixture_open_simple(2);

    for (size_t i = 0; i < sizeof(SIZES) / sizeof(*SIZES); i++) {
        struct buffer data = fixture_bytes(i + 1, SIZES[i]);

        snprintf(key, sizeof(key), "size/%zu", SIZES[i]);
        fixture_expect(store, key, buffer_bytes(&data));
        buffer_release(&data);
    }
    store_close(&store);
}

TEST(body_of_unknown_size_in_odd_pieces_reads_back)
{
    struct store *store = fixture_open_simple(1);
    struct error err = ERROR_INIT;

    for (size_t i = 0; i < sizeof(SIZES) / sizeof(*SIZES); i++) {
        struct buffer data = fixture_bytes(i + 1, SIZES[i]);
        struct fixture_put put = {
            .key = "k", .data = buffer_bytes(&data), .piece_bytes = 100003, .chunk_bytes = 1000000};

        EXPECT_OK(fixture_put_with(store, &put, NULL, &err), &err);
        fixture_expect(store, "k", buffer_bytes(&data));
        buffer_release(&data);
    }
    store_close(&store);
}

TEST(ranges_of_a_chunked_object_are_exact)
{
    struct store *store = fixture_open_simple(2);
    struct buffer data = fixture_bytes(5, 3000000);
    struct fixture_put put = {.key = "k", .data = buffer_bytes(&data), .chunk_bytes = 700001};
    struct error err = ERROR_INIT;
    struct prng prng = test_prng();

    EXPECT_OK(fixture_put_with(store, &put, NULL, &err), &err);
    for (int i = 0; i < 300; i++) {
        uint64_t offset = prng_below(&prng, data.size);
        uint64_t length = prng_below(&prng, i % 2 != 0 ? 300 : data.size);
        struct buffer content = BUFFER_INIT;

        if (length > data.size - offset) {
            length = data.size - offset;
        }
        EXPECT_OK(fixture_get_range(store, "k", offset, length, READ_MAY_WAIT, &content, &err),
                  &err);
        EXPECT_INT(length, content.size);
        EXPECT(memcmp(content.data, data.data + offset, length) == 0);
        buffer_release(&content);
    }
    buffer_release(&data);
    store_close(&store);
}

TEST(fresh_pack_entry_is_read_without_waiting)
{
    struct store *store = fixture_open_simple(1);
    struct buffer data = fixture_bytes(5, 4096);
    struct buffer content = BUFFER_INIT;
    struct error err = ERROR_INIT;

    EXPECT_OK(fixture_put(store, "k", buffer_bytes(&data), &err), &err);
    EXPECT_OK(fixture_get_range(store, "k", 0, UINT64_MAX, READ_NO_WAIT, &content, &err), &err);

    EXPECT_INT(4096, content.size);
    EXPECT(memcmp(content.data, data.data, 4096) == 0);
    buffer_release(&content);
    buffer_release(&data);
    store_close(&store);
}

TEST(deleted_object_is_gone_and_counted_out)
{
    struct store *store = fixture_open_simple(1);
    struct buffer data = fixture_bytes(5, 5000);
    struct bucket_counters counters;
    struct error err = ERROR_INIT;

    EXPECT_OK(fixture_put(store, "a", buffer_bytes(&data), &err), &err);
    EXPECT_OK(fixture_put(store, "b", buffer_bytes(&data), &err), &err);
    EXPECT_OK(fixture_delete(store, "a", &err), &err);

    fixture_expect_absent(store, "a");
    EXPECT_STATUS(ST_NO_SUCH_KEY, fixture_delete(store, "a", NULL));
    EXPECT_OK(home_bucket_counters(store_home_at(store, 0), FIXTURE_BUCKET, &counters, &err), &err);
    EXPECT_INT(1, counters.object_count);
    EXPECT_INT(5000, counters.logical_bytes);
    buffer_release(&data);
    store_close(&store);
}

/* SPEC: S3 PutObject / If-None-Match, If-Match */
TEST(conditions_are_decided_against_the_current_record)
{
    struct store *store = fixture_open_simple(1);
    struct fixture_put absent = {.key = "k", .data = BYTES_LITERAL("x"), .must_be_absent = true};
    struct fixture_put match = {
        .key = "k", .data = BYTES_LITERAL("y"), .if_match = "e", .etag = "f"};
    struct error err = ERROR_INIT;

    EXPECT_STATUS(ST_PRECONDITION, fixture_put_with(store, &match, NULL, NULL));
    EXPECT_OK(fixture_put_with(store, &absent, NULL, &err), &err);
    EXPECT_STATUS(ST_PRECONDITION, fixture_put_with(store, &absent, NULL, NULL));
    EXPECT_OK(fixture_put_with(store, &match, NULL, &err), &err);
    EXPECT_STATUS(ST_PRECONDITION, fixture_put_with(store, &match, NULL, NULL));
    fixture_expect(store, "k", bytes_of_string("y"));
    store_close(&store);
}

TEST(seq_grows_with_every_commit_and_over_restarts)
{
    struct store *store = fixture_open_simple(1);
    struct fixture_put put = {.key = "k", .data = BYTES_LITERAL("x")};
    struct seq first;
    struct seq second;
    struct seq third;
    struct arena arena = ARENA_INIT;
    struct object_record record;
    struct error err = ERROR_INIT;

    EXPECT_OK(fixture_put_with(store, &put, &first, &err), &err);
    EXPECT_OK(fixture_put_with(store, &put, &second, &err), &err);
    store_close(&store);
    store = fixture_open_simple(1);
    EXPECT_OK(fixture_put_with(store, &put, &third, &err), &err);

    EXPECT(seq_compare(first, second) < 0);
    EXPECT(seq_compare(second, third) < 0);
    EXPECT_OK(fixture_head(store, "k", &arena, &record, &err), &err);
    EXPECT_INT(0, seq_compare(third, record.seq));
    arena_release(&arena);
    store_close(&store);
}

TEST(node_id_is_generated_once_and_another_is_refused)
{
    struct store_options options;
    struct store *store;
    struct error err = ERROR_INIT;
    char id[64];

    fixture_options(&options, 1);
    store = fixture_open(&options);
    snprintf(id, sizeof(id), "%s", store_node_id(store));
    store_close(&store);
    store = fixture_open(&options);
    EXPECT_STRING(id, store_node_id(store));
    store_close(&store);
    options.node_id = "another_node";

    EXPECT_STATUS(ST_INVALID, store_open(&options, &store, &err));
}

TEST(directory_that_is_not_empty_is_refused_as_a_new_mountpath)
{
    struct store_options options;
    struct store *store = NULL;
    char path[600];
    FILE *file;

    fixture_options(&options, 1);
    EXPECT(mkdir(options.mountpaths[0], 0700) == 0);
    snprintf(path, sizeof(path), "%s/letters.txt", options.mountpaths[0]);
    file = fopen(path, "w");
    EXPECT(file != NULL);
    fclose(file);

    EXPECT_STATUS(ST_INVALID, store_open(&options, &store, NULL));
    EXPECT(access(path, F_OK) == 0);
}

TEST(mountpath_of_another_node_is_refused)
{
    struct store_options options;
    struct store *store = fixture_open_simple(2);
    char path[600];

    store_close(&store);
    fixture_options(&options, 2);
    snprintf(path, sizeof(path), "%s/other", test_directory());
    options.data_directory = path;

    EXPECT_STATUS(ST_INVALID, store_open(&options, &store, NULL));
}

TEST(swapped_mountpaths_are_refused)
{
    struct store_options options;
    struct store *store = fixture_open_simple(2);
    char path[600];

    store_close(&store);
    fixture_options(&options, 2);
    snprintf(path, sizeof(path), "%s/aside", test_directory());
    EXPECT(rename(options.mountpaths[0], path) == 0);
    EXPECT(rename(options.mountpaths[1], options.mountpaths[0]) == 0);
    EXPECT(rename(path, options.mountpaths[1]) == 0);

    EXPECT_STATUS(ST_INVALID, store_open(&options, &store, NULL));
}

/* A missing disk must not make its keys look absent: they answer that it is unavailable. */
TEST(keys_of_an_absent_mountpath_are_unavailable_others_are_served)
{
    struct store_options options;
    struct store *store = fixture_open_simple(2);
    struct error err = ERROR_INIT;
    struct buffer content = BUFFER_INIT;
    const char *lost;
    char path[600];
    char key[16];

    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        EXPECT_OK(fixture_put(store, key, bytes_of_string(key), &err), &err);
    }
    store_close(&store);
    fixture_options(&options, 2);
    lost = options.mountpaths[1];
    snprintf(path, sizeof(path), "%s/aside", test_directory());
    EXPECT(rename(lost, path) == 0);
    EXPECT(mkdir(lost, 0700) == 0); /* the empty mount point */
    store = fixture_open(&options);

    EXPECT_INT(2, store_home_count(store));
    EXPECT_INT(HOME_ABSENT, home_state(store_home_at(store, 1)));
    for (int i = 0; i < 20; i++) {
        struct home *home;

        snprintf(key, sizeof(key), "k%d", i);
        home = store_home_of(store, FIXTURE_BUCKET, bytes_of_string(key));
        if (home == store_home_at(store, 1)) {
            EXPECT_STATUS(ST_UNAVAILABLE, fixture_get(store, key, &content, NULL));
            EXPECT_STATUS(ST_UNAVAILABLE, fixture_put(store, key, bytes_of_string("n"), NULL));
        } else {
            fixture_expect(store, key, bytes_of_string(key));
        }
    }
    store_close(&store);
    EXPECT(rmdir(lost) == 0);
    EXPECT(rename(path, lost) == 0);
    store = fixture_open(&options);
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        fixture_expect(store, key, bytes_of_string(key));
    }
    store_close(&store);
}
