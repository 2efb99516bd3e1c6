/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster map: owners, former owners, and its document. */
#include "cluster/cluster_map.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define BUCKET BYTES_LITERAL("ais/@#/bck1/")
#define TEST_KEYS 2000

/* Content of a map whose nodes are targets t0 to t7, those of mask active. */
struct map_content {
    struct cluster_map map;
    struct cluster_node nodes[8];
    struct bytes ids[8];
    struct cluster_placement formers[4];
    struct bytes former_ids[4][8];
};

static const char *const IDS[8] = {"target-0", "target-1", "target-2", "target-3",
                                   "target-4", "target-5", "target-6", "target-7"};

static void
content_init(struct map_content *content, uint64_t version, unsigned mask)
{
    memset(content, 0, sizeof(*content));
    content->map.version = version;
    content->map.placement_version = version;
    content->map.finished_version = version;
    content->map.stage = STAGE_DONE;
    content->map.cluster_id = BYTES_LITERAL("cluster-1");
    content->map.nodes = content->nodes;
    content->map.formers = content->formers;
    content->map.node_count = 8;
    for (size_t i = 0; i < 8; i++) {
        content->nodes[i] = (struct cluster_node){
            .id = bytes_of_string(IDS[i]),
            .is_target = true,
            .state = (mask >> i) & 1 ? NODE_ACTIVE : NODE_MAINTENANCE,
        };
    }
}

static void
content_add_former(struct map_content *content, uint64_t version, unsigned mask)
{
    struct cluster_placement *former = &content->formers[content->map.former_count];
    struct bytes *ids = content->former_ids[content->map.former_count];

    *former = (struct cluster_placement){.version = version, .targets = ids};
    for (size_t i = 0; i < 8; i++) {
        if ((mask >> i) & 1) {
            ids[former->target_count++] = bytes_of_string(IDS[i]);
        }
    }
    if (content->map.former_count++ == 0) {
        content->map.finished_version = version;
        content->map.stage = STAGE_MOVE;
    }
}

static struct cluster_map *
map_of(uint64_t version, unsigned mask)
{
    struct map_content content;

    content_init(&content, version, mask);
    return cluster_map_create(&content.map);
}

static struct bytes
key_of(unsigned i, char *text, size_t size)
{
    return bytes_of(text, (size_t)snprintf(text, size, "obj%u", i));
}

static struct bytes
load_golden(struct buffer *text)
{
    const char *source = getenv("LODE_SRCDIR");
    char *path = xasprintf("%s/tests/golden/cluster_map.json", source != NULL ? source : ".");
    FILE *file = fopen(path, "re");
    size_t size;

    if (file == NULL) {
        test_failed(__FILE__, __LINE__, "no golden file %s", path);
    }
    size = fread(buffer_reserve(text, 16384), 1, 16384, file);
    fclose(file);
    free(path);
    return bytes_of(text->data, size - 1); /* without the newline */
}

/* SPEC: AIStore core/meta/hrw.go; vectors computed by AIStore. */
TEST(owner_is_the_target_that_aistore_chooses)
{
    struct cluster_node nodes[] = {{.id = BYTES_LITERAL("t1aaaaaa"), .is_target = true},
                                   {.id = BYTES_LITERAL("t2bbbbbb"), .is_target = true},
                                   {.id = BYTES_LITERAL("t3cccccc"), .is_target = true}};
    const char *const expected[] = {"t3cccccc", "t1aaaaaa", "t3cccccc", "t2bbbbbb"};
    struct cluster_map content = {.version = 1,
                                  .placement_version = 1,
                                  .finished_version = 1,
                                  .stage = STAGE_DONE,
                                  .cluster_id = BYTES_LITERAL("cluster-1"),
                                  .node_count = 3,
                                  .nodes = nodes};
    struct cluster_map *map = cluster_map_create(&content);
    char text[16];

    for (unsigned i = 0; i < 4; i++) {
        EXPECT_BYTES(bytes_of_string(expected[i]),
                     cluster_map_owner(map, BUCKET, key_of(i, text, sizeof(text)))->id);
    }
    cluster_map_unref(map);
}

/* Rule 1: a target that is down keeps its keys; maintenance, decommission and gateways are skipped.
 */
