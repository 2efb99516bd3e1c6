/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mountpaths that come and go under objects of all sizes, uploads and copies.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/memory.h"
#include "object/mountpath_admin.h"
#include "object/object_internal.h"
#include "object/resilver.h"
#include "store/mountpath_change.h"
#include "store/store_metrics.h"
#include "tests/unit/object/object_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define KEY_COUNT 60
/* A mountpath that is closed under a reader shows within a few. */
#define SCRAPED_CHANGE_COUNT 3

/* In the record, in a pack, one chunk file, pages of them. */
static const size_t SIZES[] = {0, 100, 3000, 200000, 300000, 1300000};

struct world {
    struct object_fixture fixture;
    struct bucket bucket;
    char *extra; /* a mountpath that is attached at run time */
    atomic_bool is_over;
    _Atomic uint64_t scrape_count;
};

static void
key_of(size_t number, char out[32])
{
    snprintf(out, 32, "key-%03zu", number);
}

static void
fill(struct buffer *out, size_t number, uint64_t version)
{
    fixture_fill(out, SIZES[number % ARRAY_COUNT(SIZES)], number * 1000 + version);
}

static void
put_number(struct world *world, size_t number, uint64_t version)
{
    struct buffer data = BUFFER_INIT;
    struct error err = ERROR_INIT;
    char key[32];

    key_of(number, key);
    fill(&data, number, version);
    EXPECT_OK(fixture_put(&world->bucket, key, buffer_bytes(&data), &err), &err);
    buffer_release(&data);
}

static void
expect_number(struct world *world, size_t number, uint64_t version)
{
    struct buffer expected = BUFFER_INIT;
    struct buffer found = BUFFER_INIT;
    struct error err = ERROR_INIT;
    char key[32];

    key_of(number, key);
    fill(&expected, number, version);
    EXPECT_OK(fixture_get(&world->bucket, key, &found, &err), &err);
    EXPECT(bytes_equal(buffer_bytes(&expected), buffer_bytes(&found)));
    buffer_release(&expected);
    buffer_release(&found);
}

static void
expect_absent(struct world *world, size_t number)
{
    struct buffer found = BUFFER_INIT;
    char key[32];

    key_of(number, key);
    EXPECT_STATUS(ST_NO_SUCH_KEY, fixture_get(&world->bucket, key, &found, NULL));
    buffer_release(&found);
}

static void
world_open(struct world *world, size_t home_count)
{
    fixture_open(&world->fixture, test_directory(), home_count);
    world->bucket = fixture_bucket(&world->fixture, "bucket");
    world->extra = xasprintf("%s/extra", test_directory());
}

static void
world_restart(struct world *world)
{
    bucket_close(&world->bucket);
    fixture_stop(&world->fixture);
    fixture_start(&world->fixture);
    world->bucket = fixture_bucket_open(&world->fixture, "bucket");
}

static void
world_close(struct world *world)
{
    bucket_close(&world->bucket);
    fixture_close(&world->fixture);
    free(world->extra);
}

static void
admin(struct world *world, enum mountpath_verb verb, const char *directory)
{
    struct mountpath_outcome outcome;
    struct error err = ERROR_INIT;

    EXPECT_OK(mountpath_admin(world->fixture.store, verb, directory, &outcome, &err), &err);
}

static struct resilver_progress
resilver(struct world *world)
{
    struct resilver_progress progress;
    struct resilver_options options = {.arg = NULL};
    struct error err = ERROR_INIT;

    fixture_free_dropped(&world->fixture);
    EXPECT_OK(resilver_run(world->fixture.store, &options, &progress, &err), &err);
    EXPECT(!store_is_unfinished(object_store_store(world->fixture.store)));
    return progress;
}

static size_t
list_count(struct world *world)
{
    struct object_list_options options = {.count_max = 1000};
    struct object_list_result result;
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;
    const char *names;

    EXPECT_OK(fixture_list(&world->bucket, &options, &arena, &names, &result, &err), &err);
    arena_release(&arena);
    return result.count;
}

/* Objects on a home, as its own records count them. */
static int64_t
objects_at(struct world *world, size_t index)
{
    struct store *store = object_store_store(world->fixture.store);
    struct bucket_counters counters;
    struct error err = ERROR_INIT;

    EXPECT_OK(home_bucket_counters(store_home_at(store, index), world->bucket.id, &counters, &err),
              &err);
    return counters.object_count;
}

