/* SPDX-License-Identifier: Apache-2.0 */
/* What only AIStore's dialect does to keys, in a cluster: custom metadata, copies of jobs. */
#include <stdio.h>

#include "cluster/placement.h"
#include "jobs/selection_job.h"
#include "jobs/walk_split.h"
#include "object/key_claim.h"
#include "object/object_custom.h"
#include "object/object_put.h"
#include "tests/unit/peer/placement_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define COPY_COUNT 40

static struct error err;
static struct arena arena;

static void
open_bucket(struct test_node *node, struct bucket *ret_bucket)
{
    EXPECT_OK(bucket_open(node->store, principal_of_root(), BYTES_LITERAL("photos"),
                          ACTION_LIST_BUCKET, ret_bucket, &err),
              &err);
}

static struct test_node *
owner_of(const char *key)
{
    return cluster_fixture_owner(&placement_cluster, "photos", key);
}

/* As AIStore's PUT, at the key's owner. */
static void
put_native(const char *key, const char *body)
{
    const struct native_put_options native = {.type = NATIVE_CHECKSUM_XXHASH2};
    const struct object_put_options options = {
        .key = bytes_of_string(key), .size = strlen(body), .native = &native};
    struct object_put_result result;
    struct object_put *put = NULL;
    struct bucket bucket;

    open_bucket(owner_of(key), &bucket);
    EXPECT_OK(object_put_open(&bucket, &options, &put, &err), &err);
    EXPECT_OK(sink_write(object_put_sink(put), bytes_of_string(body), &err), &err);
    EXPECT_OK(sink_finish(object_put_sink(put), &err), &err);
    EXPECT_OK(object_put_commit(put, &result, &err), &err);
    object_put_release(&put);
    bucket_close(&bucket);
}

static enum status
set_custom(struct test_node *node, const char *key, const char *value)
{
    const struct metadata_entry entry = {BYTES_LITERAL("note"), bytes_of_string(value)};
    const struct object_custom_options options = {
        .key = bytes_of_string(key), .entries = &entry, .count = 1};
    struct bucket bucket;
    enum status st;

    open_bucket(node, &bucket);
    st = object_custom_set(&bucket, &options, &err);
    bucket_close(&bucket);
    return st;
}

/* At the owner; in arena. */
static struct object_record
record_of(const char *key)
{
    const struct object_get_options options = {
        .key = bytes_of_string(key), .is_head = true, .mode = READ_MAY_WAIT};
    struct object_get_result result = {.source = NULL};
    struct bucket bucket;

    open_bucket(owner_of(key), &bucket);
    EXPECT_OK(object_get(&bucket, &options, &arena, &result, &err), &err);
    bucket_close(&bucket);
    return result.record;
}

/* The new owner learns the object before it changes it; the former one changes nothing any more.
 * SPEC: docs/cluster-protocol.md, rules 1 and 6.2. */
TEST(custom_metadata_of_a_key_that_moved_is_changed_by_its_owner)
{
    struct object_record record;
    struct test_node *former;
    const char *key;

    placement_start();
    placement_activate_all(&PLACEMENT_THREE);
    key = placement_key_that_moves();
    placement_activate_all(
        &(struct shape){.version = 4, .placement = 4, .finished = 4, .stage = STAGE_DONE});
    former = owner_of(key);
    put_native(key, "content");
    EXPECT_OK(set_custom(former, key, "first"), &err);
    EXPECT_STATUS(ST_MOVED, set_custom(placement_third(), key, "nobody's"));

    placement_activate_all(&(struct shape){
        .version = 5, .placement = 5, .finished = 4, .has_third = true, .former_count = 1});

    EXPECT_STATUS(ST_MOVED, set_custom(former, key, "late"));
    EXPECT_OK(set_custom(placement_third(), key, "second"), &err);
    EXPECT_INT(1, (int)placement_count_family(placement_third(), FAMILY_OBJECT));
    record = record_of(key);
    EXPECT_BYTES(bytes_of("note\0second", 12), record.custom);
    EXPECT_INT(7, (int)record.size);
    EXPECT(record.native_checksum.type == NATIVE_CHECKSUM_XXHASH2);
    arena_release(&arena);
    placement_finish();
}

/* A node without disks copies, too: each owner of a copy makes it, with all that the dialect shows.
 * SPEC: docs/cluster-protocol.md, rule 8. */
TEST(copies_of_a_job_are_made_by_their_owners_whole)
{
    const atomic_bool is_stopped = false;
    struct walk_item items[COPY_COUNT + 1];
    struct walk_item *asked[COPY_COUNT + 1];
    struct bytes nodes[COPY_COUNT + 1];
    char names[COPY_COUNT][32];
    struct walk_share share = {.kind = &selection_copy,
                               .prepend = BYTES_LITERAL("copy/"),
                               .has_destination = true,
                               .is_stopped = &is_stopped};
    struct walk_batch batch = {.share = &share,
                               .job_id = "copy-listrange-1",
                               .step = WALK_WORK,
                               .items = asked,
                               .count = COPY_COUNT + 1,
                               .nodes = nodes,
                               .arena = &arena};
    struct test_node *gateway;
    size_t moved_count = 0;

    placement_start();
    memset(items, 0, sizeof(items));
    for (size_t i = 0; i <= COPY_COUNT; i++) {
        asked[i] = &items[i];
        items[i].name = BYTES_LITERAL("missing");
    }
    for (size_t i = 0; i < COPY_COUNT; i++) {
        snprintf(names[i], sizeof(names[i]), "source-%zu", i);
        items[i].name = bytes_of_string(names[i]);
        put_native(names[i], "content");
        EXPECT_OK(set_custom(owner_of(names[i]), names[i], "kept"), &err);
    }

    gateway = cluster_fixture_gateway(&placement_cluster, 0);
    share.store = gateway->store;
    open_bucket(gateway, &share.source);
    open_bucket(gateway, &share.destination);
    walk_split(&batch);
    bucket_close(&share.source);
    bucket_close(&share.destination);

    EXPECT_STATUS(ST_NO_SUCH_KEY, items[COPY_COUNT].status);
    for (size_t i = 0; i < COPY_COUNT; i++) {
        struct object_record source = record_of(names[i]);
        struct object_record copy;
        char name[sizeof(names[0]) + sizeof("copy/")];

        EXPECT_OK(items[i].status, &items[i].error);
        snprintf(name, sizeof(name), "copy/%.31s", names[i]);
        copy = record_of(name);
        EXPECT_BYTES(source.custom, copy.custom);
        EXPECT_BYTES(source.etag, copy.etag);
        EXPECT_BYTES(source.etag, bytes_of_string(items[i].note));
        EXPECT(native_checksum_equal(&source.native_checksum, &copy.native_checksum));
        EXPECT(bytes_equal_string(nodes[i], object_store_node_id(owner_of(name)->store)));
        moved_count += owner_of(name) != owner_of(names[i]);
    }
    EXPECT(moved_count > 0 && moved_count < COPY_COUNT);
    arena_release(&arena);
    placement_finish();
}

/* Routes and claims must mean the same owner, whatever the bucket is called. */
TEST(claims_hash_keys_as_routes_do)
{
    static const char *const NAMES[] = {"photos", "@#team/photos", "@#/x", "a.b_c-D"};

    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        struct bytes name = bytes_of_string(NAMES[i]);

        EXPECT(key_claim_digest(name, BYTES_LITERAL("key")) ==
               placement_digest(object_cluster_uname(name, &arena), BYTES_LITERAL("key")));
    }
    arena_release(&arena);
}