TEST(down_targets_own_and_leaving_ones_do_not)
{
    struct map_content content;
    struct cluster_map *map;
    size_t counts[8] = {0};
    char text[16];

    content_init(&content, 1, 0x3f);
    content.nodes[1].is_down = true;
    content.nodes[2].state = NODE_DECOMMISSION;
    content.nodes[3].is_target = false;
    content.nodes[3].is_gateway = true;
    map = cluster_map_create(&content.map);
    for (unsigned i = 0; i < TEST_KEYS; i++) {
        counts[cluster_map_owner(map, BUCKET, key_of(i, text, sizeof(text))) - map->nodes]++;
    }
    cluster_map_unref(map);

    EXPECT(counts[0] > 0 && counts[1] > 0 && counts[4] > 0 && counts[5] > 0);
    EXPECT(counts[2] == 0 && counts[3] == 0 && counts[6] == 0 && counts[7] == 0);
}

TEST(map_without_active_target_has_no_owner)
{
    struct cluster_map *map = map_of(1, 0);

    EXPECT(cluster_map_owner(map, BUCKET, BYTES_LITERAL("k")) == NULL);
    cluster_map_unref(map);
}

/* A target that is added takes keys and gives none: what moves, moves to it, about its share. */
TEST(added_target_takes_its_share_and_moves_no_other_key)
{
    struct cluster_map *before = map_of(1, 0x07);
    struct cluster_map *after = map_of(2, 0x0f);
    size_t moved_count = 0;
    char text[16];

    for (unsigned i = 0; i < TEST_KEYS; i++) {
        struct bytes key = key_of(i, text, sizeof(text));

        if (cluster_map_moves_key(before, after, BUCKET, key)) {
            EXPECT_BYTES(bytes_of_string(IDS[3]), cluster_map_owner(after, BUCKET, key)->id);
            moved_count++;
        }
    }
    EXPECT(moved_count > TEST_KEYS / 5 && moved_count < TEST_KEYS * 3 / 10);
    for (size_t i = 0; i < 3; i++) {
        EXPECT(cluster_map_takes_from(before, after, bytes_of_string(IDS[i])));
    }
    EXPECT(!cluster_map_takes_from(before, after, bytes_of_string(IDS[3])));
    cluster_map_unref(before);
    cluster_map_unref(after);
}

/* Who leaves loses all; who stays loses nothing.  Said of targets, it must be true of keys. */
TEST(takes_from_names_exactly_the_targets_that_lose_keys)
{
    struct prng prng = test_prng();
    char text[16];

    for (int round = 0; round < 60; round++) {
        struct cluster_map *before = map_of(1, (unsigned)prng_below(&prng, 256));
        struct cluster_map *after = map_of(2, (unsigned)prng_below(&prng, 256));
        bool loses[8] = {false};

        for (unsigned i = 0; i < TEST_KEYS; i++) {
            struct bytes key = key_of(i, text, sizeof(text));
            const struct cluster_node *owner = cluster_map_owner(before, BUCKET, key);

            if (owner != NULL && cluster_map_moves_key(before, after, BUCKET, key)) {
                loses[owner - before->nodes] = true;
            }
        }
        for (size_t i = 0; i < 8; i++) {
            EXPECT(loses[i] == cluster_map_takes_from(before, after, bytes_of_string(IDS[i])));
        }
        cluster_map_unref(before);
        cluster_map_unref(after);
    }
}