/* SPEC: design 6, Mountpath and home: attach changes the choice at once; former homes are asked. */
TEST(all_keys_are_served_before_during_and_after_an_attach)
{
    struct world world;
    struct resilver_progress progress;

    world_open(&world, 2);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        put_number(&world, i, 1);
    }
    admin(&world, MOUNTPATH_VERB_ATTACH, world.extra);

    EXPECT_INT(KEY_COUNT, list_count(&world));
    EXPECT_INT(0, objects_at(&world, 2));
    for (size_t i = 0; i < KEY_COUNT; i++) {
        expect_number(&world, i, 1);
    }
    for (size_t i = 0; i < KEY_COUNT; i += 3) {
        put_number(&world, i, 2);
    }
    for (size_t i = 1; i < KEY_COUNT; i += 3) {
        struct error err = ERROR_INIT;
        char key[32];

        key_of(i, key);
        EXPECT_OK(fixture_delete(&world.bucket, key, &err), &err);
        expect_absent(&world, i);
    }
    EXPECT_INT(KEY_COUNT - KEY_COUNT / 3, list_count(&world));
    progress = resilver(&world);
    EXPECT(progress.moved.object_count > 0);
    EXPECT(objects_at(&world, 2) > 0);
    EXPECT_INT(KEY_COUNT - KEY_COUNT / 3, list_count(&world));
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (i % 3 == 1) {
            expect_absent(&world, i);
        } else {
            expect_number(&world, i, i % 3 == 0 ? 2 : 1);
        }
    }
    fixture_expect_clean(&world.fixture);
    world_restart(&world); /* no option names it: it was attached */
    EXPECT_INT(KEY_COUNT - KEY_COUNT / 3, list_count(&world));
    fixture_expect_clean(&world.fixture);
    world_close(&world);
}

/* SPEC: design 6: a detached disk stays readable until chunks and records have left it. */
TEST(detached_mountpath_is_emptied_and_then_not_needed)
{
    struct world world;
    struct error err = ERROR_INIT;
    struct mountpath_outcome outcome;
    char *moved;

    world_open(&world, 3);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        put_number(&world, i, 1);
    }
    admin(&world, MOUNTPATH_VERB_DETACH, world.fixture.mountpaths[1]);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        expect_number(&world, i, 1);
    }
    put_number(&world, 5, 2);
    /* Dropped files are freed by upkeep, which the resilver waits for. */
    EXPECT(resilver(&world).chunk_count > 0);
    EXPECT_STATUS(ST_NOT_FOUND, mountpath_admin(world.fixture.store, MOUNTPATH_VERB_ENABLE,
                                                world.fixture.mountpaths[1], &outcome, &err));
    fixture_expect_clean(&world.fixture);
    bucket_close(&world.bucket);
    fixture_stop(&world.fixture);
    moved = xasprintf("%s.away", world.fixture.mountpaths[1]);
    EXPECT_INT(0, rename(world.fixture.mountpaths[1], moved)); /* the disk is pulled */
    free(world.fixture.mountpaths[1]);
    world.fixture.mountpaths[1] = xstrdup(world.fixture.mountpaths[2]);
    world.fixture.home_count = 2;
    fixture_start(&world.fixture);
    world.bucket = fixture_bucket_open(&world.fixture, "bucket");
    for (size_t i = 0; i < KEY_COUNT; i++) {
        expect_number(&world, i, i == 5 ? 2 : 1);
    }
    EXPECT_INT(KEY_COUNT, list_count(&world));
    fixture_expect_clean(&world.fixture);
    free(moved);
    free(world.fixture.mountpaths[2]);
    world_close(&world);
}

