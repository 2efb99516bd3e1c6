/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An object store in the test's directory, small enough that all places for bytes occur, and short
 * forms of the verbs.  Used by the unit tests of object/ and jobs/ and by the model test.
 */
#ifndef TESTS_UNIT_OBJECT_FIXTURE_H
#define TESTS_UNIT_OBJECT_FIXTURE_H

#include "object/bucket.h"
#include "object/fsck.h"
#include "object/multipart.h"
#include "object/object_copy.h"
#include "object/object_delete.h"
#include "object/object_get.h"
#include "object/object_list.h"
#include "object/object_put.h"

#define FIXTURE_HOME_MAX 4
#define FIXTURE_CHUNK_BYTES ((uint64_t)256 << 10)
#define FIXTURE_PACK_BYTES ((uint64_t)1 << 20)
#define FIXTURE_PART_BYTES_MIN 1024

struct object_fixture {
    struct object_store *store;
    size_t home_count;
    char *data;
    char *mountpaths[FIXTURE_HOME_MAX];
    bool has_background;      /* collector and sweep run by themselves */
    const char *promote_from; /* NULL: nothing can be promoted; at the next start */
};

/* Under directory.  Failures end the test. */
void fixture_open(struct object_fixture *fixture, const char *directory, size_t home_count);
void fixture_start(struct object_fixture *fixture);
MUST_USE enum status fixture_try_start(struct object_fixture *fixture, struct error *err);
void fixture_stop(struct object_fixture *fixture);
void fixture_close(struct object_fixture *fixture);
void fixture_options(const struct object_fixture *fixture, struct object_store_options *ret_options,
                     const char *mountpaths[FIXTURE_HOME_MAX]);

/* A bucket with small chunks; opened for root. */
struct bucket fixture_bucket(struct object_fixture *fixture, const char *name);
struct bucket fixture_bucket_open(struct object_fixture *fixture, const char *name);

MUST_USE enum status fixture_put(const struct bucket *bucket, const char *key, struct bytes data,
                                 struct error *err);
MUST_USE enum status fixture_put_options(const struct bucket *bucket,
                                         const struct object_put_options *options,
                                         struct bytes data, struct object_put_result *ret_result,
                                         struct error *err);
/* Replaces out by the bytes. */
MUST_USE enum status fixture_get(const struct bucket *bucket, const char *key, struct buffer *out,
                                 struct error *err);
MUST_USE enum status fixture_get_options(const struct bucket *bucket,
                                         const struct object_get_options *options,
                                         struct arena *arena, struct object_get_result *ret_result,
                                         struct buffer *out, struct error *err);
MUST_USE enum status fixture_delete(const struct bucket *bucket, const char *key,
                                    struct error *err);
/* "a b/ c" : names of a page, prefixes end with their delimiter; in arena. */
MUST_USE enum status fixture_list(const struct bucket *bucket,
                                  const struct object_list_options *options, struct arena *arena,
                                  const char **ret_names, struct object_list_result *ret_result,
                                  struct error *err);
MUST_USE enum status fixture_part(const struct bucket *bucket, const char *key, struct upload_id id,
                                  uint32_t number, struct bytes data,
                                  struct object_put_result *ret_result, struct error *err);
/* Findings are printed; options->found is set here. */
void fixture_check(struct object_fixture *fixture, const struct fsck_options *options,
                   struct fsck_summary *ret_summary);
/* What was dropped is freed now, as far as no reader holds it. */
void fixture_free_dropped(struct object_fixture *fixture);
/* No findings with orphans of any age counted and all bytes read, after what waits to be freed was
 * freed. */
void fixture_expect_clean(struct object_fixture *fixture);
/* Reproducible bytes. */
void fixture_fill(struct buffer *out, size_t size, uint64_t seed);

#endif
