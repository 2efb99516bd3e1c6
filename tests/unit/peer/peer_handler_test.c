/* SPDX-License-Identifier: Apache-2.0 */
/* S3 through gateways: what a client sees does not tell which node has its key. */
#include "peer/peer_handler.h"

#include <stdio.h>

#include "base/check.h"
#include "base/memory.h"
#include "net/http_metrics.h"
#include "tests/unit/peer/cluster_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct cluster_fixture cluster;
static struct s3_fixture *ask = &cluster.ask;

static void
start(void)
{
    cluster_fixture_open(&cluster, 2, 3);
    s3_ask(ask, 200, "PUT", "/photos", NULL, "");
}

static const char *
key_of(const struct test_node *target)
{
    static char key[32];

    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "key-%d", i);
        if (cluster_fixture_owner(&cluster, "photos", key) == target) {
            return key;
        }
    }
    UNREACHABLE("no key of a target");
}

/* The first key of each target, put and read through both gateways. */
TEST(keys_of_all_targets_are_written_and_read_through_every_gateway)
{
    start();
    for (size_t i = 0; i < 3; i++) {
        const char *key = key_of(cluster_fixture_target(&cluster, i));
        char target[64];

        snprintf(target, sizeof(target), "/photos/%s", key);
        cluster_fixture_choose(&cluster, cluster_fixture_gateway(&cluster, 0));
        s3_ask(ask, 200, "PUT", target, S3_HEADERS("x-amz-meta-a: b"), "hello");
        cluster_fixture_choose(&cluster, cluster_fixture_gateway(&cluster, 1));
        s3_ask(ask, 200, "GET", target, NULL, NULL);
        EXPECT_STRING("hello", s3_body(ask));
        EXPECT_STRING("b", s3_header(ask, "x-amz-meta-a"));
        s3_ask(ask, 206, "GET", target, S3_HEADERS("Range: bytes=1-2"), NULL);
        EXPECT_STRING("el", s3_body(ask));
        s3_ask(ask, 200, "HEAD", target, NULL, NULL);
        EXPECT_STRING("5", s3_header(ask, "Content-Length"));
        s3_ask(ask, 304, "GET", target,
               S3_HEADERS("If-None-Match: \"5d41402abc4b2a76b9719d911017c592\""), NULL);
        s3_ask(ask, 412, "PUT", target, S3_HEADERS("If-None-Match: *"), "other");
        s3_expect_code(ask, "PreconditionFailed");
        s3_ask(ask, 204, "DELETE", target, NULL, NULL);
        s3_ask(ask, 404, "GET", target, NULL, NULL);
        s3_expect_code(ask, "NoSuchKey");
    }
    cluster_fixture_close(&cluster);
}

/* A target's public listener passes on what is not its own, too. */
TEST(a_target_relays_what_it_does_not_own)
{
    const char *key;
    char target[64];

    start();
    key = key_of(cluster_fixture_target(&cluster, 2));
    snprintf(target, sizeof(target), "/photos/%s", key);
    s3_ask(ask, 200, "PUT", target, NULL, "hello");
    for (size_t i = 0; i < 3; i++) {
        cluster_fixture_choose(&cluster, cluster_fixture_target(&cluster, i));
        s3_ask(ask, 200, "GET", target, NULL, NULL);
        EXPECT_STRING("hello", s3_body(ask));
    }
    cluster_fixture_close(&cluster);
}

/* SPEC: S3 UploadPart, CompleteMultipartUpload, AbortMultipartUpload, ListParts. */
TEST(an_upload_goes_to_the_node_that_began_it)
{
    char target[256];
    const char *etag;
    struct bytes id, body;
    size_t at;

    start();
    s3_ask(ask, 200, "POST", "/photos/big?uploads=", NULL, "");
    body = bytes_of_string(s3_body(ask));
    at = bytes_find(body, 0, BYTES_LITERAL("<UploadId>")) + 10;
    id = bytes_slice(body, at, bytes_find(body, at, BYTES_LITERAL("</UploadId>")));
    EXPECT(bytes_has_suffix(id,
                            bytes_of_string(cluster_fixture_owner(&cluster, "photos", "big")->id)));

    cluster_fixture_choose(&cluster, cluster_fixture_gateway(&cluster, 1));
    snprintf(target, sizeof(target), "/photos/big?partNumber=1&uploadId=%.*s", BYTES_ARGS(id));
    s3_ask(ask, 200, "PUT", target, NULL, "part");
    etag = s3_header(ask, "ETag");
    snprintf(target, sizeof(target), "/photos/big?uploadId=%.*s", BYTES_ARGS(id));
    s3_ask(ask, 200, "GET", target, NULL, NULL);
    s3_ask(ask, 200, "POST", target, NULL,
           arena_printf(&ask->arena,
                        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag>"
                        "</Part></CompleteMultipartUpload>",
                        etag));
    s3_ask(ask, 200, "GET", "/photos/big", NULL, NULL);
    EXPECT_STRING("part", s3_body(ask));
    cluster_fixture_close(&cluster);
}

