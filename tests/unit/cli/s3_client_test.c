/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/s3_client.h"

#include "tests/unit/test.h"

#include "base/banned.h"

TEST(paths_name_a_bucket_and_perhaps_a_key)
{
    struct bytes bucket;
    struct bytes key;
    struct error err = ERROR_INIT;

    EXPECT_OK(s3_client_parse_path("s3://b/a//c/", &bucket, &key, &err), &err);
    EXPECT_BYTES(BYTES_LITERAL("b"), bucket);
    EXPECT_BYTES(BYTES_LITERAL("a//c/"), key);
    EXPECT_OK(s3_client_parse_path("b", &bucket, &key, &err), &err);
    EXPECT_INT(0, key.size);
    EXPECT_STATUS(ST_INVALID, s3_client_parse_path("/k", &bucket, &key, &err));
    EXPECT_STATUS(ST_INVALID, s3_client_parse_path("s3://", &bucket, &key, &err));
}

TEST(an_endpoint_needs_its_scheme)
{
    struct cli_options options = {.endpoint = "127.0.0.1:8080"};
    struct s3_client *client = NULL;
    struct error err = ERROR_INIT;

    EXPECT_STATUS(ST_INVALID, s3_client_create(&options, &client, &err));
    EXPECT(client == NULL);
    options.endpoint = "http://127.0.0.1:1/";
    EXPECT_OK(s3_client_create(&options, &client, &err), &err);
    s3_client_destroy(&client);
}

/* Nothing listens on port 1: the sentence names the endpoint. */
TEST(a_server_that_is_not_there_is_named)
{
    struct cli_options options = {
        .endpoint = "http://127.0.0.1:1", .access_key = "a", .secret_key = "s"};
    struct s3_client_request request = {.method = "GET"};
    struct s3_client_response response;
    struct s3_client *client = NULL;
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;

    EXPECT_OK(s3_client_create(&options, &client, &err), &err);
    EXPECT_STATUS(ST_IO, s3_client_send(client, &request, &arena, &response, &err));
    EXPECT(strstr(err.text, "127.0.0.1:1") != NULL);
    s3_client_destroy(&client);
    arena_release(&arena);
}