/* Rule 6: every owner since the last finished placement is asked, but not the present one. */
TEST(former_owners_are_those_of_each_unfinished_placement)
{
    const unsigned masks[] = {0x03, 0x07, 0x0c, 0x0b};
    struct cluster_map *formers[3];
    struct map_content content;
    struct cluster_map *map;
    char text[16];

    content_init(&content, 10, masks[3]);
    for (size_t i = 0; i < 3; i++) {
        formers[i] = map_of(i + 4, masks[i]);
        content_add_former(&content, i + 4, masks[i]);
    }
    map = cluster_map_create(&content.map);
    EXPECT(map->is_placing);

    for (unsigned i = 0; i < TEST_KEYS; i++) {
        struct bytes key = key_of(i, text, sizeof(text));
        const struct cluster_node *out[CLUSTER_FORMERS_MAX];
        struct bytes owner = cluster_map_owner(map, BUCKET, key)->id;
        size_t count = cluster_map_former_owners(map, BUCKET, key, out, CLUSTER_FORMERS_MAX);
        uint64_t since = 10;
        bool is_unbroken = true;

        for (size_t k = 3; k > 0; k--) {
            struct bytes former = cluster_map_owner(formers[k - 1], BUCKET, key)->id;
            size_t found_count = 0;

            for (size_t n = 0; n < count; n++) {
                found_count += bytes_equal(out[n]->id, former);
            }
            EXPECT(found_count == !bytes_equal(former, owner));
            is_unbroken = is_unbroken && bytes_equal(former, owner);
            since = is_unbroken ? k + 3 : since;
        }
        EXPECT_INT(is_unbroken ? 0 : since, cluster_map_owned_since(map, BUCKET, key));
    }
    for (size_t i = 0; i < 3; i++) {
        cluster_map_unref(formers[i]);
    }
    cluster_map_unref(map);
}

/* Rule 2: a removed target is no former owner. */
TEST(removed_target_is_no_former_owner)
{
    struct map_content content;
    struct bytes removed = bytes_of_string(IDS[7]);
    const struct cluster_node *out[CLUSTER_FORMERS_MAX];
    struct cluster_map *map;

    content_init(&content, 5, 0x01);
    content_add_former(&content, 4, 0x80);
    content.map.node_count = 7;
    content.map.removed = &removed;
    content.map.removed_count = 1;
    map = cluster_map_create(&content.map);

    EXPECT_INT(0, cluster_map_former_owners(map, BUCKET, BYTES_LITERAL("k"), out, 1));
    EXPECT_INT(5, cluster_map_owned_since(map, BUCKET, BYTES_LITERAL("k")));
    EXPECT(cluster_map_is_removed(map, removed));
    EXPECT(cluster_map_find(map, removed) == NULL);
    cluster_map_unref(map);
}

TEST(finished_placement_has_no_former_owners)
{
    struct cluster_map *map = map_of(5, 0x03);
    const struct cluster_node *out[1];

    EXPECT(!map->is_placing);
    EXPECT_INT(0, cluster_map_former_owners(map, BUCKET, BYTES_LITERAL("k"), out, 1));
    EXPECT_INT(0, cluster_map_owned_since(map, BUCKET, BYTES_LITERAL("k")));
    cluster_map_unref(map);
}

/* The file pins what stands in control stores: a change must not alter it. */
TEST(map_survives_its_document_and_matches_the_golden_file)
{
    struct buffer golden = BUFFER_INIT;
    struct buffer again = BUFFER_INIT;
    struct error err = ERROR_INIT;
    struct cluster_map *map = NULL;
    struct bytes text = load_golden(&golden);

    EXPECT_OK(cluster_map_parse(text, 77, &map, &err), &err);
    cluster_map_format(map, &again);

    EXPECT_BYTES(text, buffer_bytes(&again));
    EXPECT_INT(77, map->revision);
    EXPECT_INT(9, map->version);
    EXPECT(map->is_placing);
    EXPECT_INT(2, map->former_count);
    EXPECT(map->nodes[3].is_down);
    EXPECT_INT(NODE_MAINTENANCE, map->nodes[4].state);
    EXPECT(map->nodes[1].digest == UINT64_C(7121389483902232619));
    cluster_map_unref(map);
    buffer_release(&again);
    buffer_release(&golden);
}

static enum status
parse_changed(struct bytes text, const char *from, const char *to)
{
    size_t at = bytes_find(text, 0, bytes_of_string(from));
    struct buffer changed = BUFFER_INIT;
    struct cluster_map *map = NULL;
    struct error err = ERROR_INIT;
    enum status st;

    EXPECT(at != SIZE_MAX);
    buffer_append(&changed, text.data, at);
    buffer_append_string(&changed, to);
    buffer_append_bytes(&changed, bytes_slice(text, at + strlen(from), text.size));
    st = cluster_map_parse(buffer_bytes(&changed), 1, &map, &err);
    EXPECT(st == ST_OK || err.text[0] != '\0');
    cluster_map_unref(map);
    buffer_release(&changed);
    return st;
}

