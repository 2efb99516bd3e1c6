/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of nodes and requests in the control store. */
#include "cluster/node_value.h"

#include "cluster/cluster_request.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define NODE_ID BYTES_LITERAL("target-1")
#define NODE_TEXT                                                                                  \
    "{\"format\":1,\"cluster\":\"cluster-1\",\"incarnation\":3,\"gateway\":true,\"target\":true,"  \
    "\"release\":\"1.0\",\"public_url\":\"http://127.0.0.1:1\",\"peer_address\":\"127.0.0.1:2\","  \
    "\"applied_version\":4,\"applied_revision\":5,\"acknowledged_revision\":6,"                    \
    "\"stage_version\":7,\"stage\":\"drop-marks\"}"

TEST(node_value_survives_its_document)
{
    struct arena arena = ARENA_INIT;
    struct buffer text = BUFFER_INIT;
    struct node_value value;
    struct error err = ERROR_INIT;

    EXPECT_OK(node_value_parse(NODE_ID, BYTES_LITERAL(NODE_TEXT), 9, &arena, &value, &err), &err);
    EXPECT_INT(9, value.revision);
    EXPECT_INT(STAGE_DROP_MARKS, value.stage);
    EXPECT_INT(7, value.stage_version);
    node_value_format(&value, &text);
    EXPECT_BYTES(BYTES_LITERAL(NODE_TEXT), buffer_bytes(&text));
    buffer_release(&text);
    arena_release(&arena);
}

/* A node of another format is known by what it has in common with ours, to be refused by name. */
TEST(node_value_of_another_format_is_read_as_far_as_it_is_known)
{
    struct arena arena = ARENA_INIT;
    struct node_value value;
    struct error err = ERROR_INIT;
    struct bytes text = BYTES_LITERAL("{\"format\":2,\"cluster\":\"cluster-1\",\"incarnation\":1,"
                                      "\"release\":\"9.0\",\"other\":[]}");

    EXPECT_OK(node_value_parse(NODE_ID, text, 1, &arena, &value, &err), &err);
    EXPECT_INT(2, value.format);
    EXPECT_BYTES(BYTES_LITERAL("9.0"), value.release);
    arena_release(&arena);
}

TEST(bad_node_values_are_refused)
{
    static const char *const BAD[] = {
        "",
        "[]",
        "{}",
        "{\"format\":1}",
        "{\"format\":\"1\",\"incarnation\":1}",
        "{\"format\":1,\"incarnation\":1,\"cluster\":\"cluster-1\"}",
        "{\"format\":1,\"cluster\":\"cluster-1\",\"incarnation\":3,\"gateway\":false,\"target\":"
        "false,\"release\":\"\",\"public_url\":\"\",\"peer_address\":\"\",\"applied_version\":4,"
        "\"applied_revision\":5,\"acknowledged_revision\":6,\"stage_version\":7,\"stage\":"
        "\"done\"}"};
    struct arena arena = ARENA_INIT;
    struct node_value value;

    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        EXPECT_STATUS(ST_CORRUPT,
                      node_value_parse(NODE_ID, bytes_of_string(BAD[i]), 1, &arena, &value, NULL));
    }
    EXPECT_STATUS(ST_CORRUPT, node_value_parse(BYTES_LITERAL("a/b"), BYTES_LITERAL(NODE_TEXT), 1,
                                               &arena, &value, NULL));
    arena_release(&arena);
}

TEST(request_survives_its_document)
{
    struct cluster_request request = {.action = CLUSTER_REMOVE,
                                      .node_id = NODE_ID,
                                      .is_confirmed_stopped = true,
                                      .incarnation = 4,
                                      .state = REQUEST_REFUSED,
                                      .text = BYTES_LITERAL("Node \"target-1\" is running")};
    struct cluster_request again;
    struct arena arena = ARENA_INIT;
    struct buffer text = BUFFER_INIT;
    struct error err = ERROR_INIT;

    cluster_request_format(&request, &text);
    EXPECT_OK(
        cluster_request_parse(BYTES_LITERAL("id"), buffer_bytes(&text), 8, &arena, &again, &err),
        &err);
    EXPECT_INT(CLUSTER_REMOVE, again.action);
    EXPECT(again.is_confirmed_stopped);
    EXPECT_INT(REQUEST_REFUSED, again.state);
    EXPECT_BYTES(request.text, again.text);
    EXPECT_INT(8, again.revision);
    text.data[1]++;
    EXPECT_STATUS(ST_CORRUPT, cluster_request_parse(BYTES_LITERAL("id"), buffer_bytes(&text), 8,
                                                    &arena, &again, NULL));
    buffer_release(&text);
    arena_release(&arena);
}