/* SPEC: design 7, rule 7: uploads in progress at a change. */
TEST(uploads_go_on_over_changes_of_mountpaths)
{
    struct world world;
    struct upload_id ids[8];
    struct error err = ERROR_INIT;
    struct buffer part = BUFFER_INIT;
    struct object_put_result result;

    world_open(&world, 1);
    fixture_fill(&part, 700000, 7);
    for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
        char key[32];
        struct multipart_create_options options = {.checksum_algorithm = CHECKSUM_NONE};

        key_of(i, key);
        options.key = bytes_of_string(key);
        EXPECT_OK(multipart_create(&world.bucket, &options, &ids[i], &err), &err);
        EXPECT_OK(fixture_part(&world.bucket, key, ids[i], 1, buffer_bytes(&part), &result, &err),
                  &err);
    }
    admin(&world, MOUNTPATH_VERB_ATTACH, world.extra);
    for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
        struct multipart_part chosen[2] = {{.number = 1}, {.number = 2}};
        struct multipart_complete_options options = {
            .id = ids[i], .parts = chosen, .part_count = 2, .size = OBJECT_SIZE_UNKNOWN};
        struct object_put_result parts[2];
        struct buffer found = BUFFER_INIT;
        char key[32];

        if (i == ARRAY_COUNT(ids) / 2) {
            (void)resilver(&world);
        }
        key_of(i, key);
        EXPECT_OK(
            fixture_part(&world.bucket, key, ids[i], 2, BYTES_LITERAL("tail"), &parts[1], &err),
            &err);
        memcpy(parts[0].etag, result.etag, sizeof(result.etag));
        for (size_t j = 0; j < 2; j++) {
            chosen[j].etag = bytes_of_string(parts[j].etag);
        }
        options.key = bytes_of_string(key);
        EXPECT_OK(multipart_complete(&world.bucket, &options, &parts[0], &err), &err);
        EXPECT_OK(fixture_get(&world.bucket, key, &found, &err), &err);
        EXPECT_INT(700004, found.size);
        EXPECT(memcmp(found.data, part.data, part.size) == 0);
        buffer_release(&found);
    }
    (void)resilver(&world);
    fixture_expect_clean(&world.fixture);
    buffer_release(&part);
    world_close(&world);
}

/* A change of mind: the same keys go there and back, before and after a resilver. */
TEST(keys_that_return_home_are_whole)
{
    struct world world;

    world_open(&world, 2);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        put_number(&world, i, 1);
    }
    for (uint64_t round = 2; round < 5; round++) {
        admin(&world, MOUNTPATH_VERB_DISABLE, world.fixture.mountpaths[0]);
        for (size_t i = round; i < KEY_COUNT; i += 4) {
            put_number(&world, i, round);
        }
        if (round == 3) {
            (void)resilver(&world);
        }
        admin(&world, MOUNTPATH_VERB_ENABLE, world.fixture.mountpaths[0]);
        for (size_t i = round; i < KEY_COUNT; i += 4) {
            expect_number(&world, i, round);
        }
        if (round == 4) {
            (void)resilver(&world);
        }
    }
    EXPECT_INT(KEY_COUNT, list_count(&world));
    fixture_expect_clean(&world.fixture);
    world_close(&world);
}

/* A body that was written for a home that loses its key before the commit. */
TEST(put_that_began_before_a_change_is_committed_at_the_new_home)
{
    struct world world;
    struct object_put *puts[KEY_COUNT];
    struct error err = ERROR_INIT;
    struct object_put_result result;

    world_open(&world, 1);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        struct buffer data = BUFFER_INIT;
        struct object_put_options options = {.size = OBJECT_SIZE_UNKNOWN};
        char key[32];

        key_of(i, key);
        options.key = bytes_of_string(key);
        fill(&data, i, 1);
        EXPECT_OK(object_put_open(&world.bucket, &options, &puts[i], &err), &err);
        if (data.size > 0) {
            EXPECT_OK(sink_write(object_put_sink(puts[i]), buffer_bytes(&data), &err), &err);
        }
        EXPECT_OK(sink_finish(object_put_sink(puts[i]), &err), &err);
        buffer_release(&data);
    }
    admin(&world, MOUNTPATH_VERB_ATTACH, world.extra);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        EXPECT_OK(object_put_commit(puts[i], &result, &err), &err);
        object_put_release(&puts[i]);
        expect_number(&world, i, 1);
    }
    EXPECT(objects_at(&world, 1) > 0);
    EXPECT_INT(0, resilver(&world).moved.object_count);
    fixture_expect_clean(&world.fixture);
    world_close(&world);
}

