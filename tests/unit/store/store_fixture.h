/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store in the test's directory, and a minimal object layer on top of it: put, get, delete of
 * whole objects, with the record and counters that the real one would write.
 */
#ifndef TESTS_UNIT_STORE_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_STORE_FIXTURE_H

#include "meta/object_record.h"
#include "store/commit.h"
#include "store/layout_reader.h"
#include "store/layout_writer.h"
#include "store/store.h"

#include "tests/unit/test.h"

#define FIXTURE_BUCKET 7
#define FIXTURE_MOUNTPATH_MAX 4

/* Options for `count` mountpaths below the test's directory; strings live until the next call. */
void fixture_options(struct store_options *options, size_t count);
struct store *fixture_open(const struct store_options *options);
struct store *fixture_open_simple(size_t mountpath_count);

/* What a put may ask for. */
struct fixture_put {
    const char *key;
    struct bytes data;
    enum durability durability;
    bool must_be_absent;  /* If-None-Match: * */
    const char *if_match; /* ETag that must be there */
    const char *etag;     /* default "e" */
    size_t piece_bytes;   /* 0: in one piece, size known */
    uint64_t chunk_bytes; /* 0: default */
    uint32_t chunk_spread;
};
enum status fixture_put_with(struct store *store, const struct fixture_put *put,
                             struct seq *ret_seq, struct error *err);
enum status fixture_put(struct store *store, const char *key, struct bytes data, struct error *err);
enum status fixture_delete(struct store *store, const char *key, struct error *err);
/* ret_content owned by the caller; ST_NO_SUCH_KEY. */
enum status fixture_get(struct store *store, const char *key, struct buffer *ret_content,
                        struct error *err);
enum status fixture_get_range(struct store *store, const char *key, uint64_t offset,
                              uint64_t length, enum read_mode mode, struct buffer *ret_content,
                              struct error *err);
/* The decoded record; arena must outlive it. */
enum status fixture_head(struct store *store, const char *key, struct arena *arena,
                         struct object_record *ret_record, struct error *err);
/* size bytes that are the same for the same seed; owned by the caller. */
struct buffer fixture_bytes(uint64_t seed, size_t size);
void fixture_expect(struct store *store, const char *key, struct bytes expected);
void fixture_expect_absent(struct store *store, const char *key);

#endif
