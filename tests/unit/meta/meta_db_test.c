/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/meta_db.h"

#include <stdio.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/fault.h"
#include "base/memory.h"

#include "tests/unit/test.h"

#include "base/banned.h"

static char path[512];

static struct meta_db_options
default_options(void)
{
    snprintf(path, sizeof(path), "%s/meta", test_directory());
    return (struct meta_db_options){.directory = path,
                                    .write_buffer_bytes = (size_t)16 << 20,
                                    .wal_max_bytes = (size_t)64 << 20,
                                    .create_if_missing = true};
}

static struct meta_db *
open_db(const struct meta_db_options *options)
{
    struct meta_db *db = NULL;
    struct error err = ERROR_INIT;

    EXPECT_OK(meta_db_open(options, &db, &err), &err);
    return db;
}

static void
put(struct meta_db *db, enum family family, const char *key, const char *value)
{
    struct meta_batch *batch = meta_batch_create();
    struct error err = ERROR_INIT;

    meta_batch_put(batch, family, bytes_of_string(key), bytes_of_string(value));
    EXPECT_OK(meta_db_write(db, batch, true, &err), &err);
    meta_batch_destroy(&batch);
}

static void
expect_value(struct meta_db *db, enum family family, const char *key, const char *expected)
{
    struct meta_value value = META_VALUE_INIT;
    struct error err = ERROR_INIT;
    enum status st = meta_db_get(db, family, bytes_of_string(key), true, &value, &err);

    if (expected == NULL) {
        EXPECT_STATUS(ST_NOT_FOUND, st);
    } else {
        EXPECT_STATUS(ST_OK, st);
        EXPECT_BYTES(bytes_of_string(expected), value.data);
    }
    meta_value_release(&value);
}

TEST(what_was_written_is_there_after_close_and_open)
{
    struct meta_db_options options = default_options();
    struct meta_db *db = open_db(&options);

    put(db, FAMILY_OBJECT, "k", "one");
    meta_db_close(&db);
    EXPECT(db == NULL);
    options.create_if_missing = false;
    db = open_db(&options);

    expect_value(db, FAMILY_OBJECT, "k", "one");
    expect_value(db, FAMILY_UPLOAD, "k", NULL);
    meta_db_close(&db);
}

TEST(missing_database_is_not_found_unless_it_may_be_created)
{
    struct meta_db_options options = default_options();
    struct meta_db *db = NULL;

    options.create_if_missing = false;
    EXPECT_STATUS(ST_NOT_FOUND, meta_db_open(&options, &db, NULL));
    options.read_only = true;
    EXPECT_STATUS(ST_NOT_FOUND, meta_db_open(&options, &db, NULL));
}

TEST(read_only_database_shows_what_a_closed_one_held)
{
    struct meta_db_options options = default_options();
    struct meta_db *db = open_db(&options);

    put(db, FAMILY_OBJECT, "k", "one");
    meta_db_close(&db);
    options.create_if_missing = false;
    options.read_only = true;
    db = open_db(&options);

    expect_value(db, FAMILY_OBJECT, "k", "one");
    meta_db_close(&db);
}

TEST(operations_of_a_batch_apply_in_order)
{
    struct meta_db_options options = default_options();
    struct meta_db *db = open_db(&options);
    struct meta_batch *batch = meta_batch_create();
    struct error err = ERROR_INIT;

    put(db, FAMILY_LAYOUT, "a1", "x");
    put(db, FAMILY_LAYOUT, "a2", "x");
    put(db, FAMILY_LAYOUT, "b", "x");
    meta_batch_delete_range(batch, FAMILY_LAYOUT, bytes_of_string("a"), bytes_of_string("b"));
    meta_batch_put(batch, FAMILY_LAYOUT, bytes_of_string("a2"), bytes_of_string("y"));
    meta_batch_put(batch, FAMILY_CHUNK, bytes_of_string("c"), BYTES_NONE);
    meta_batch_delete(batch, FAMILY_CHUNK, bytes_of_string("c"));
    EXPECT_INT(4, meta_batch_count(batch));
    EXPECT_OK(meta_db_write(db, batch, false, &err), &err);

    expect_value(db, FAMILY_LAYOUT, "a1", NULL);
    expect_value(db, FAMILY_LAYOUT, "a2", "y");
    expect_value(db, FAMILY_LAYOUT, "b", "x");
    expect_value(db, FAMILY_CHUNK, "c", NULL);
    meta_batch_clear(batch);
    EXPECT_INT(0, meta_batch_count(batch));
    meta_batch_destroy(&batch);
    meta_db_close(&db);
}

static void
add(struct meta_db *db, int64_t first, int64_t second)
{
    unsigned char operand[16];
    struct meta_batch *batch = meta_batch_create();
    struct error err = ERROR_INIT;

    encode_u64_be(operand, (uint64_t)first);
    encode_u64_be(operand + 8, (uint64_t)second);
    meta_batch_merge(batch, FAMILY_NODE, bytes_of_string("sum"),
                     bytes_of(operand, second != 0 ? 16 : 8));
    EXPECT_OK(meta_db_write(db, batch, false, &err), &err);
    meta_batch_destroy(&batch);
}