/* SPEC: issue 3: a foreign mountpath is refused with a sentence that says what to do. */
TEST(foreign_and_known_mountpaths_are_refused)
{
    struct world world;
    struct object_fixture other;
    struct mountpath_outcome outcome;
    struct error err = ERROR_INIT;
    char *directory = xasprintf("%s/other", test_directory());

    world_open(&world, 2);
    EXPECT_INT(0, mkdir(directory, 0700));
    fixture_open(&other, directory, 1);
    EXPECT_STATUS(ST_INVALID, mountpath_admin(world.fixture.store, MOUNTPATH_VERB_ATTACH,
                                              other.mountpaths[0], &outcome, &err));
    EXPECT(strstr(err.text, "belongs to node") != NULL);
    EXPECT_STATUS(ST_EXISTS, mountpath_admin(world.fixture.store, MOUNTPATH_VERB_ATTACH,
                                             world.fixture.mountpaths[0], &outcome, &err));
    EXPECT_STATUS(ST_NOT_FOUND, mountpath_admin(world.fixture.store, MOUNTPATH_VERB_DETACH,
                                                directory, &outcome, &err));
    admin(&world, MOUNTPATH_VERB_DISABLE, world.fixture.mountpaths[0]);
    EXPECT_STATUS(ST_INVALID, mountpath_admin(world.fixture.store, MOUNTPATH_VERB_DETACH,
                                              world.fixture.mountpaths[1], &outcome, &err));
    EXPECT(strstr(err.text, "no mountpath would be left") != NULL);
    fixture_close(&other);
    world_close(&world);
    free(directory);
}

/* SPEC: design 6: forget gives up its home and the chunks that others have there; the losses are
 * listed, the rest is whole, and the mountpath is never taken back as it is. */
TEST(forgotten_mountpath_takes_only_its_own_with_it)
{
    struct world world;
    struct mountpath_outcome outcome;
    struct error err = ERROR_INIT;
    size_t left_count = 0;

    world_open(&world, 2);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        put_number(&world, i, 1);
    }
    EXPECT_OK(mountpath_admin(world.fixture.store, MOUNTPATH_VERB_FORGET,
                              world.fixture.mountpaths[0], &outcome, &err),
              &err);
    EXPECT(outcome.lost_count > 0 && !outcome.is_loss_unknown);
    EXPECT(resilver(&world).lost_count > 0);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        struct buffer found = BUFFER_INIT;
        char key[32];
        enum status st;

        key_of(i, key);
        st = fixture_get(&world.bucket, key, &found, &err);
        EXPECT(st == ST_OK || st == ST_NO_SUCH_KEY);
        if (st == ST_OK) {
            expect_number(&world, i, 1);
            left_count++;
        }
        buffer_release(&found);
    }
    EXPECT(left_count > 0 && left_count < KEY_COUNT);
    EXPECT_INT(left_count, list_count(&world));
    fixture_expect_clean(&world.fixture);
    EXPECT_STATUS(ST_INVALID, mountpath_admin(world.fixture.store, MOUNTPATH_VERB_ATTACH,
                                              world.fixture.mountpaths[0], &outcome, &err));
    world_close(&world);
}

/* While a former home is away its keys answer 503, and nothing is decided without it. */
TEST(key_of_an_absent_former_home_is_neither_read_nor_written)
{
    struct world world;
    struct error err = ERROR_INIT;
    size_t refused_count = 0;
    char *away;

    world_open(&world, 1);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        put_number(&world, i, 1);
    }
    admin(&world, MOUNTPATH_VERB_ATTACH, world.extra);
    bucket_close(&world.bucket);
    fixture_stop(&world.fixture);
    away = xasprintf("%s.away", world.fixture.mountpaths[0]);
    EXPECT_INT(0, rename(world.fixture.mountpaths[0], away));
    fixture_start(&world.fixture);
    world.bucket = fixture_bucket_open(&world.fixture, "bucket");
    for (size_t i = 0; i < KEY_COUNT; i++) {
        struct buffer found = BUFFER_INIT;
        char key[32];

        key_of(i, key);
        EXPECT_STATUS(ST_UNAVAILABLE, fixture_get(&world.bucket, key, &found, &err));
        EXPECT_STATUS(ST_UNAVAILABLE, fixture_put(&world.bucket, key, BYTES_LITERAL("x"), &err));
        refused_count += fixture_delete(&world.bucket, key, &err) == ST_UNAVAILABLE;
        buffer_release(&found);
    }
    EXPECT_INT(KEY_COUNT, refused_count);
    bucket_close(&world.bucket);
    fixture_stop(&world.fixture);
    EXPECT_INT(0, rename(away, world.fixture.mountpaths[0]));
    fixture_start(&world.fixture);
    world.bucket = fixture_bucket_open(&world.fixture, "bucket");
    (void)resilver(&world);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        expect_number(&world, i, 1);
    }
    fixture_expect_clean(&world.fixture);
    free(away);
    world_close(&world);
}

