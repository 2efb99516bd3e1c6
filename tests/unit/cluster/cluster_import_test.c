/* SPDX-License-Identifier: Apache-2.0 */
/* A single node's control values become a cluster's.  SPEC: cluster protocol, --init-cluster. */
#include "cluster/cluster_import.h"

#include "base/memory.h"
#include "cluster/cluster_survey.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static const struct control_value MORE = {.key = {"root-key", 8}, .value = {"{3}", 3}};

struct fixture {
    struct control *from;
    struct control *to;
};

static struct control *
open_control(const char *name)
{
    char *path = xasprintf("%s/%s", test_directory(), name);
    struct control *control = NULL;
    struct error err = ERROR_INIT;

    EXPECT_OK(control_open_local(path, &control, &err), &err);
    free(path);
    return control;
}

static void
put(struct control *control, const char *key, const char *value)
{
    struct error err = ERROR_INIT;

    EXPECT_OK(control_put(control, bytes_of_string(key), bytes_of_string(value),
                          CONTROL_MUST_NOT_EXIST, NULL, &err),
              &err);
}

static void
fixture_open(struct fixture *fixture)
{
    fixture->from = open_control("from");
    fixture->to = open_control("to");
    put(fixture->from, "bucket/one", "{1}");
    put(fixture->from, "key/ABC", "{2}");
    put(fixture->from, "next/bucket", "7");
}

static void
fixture_close(struct fixture *fixture)
{
    control_close(&fixture->from);
    control_close(&fixture->to);
}

static void
expect_imported(struct fixture *fixture)
{
    struct cluster_survey survey;
    struct control_value value;
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;

    EXPECT_OK(control_get(fixture->to, BYTES_LITERAL("next/bucket"), &arena, &value, &err), &err);
    EXPECT_BYTES(BYTES_LITERAL("7"), value.value);
    EXPECT_STATUS(ST_NOT_FOUND, control_get(fixture->to, BYTES_LITERAL(CLUSTER_IMPORT_KEY), &arena,
                                            &value, NULL));
    cluster_survey_read(fixture->to, &survey);
    EXPECT(survey.map != NULL);
    EXPECT_BYTES(BYTES_LITERAL("node-one"),
                 cluster_map_owner(survey.map, BYTES_LITERAL("b/"), BYTES_LITERAL("k"))->id);
    EXPECT(survey.map->nodes[0].is_down);
    cluster_survey_release(&survey);
    arena_release(&arena);
}

TEST(values_of_a_single_node_become_a_cluster_that_it_owns)
{
    struct fixture fixture;
    struct cluster_identity identity;
    struct error err = ERROR_INIT;
    uint64_t count = 0;

    fixture_open(&fixture);
    EXPECT_OK(cluster_import(fixture.from, fixture.to, "node-one", &MORE, &identity, &count, &err),
              &err);
    EXPECT_INT(4, count);
    expect_imported(&fixture);

    EXPECT_OK(cluster_import(fixture.from, fixture.to, "node-one", &MORE, &identity, &count, &err),
              &err);
    EXPECT_INT(0, count);
    EXPECT_STATUS(ST_EXISTS, cluster_import(fixture.from, fixture.to, "node-two", &MORE, &identity,
                                            &count, &err));
    fixture_close(&fixture);
}

TEST(cluster_that_is_not_empty_is_refused)
{
    struct fixture fixture;
    struct cluster_identity identity;
    struct error err = ERROR_INIT;
    uint64_t count = 0;

    fixture_open(&fixture);
    EXPECT_OK(cluster_identity_ensure(fixture.to, &identity, &err), &err);
    EXPECT_STATUS(ST_EXISTS, cluster_import(fixture.from, fixture.to, "node-one", &MORE, &identity,
                                            &count, &err));
    fixture_close(&fixture);
}

/* Killed at any step, the same node goes on; another is refused, and no other node can join. */
TEST(interrupted_import_is_gone_on_with_by_the_same_node_only)
{
    struct fixture fixture;
    struct cluster_identity identity;
    struct error err = ERROR_INIT;
    uint64_t count = 0;

    fixture_open(&fixture);
    put(fixture.to, CLUSTER_IMPORT_KEY, "node-one");
    put(fixture.to, "bucket/one", "{1}");
    EXPECT_STATUS(ST_UNAVAILABLE, cluster_identity_ensure(fixture.to, &identity, &err));
    EXPECT_STATUS(ST_EXISTS, cluster_import(fixture.from, fixture.to, "node-two", &MORE, &identity,
                                            &count, &err));
    EXPECT_OK(cluster_import(fixture.from, fixture.to, "node-one", &MORE, &identity, &count, &err),
              &err);
    expect_imported(&fixture);
    fixture_close(&fixture);
}

TEST(value_that_differs_ends_the_import)
{
    struct fixture fixture;
    struct cluster_identity identity;
    struct error err = ERROR_INIT;
    uint64_t count = 0;

    fixture_open(&fixture);
    put(fixture.to, CLUSTER_IMPORT_KEY, "node-one");
    put(fixture.to, "bucket/one", "{other}");
    EXPECT_STATUS(ST_EXISTS, cluster_import(fixture.from, fixture.to, "node-one", &MORE, &identity,
                                            &count, &err));
    fixture_close(&fixture);
}