static void
expect_sum(struct meta_db *db, int64_t first, int64_t second)
{
    struct meta_value value = META_VALUE_INIT;
    struct error err = ERROR_INIT;

    EXPECT_OK(meta_db_get(db, FAMILY_NODE, bytes_of_string("sum"), true, &value, &err), &err);
    EXPECT_INT(16, value.data.size);
    EXPECT_INT(first, (int64_t)decode_u64_be(value.data.data));
    EXPECT_INT(second, (int64_t)decode_u64_be(value.data.data + 8));
    meta_value_release(&value);
}

/* Vectors of different length add as if the shorter one ended in zeros. */
TEST(merged_counters_add_up_with_signs_and_survive_reopen)
{
    struct meta_db_options options = default_options();
    struct meta_db *db = open_db(&options);

    add(db, 5, 7);
    add(db, -8, 0);
    expect_sum(db, -3, 7);
    for (int i = 0; i < 1000; i++) {
        add(db, 1, -1);
    }
    expect_sum(db, 997, -993);
    meta_db_close(&db);
    db = open_db(&options);
    add(db, 3, 0);

    expect_sum(db, 1000, -993);
    meta_db_close(&db);
}

TEST(no_wait_get_finds_fresh_records_and_says_when_it_would_wait)
{
    struct meta_db_options options = default_options();
    struct meta_db *db = open_db(&options);
    struct meta_value value = META_VALUE_INIT;
    struct error err = ERROR_INIT;

    put(db, FAMILY_OBJECT, "k", "one");
    EXPECT_OK(meta_db_get(db, FAMILY_OBJECT, bytes_of_string("k"), false, &value, &err), &err);
    meta_value_release(&value);
    meta_db_close(&db); /* flushed: the next open has cold blocks */
    db = open_db(&options);

    EXPECT_STATUS(ST_WOULD_WAIT,
                  meta_db_get(db, FAMILY_OBJECT, bytes_of_string("k"), false, &value, NULL));
    expect_value(db, FAMILY_OBJECT, "k", "one");
    EXPECT_OK(meta_db_get(db, FAMILY_OBJECT, bytes_of_string("k"), false, &value, &err), &err);
    meta_value_release(&value);
    meta_db_close(&db);
}

TEST(scan_stays_within_its_bounds_and_keeps_its_view)
{
    struct meta_db_options options = default_options();
    struct meta_db *db = open_db(&options);
    struct meta_scan scan = {
        .family = FAMILY_OBJECT, .lower = BYTES_LITERAL("b"), .upper = BYTES_LITERAL("d")};
    struct meta_iterator *iterator;
    struct error err = ERROR_INIT;

    put(db, FAMILY_OBJECT, "a", "1");
    put(db, FAMILY_OBJECT, "b", "2");
    put(db, FAMILY_OBJECT, "c", "3");
    put(db, FAMILY_OBJECT, "d", "4");
    iterator = meta_iterator_open(db, &scan);
    put(db, FAMILY_OBJECT, "bb", "later");

    EXPECT(meta_iterator_is_valid(iterator));
    EXPECT_BYTES(bytes_of_string("b"), meta_iterator_key(iterator));
    meta_iterator_next(iterator);
    EXPECT_BYTES(bytes_of_string("c"), meta_iterator_key(iterator));
    EXPECT_BYTES(bytes_of_string("3"), meta_iterator_value(iterator));
    meta_iterator_next(iterator);
    EXPECT(!meta_iterator_is_valid(iterator));
    EXPECT_OK(meta_iterator_status(iterator, &err), &err);
    meta_iterator_seek_before(iterator, bytes_of_string("bz"));
    EXPECT_BYTES(bytes_of_string("b"), meta_iterator_key(iterator));
    meta_iterator_close(&iterator);
    meta_db_close(&db);
}

/* A failed write is final: what RocksDB reports once is never retried into an acknowledgment. */
TEST(after_a_failed_write_nothing_is_written_any_more)
{
#ifdef LODE_FAULTS
    struct meta_db_options options = default_options();
    struct meta_db *db = open_db(&options);
    struct meta_batch *batch = meta_batch_create();
    struct error err = ERROR_INIT;

    meta_batch_put(batch, FAMILY_OBJECT, bytes_of_string("k"), bytes_of_string("v"));
    fault_arm("record_write", 1, 1, 5 /* EIO */);
    EXPECT_STATUS(ST_IO, meta_db_write(db, batch, true, &err));
    fault_disarm();

    EXPECT_STATUS(ST_IO, meta_db_write(db, batch, true, &err));
    EXPECT_STATUS(ST_IO, meta_db_sync(db, &err));
    expect_value(db, FAMILY_OBJECT, "k", NULL);
    meta_batch_destroy(&batch);
    meta_db_close(&db);
#else
    test_skip("built without --enable-faults");
#endif
}