/* SPEC: design 6, Durability: below the floor of free space reads and deletes go on; so also of
 * keys that wait to be moved. */
TEST(full_home_reads_and_deletes_what_has_not_moved_yet)
{
    const char *mountpaths[FIXTURE_HOME_MAX];
    struct object_store_options options;
    struct error err = ERROR_INIT;
    struct world world;

    world_open(&world, 1);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        put_number(&world, i, 1);
    }
    admin(&world, MOUNTPATH_VERB_ATTACH, world.extra);
    bucket_close(&world.bucket);
    fixture_stop(&world.fixture);
    fixture_options(&world.fixture, &options, mountpaths);
    options.store.free_floor_bytes = UINT64_MAX / 2;
    EXPECT_OK(object_store_open(&options, &world.fixture.store, &err), &err);
    world.bucket = fixture_bucket_open(&world.fixture, "bucket");
    for (size_t i = 0; i < KEY_COUNT; i++) {
        char key[32];

        key_of(i, key);
        expect_number(&world, i, 1);
        EXPECT_STATUS(ST_NO_SPACE, fixture_put(&world.bucket, key, BYTES_LITERAL("x"), &err));
        if (i % 2 == 0) {
            EXPECT_OK(fixture_delete(&world.bucket, key, &err), &err);
            expect_absent(&world, i);
        }
    }
    EXPECT_INT(KEY_COUNT / 2, list_count(&world));
    world_restart(&world);
    (void)resilver(&world);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (i % 2 == 0) {
            expect_absent(&world, i);
        } else {
            expect_number(&world, i, 1);
        }
    }
    EXPECT_INT(KEY_COUNT / 2, list_count(&world));
    fixture_expect_clean(&world.fixture);
    world_close(&world);
}

static void *
scrape(void *arg)
{
    struct world *world = arg;
    struct buffer text = BUFFER_INIT;

    while (!atomic_load(&world->is_over)) {
        buffer_clear(&text);
        store_append_metrics(object_store_store(world->fixture.store), &text);
        EXPECT(text.size > 0);
        atomic_fetch_add(&world->scrape_count, 1);
    }
    buffer_release(&text);
    return NULL;
}

/* A mountpath that has left is closed; not while somebody reads how it stands. */
TEST(metrics_are_read_while_mountpaths_come_and_go)
{
    struct world world = {.extra = NULL};
    pthread_t thread;

    world_open(&world, 2);
    put_number(&world, 1, 1);
    CHECK(pthread_create(&thread, NULL, scrape, &world) == 0);
    for (int i = 0; i < SCRAPED_CHANGE_COUNT; i++) {
        uint64_t before = atomic_load(&world.scrape_count);
        struct mountpath_outcome outcome;

        /* Its housekeeping: what nobody uses any more is closed, and may come again. */
        while (mountpath_admin(world.fixture.store, MOUNTPATH_VERB_ATTACH, world.extra, &outcome,
                               NULL) != ST_OK) {
            store_close_detached(object_store_store(world.fixture.store));
        }
        store_close_detached(object_store_store(world.fixture.store)); /* it is in use again */
        (void)resilver(&world);
        admin(&world, MOUNTPATH_VERB_DETACH, world.extra);
        (void)resilver(&world);
        while (atomic_load(&world.scrape_count) == before) {
            sched_yield();
        }
    }
    atomic_store(&world.is_over, true);
    CHECK(pthread_join(thread, NULL) == 0);
    EXPECT_INT(1, list_count(&world));
    world_close(&world);
}