/* Bytes of the control store come from outside: each contradiction is refused, none is CHECKed. */
TEST(contradictory_maps_are_refused)
{
    static const struct {
        const char *from;
        const char *to;
        enum status expected;
    } CASES[] = {
        {"\"format\":1", "\"format\":2", ST_NOT_IMPLEMENTED},
        {"\"version\":9", "\"version\":10", ST_OK},
        {"\"version\":9", "\"version\":7", ST_CORRUPT},
        {"\"version\":9", "\"version\":-9", ST_CORRUPT},
        {"\"placement\":8", "\"placement\":6", ST_CORRUPT},
        {"\"finished\":3", "\"finished\":2", ST_CORRUPT},
        {"\"finished\":3", "\"finished\":3,\"new\":1", ST_CORRUPT},
        {"\"stage\":\"move\"", "\"stage\":\"done\"", ST_CORRUPT},
        {"\"stage\":\"move\"", "\"stage\":\"walk\"", ST_CORRUPT},
        {"\"cluster\":\"Kd8-cluster\"", "\"cluster\":\"short\"", ST_CORRUPT},
        {"\"id\":\"gateway1\"", "\"id\":\"zzzzzzzz\"", ST_CORRUPT},
        {"\"id\":\"gateway1\"", "\"id\":\"gate/way\"", ST_CORRUPT},
        {"\"id\":\"gateway1\"", "\"id\":\"gateway1\",\"x\":1", ST_CORRUPT},
        {"\"id\":\"t1aaaaaa\"", "\"id\":\"t0zzzzzz\"", ST_CORRUPT},
        {"\"gateway\":true,\"target\":false", "\"gateway\":false,\"target\":false", ST_CORRUPT},
        {"\"maintenance\"", "\"holiday\"", ST_CORRUPT},
        {"http://10.0.0.1", "http://10.0.0.1\\n", ST_CORRUPT},
        {"\"incarnation\":4", "\"incarnation\":-4", ST_CORRUPT},
        {"\"version\":6,\"targets\"", "\"version\":3,\"targets\"", ST_CORRUPT},
        {"[\"t1aaaaaa\",\"t4dddddd\"]", "[\"t4dddddd\",\"t1aaaaaa\"]", ST_CORRUPT},
        {"[\"t1aaaaaa\",\"t4dddddd\"]", "[\"t1aaaaaa\",\"t5eeeeee\"]", ST_CORRUPT},
        {"[\"t1aaaaaa\",\"t4dddddd\"]", "[\"t1aaaaaa\",4]", ST_CORRUPT},
        {"\"removed\":[\"t0zzzzzz\"]", "\"removed\":[\"t0zzzzzz\",\"t4dddddd\"]", ST_CORRUPT},
        {"\"removed\":[\"t0zzzzzz\"]", "\"removed\":{}", ST_CORRUPT},
        {"{\"format\"", "[{\"format\"", ST_CORRUPT},
    };
    struct buffer golden = BUFFER_INIT;
    struct bytes text = load_golden(&golden);

    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        enum status st = parse_changed(text, CASES[i].from, CASES[i].to);

        if (st != CASES[i].expected) {
            test_failed(__FILE__, __LINE__, "%s -> %s: %s", CASES[i].from, CASES[i].to,
                        status_name(st));
        }
    }
    for (size_t size = 0; size < text.size; size++) {
        struct cluster_map *map = NULL;

        EXPECT_STATUS(ST_CORRUPT, cluster_map_parse(bytes_slice(text, 0, size), 1, &map, NULL));
    }
    buffer_release(&golden);
}

TEST(ids_are_short_words)
{
    EXPECT(cluster_id_is_valid(BYTES_LITERAL("abcd-_0Z")));
    EXPECT(!cluster_id_is_valid(BYTES_LITERAL("abcd-_0")));
    EXPECT(!cluster_id_is_valid(BYTES_LITERAL("-abcdefgh")));
    EXPECT(!cluster_id_is_valid(BYTES_LITERAL("abcdefgh_")));
    EXPECT(!cluster_id_is_valid(BYTES_LITERAL("abc/defgh")));
    EXPECT(!cluster_id_is_valid(
        BYTES_LITERAL("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
}
