/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Node values and requests to the leader on any bytes: what is accepted is accepted again as it is
 * written, and says the same.  The first byte chooses.
 */
#include "base/check.h"
#include "cluster/cluster_request.h"
#include "cluster/node_value.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_node(struct bytes text)
{
    struct bytes id = BYTES_LITERAL("node-one");
    struct arena arena = ARENA_INIT;
    struct buffer first = BUFFER_INIT;
    struct buffer second = BUFFER_INIT;
    struct node_value value;

    /* Of another format only the head is read, which is not written again. */
    if (node_value_parse(id, text, 1, &arena, &value, NULL) == ST_OK &&
        value.format == CLUSTER_FORMAT) {
        node_value_format(&value, &first);
        if (first.size <= NODE_VALUE_BYTES_MAX) {
            CHECK(node_value_parse(id, buffer_bytes(&first), 1, &arena, &value, NULL) == ST_OK);
            node_value_format(&value, &second);
            CHECK(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
        }
    }
    buffer_release(&first);
    buffer_release(&second);
    arena_release(&arena);
}

static void
check_request(struct bytes text)
{
    struct bytes id = BYTES_LITERAL("0011223344556677");
    struct arena arena = ARENA_INIT;
    struct buffer first = BUFFER_INIT;
    struct buffer second = BUFFER_INIT;
    struct cluster_request request;

    if (cluster_request_parse(id, text, 1, &arena, &request, NULL) == ST_OK) {
        cluster_request_format(&request, &first);
        if (first.size <= CLUSTER_REQUEST_BYTES_MAX) {
            CHECK(cluster_request_parse(id, buffer_bytes(&first), 1, &arena, &request, NULL) ==
                  ST_OK);
            cluster_request_format(&request, &second);
            CHECK(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
        }
    }
    buffer_release(&first);
    buffer_release(&second);
    arena_release(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] == 'n') {
        check_node(bytes_of(data + 1, size - 1));
    } else if (size > 0 && data[0] == 'r') {
        check_request(bytes_of(data + 1, size - 1));
    }
    return 0;
}
