/* SPDX-License-Identifier: Apache-2.0 */
/* A PUT whose mountpath is detached while its body comes. */
#include <stdio.h>

#include "base/check.h"
#include "base/memory.h"
#include "object/mountpath_admin.h"
#include "object/object_internal.h"
#include "object/resilver.h"
#include "store/mountpath_drain.h"
#include "tests/unit/object/object_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct object_fixture fixture;
static struct bucket bucket;

static void
start(void)
{
    fixture_open(&fixture, test_directory(), 2);
    bucket = fixture_bucket(&fixture, "bucket");
}

static void
finish(void)
{
    fixture_expect_clean(&fixture);
    bucket_close(&bucket);
    fixture_close(&fixture);
}

/* One whose home is the first mountpath. */
static const char *
key_there(void)
{
    struct store *store = object_store_store(fixture.store);
    static char key[16];

    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof(key), "key-%02d", i);
        if (store_home_of(store, bucket.id, bytes_of_string(key)) == store_home_at(store, 0)) {
            return key;
        }
    }
    UNREACHABLE("no key of a hundred has the first home");
}

static void
detach(void)
{
    struct mountpath_outcome outcome;
    struct error err = ERROR_INIT;

    EXPECT_OK(mountpath_admin(fixture.store, MOUNTPATH_VERB_DETACH, fixture.mountpaths[0], &outcome,
                              &err),
              &err);
}

static struct object_put *
open_put(const char *key)
{
    struct object_put *put;
    struct error err = ERROR_INIT;

    EXPECT_OK(object_put_open(&bucket,
                              &(struct object_put_options){.key = bytes_of_string(key),
                                                           .size = OBJECT_SIZE_UNKNOWN},
                              &put, &err),
              &err);
    return put;
}

static void
end_put(struct object_put **take_put, const char *key, const char *expected)
{
    struct object_put_result result;
    struct buffer found = BUFFER_INIT;
    struct error err = ERROR_INIT;

    EXPECT_OK(sink_finish(object_put_sink(*take_put), &err), &err);
    EXPECT_OK(object_put_commit(*take_put, &result, &err), &err);
    object_put_release(take_put);
    EXPECT_OK(fixture_get(&bucket, key, &found, &err), &err);
    EXPECT_BYTES(bytes_of_string(expected), buffer_bytes(&found));
    buffer_release(&found);
}

static void
resilver(void)
{
    struct resilver_progress progress;
    struct error err = ERROR_INIT;

    EXPECT_OK(resilver_run(fixture.store, &(struct resilver_options){.arg = NULL}, &progress, &err),
              &err);
}

/* Nothing was written, so nothing is bound to the home that was chosen when the PUT was opened. */
TEST(put_that_has_written_nothing_takes_the_home_of_now)
{
    struct object_put *put;
    struct error err = ERROR_INIT;
    const char *key;

    start();
    key = key_there();
    put = open_put(key);
    detach();
    resilver();

    EXPECT_OK(sink_write(object_put_sink(put), BYTES_LITERAL("late"), &err), &err);
    end_put(&put, key, "late");
    finish();
}

/* Bytes that are on no disk yet count as well: the mountpath is not let go of under them. */
TEST(mountpath_is_not_detached_under_a_put_that_has_begun)
{
    struct store *store;
    enum mountpath_drain drain = MOUNTPATH_DRAINED;
    struct object_put *put;
    struct error err = ERROR_INIT;
    const char *key;

    start();
    store = object_store_store(fixture.store);
    key = key_there();
    put = open_put(key);
    EXPECT_OK(sink_write(object_put_sink(put), BYTES_LITERAL("begun"), &err), &err);
    detach();

    EXPECT_OK(mountpaths_look(store, &drain, &err), &err);
    EXPECT_INT(MOUNTPATH_READ, drain);
    end_put(&put, key, "begun");
    EXPECT_OK(mountpaths_look(store, &drain, &err), &err);
    EXPECT_INT(MOUNTPATH_DRAINED, drain);
    resilver();
    finish();
}