/* Whatever a client claims about itself, the public listener does not know it. */
TEST(headers_of_nodes_are_claimed_by_their_names)
{
    struct http_header headers[] = {{BYTES_LITERAL("host"), BYTES_LITERAL("a")},
                                    {BYTES_LITERAL("lode-peer"), BYTES_LITERAL("key=1")}};
    struct http_request request = {.headers = headers, .header_count = 2};

    EXPECT(peer_is_claimed(&request));
    request.header_count = 1;
    EXPECT(!peer_is_claimed(&request));
}

static void
expect_refused(const char *path, const char *headers, int status, const char *why)
{
    struct test_client client;
    struct test_response response = {.status = 0};
    char text[512];

    test_client_open(&client, cluster_fixture_target(&cluster, 0)->peer_port);
    snprintf(text, sizeof(text), "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n%s\r\nabcd",
             path, headers);
    test_client_ask(&client, text, status, &response);
    EXPECT(bytes_find(buffer_bytes(&response.body), 0, bytes_of_string(why)) != SIZE_MAX);
    test_response_release(&response);
    test_client_close(&client);
}

TEST(unsigned_requests_to_the_peer_listener_are_refused)
{
    start();
    expect_refused("/photos", "", 404, "listener for the nodes");
    expect_refused("/peer/v1/nothing", "", 400, "not known");
    expect_refused("/peer/v1/s3", "", 400, "length");
    expect_refused("/peer/v1/s3", "lode-peer-head: 4\r\n", 400, "malformed");
    expect_refused("/peer/v1/s3",
                   "lode-peer-head: 4\r\nlode-peer: key=1,cluster=other-cluster,from=gateway-1,"
                   "session=00000000000000000000000000000000,count=1,time=1,signature="
                   "0000000000000000000000000000000000000000000000000000000000000000\r\n",
                   403, "belongs to cluster test-cluster-1, the request to other-cluster");
    cluster_fixture_close(&cluster);
}

/* Rule 4: who has the older map reads the newer one, and the client does not notice. */
TEST(a_newer_map_on_either_side_is_fetched)
{
    const char *key;
    char target[64];

    start();
    key = key_of(cluster_fixture_target(&cluster, 1));
    snprintf(target, sizeof(target), "/photos/%s", key);
    s3_ask(ask, 200, "PUT", target, NULL, "hello");

    cluster_fixture_set_map(&cluster, NULL, 2, NULL);
    cluster_fixture_set_map(&cluster, cluster_fixture_target(&cluster, 1), 2, NULL);
    s3_ask(ask, 200, "GET", target, NULL, NULL);
    cluster_fixture_set_map(&cluster, NULL, 3, NULL);
    cluster_fixture_set_map(&cluster, cluster_fixture_gateway(&cluster, 0), 3, NULL);
    s3_ask(ask, 200, "PUT", target, NULL, "again");
    s3_ask(ask, 200, "GET", target, NULL, NULL);
    EXPECT_STRING("again", s3_body(ask));
    cluster_fixture_close(&cluster);
}

/* Rule 1: its keys answer 503, and nobody else answers for it. */
TEST(keys_of_a_node_that_is_down_or_gone_are_unavailable)
{
    struct test_node *target;
    const char *key;
    char path[64];

    start();
    target = cluster_fixture_target(&cluster, 1);
    key = key_of(target);
    snprintf(path, sizeof(path), "/photos/%s", key);
    s3_ask(ask, 200, "PUT", path, NULL, "hello");
    cluster_fixture_set_map(&cluster, cluster_fixture_gateway(&cluster, 0), 2, target);
    s3_ask(ask, 503, "GET", path, NULL, NULL);
    cluster_fixture_set_map(&cluster, cluster_fixture_gateway(&cluster, 0), 1, NULL);
    s3_ask(ask, 200, "GET", path, NULL, NULL);
    cluster_fixture_stop_server(target);
    s3_ask(ask, 503, "GET", path, NULL, NULL);
    s3_ask(ask, 503, "PUT", path, NULL, "x");
    cluster_fixture_close(&cluster);
}
