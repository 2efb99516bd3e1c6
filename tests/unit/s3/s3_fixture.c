/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/s3/s3_fixture.h"

#include "auth/sign_request.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/xml_reader.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define ROOT_ACCESS_KEY "ROOTKEY0000000000000"
#define ROOT_SECRET_KEY "root-secret-of-the-tests"

void
s3_fixture_open(struct s3_fixture *fixture, const struct s3_options *options)
{
    struct s3_options filled = *options;
    struct error err = ERROR_INIT;

    memset(fixture, 0, sizeof(*fixture));
    fixture_open(&fixture->objects, test_directory(), 1);
    EXPECT_OK(credential_store_create(object_store_control(fixture->objects.store),
                                      BYTES_LITERAL(ROOT_ACCESS_KEY),
                                      BYTES_LITERAL(ROOT_SECRET_KEY), &fixture->credentials, &err),
              &err);
    filled.store = fixture->objects.store;
    filled.credentials = fixture->credentials;
    s3_init(&fixture->s3, &filled);
    test_server_start(&fixture->server,
                      &(struct test_server_options){.handler = s3_handle, .arg = &fixture->s3});
    test_client_open(&fixture->client, fixture->server.port);
}

void
s3_fixture_close(struct s3_fixture *fixture)
{
    test_client_close(&fixture->client);
    test_response_release(&fixture->response);
    test_server_stop(&fixture->server);
    credential_store_destroy(&fixture->credentials);
    fixture_close(&fixture->objects);
    arena_release(&fixture->arena);
}

void
s3_fixture_as_user(struct s3_fixture *fixture, bool is_user)
{
    struct error err = ERROR_INIT;
    struct access_key key;
    struct user user;

    fixture->is_user = is_user;
    if (!is_user || fixture->user_access_key.size != 0) {
        return;
    }
    EXPECT_OK(
        user_create(fixture->credentials, BYTES_LITERAL("alice"), &user, &fixture->arena, &err),
        &err);
    EXPECT_OK(access_key_create(fixture->credentials, BYTES_LITERAL("alice"), &fixture->arena, &key,
                                &fixture->user_secret_key, &err),
              &err);
    fixture->user_access_key = key.access_key;
}

static const char *const *
sign(struct s3_fixture *fixture, const char *method, struct bytes path, struct bytes query,
     struct bytes host, const char *const *headers, struct bytes body)
{
    const char *const *signed_headers;
    struct error err = ERROR_INIT;
    struct sign_request_options options = {
        .method = bytes_of_string(method),
        .path = path,
        .query = query,
        .host = host,
        .service = "s3",
        .region = fixture->s3.region.data,
        .access_key = BYTES_LITERAL(ROOT_ACCESS_KEY),
        .secret_key = BYTES_LITERAL(ROOT_SECRET_KEY),
        .headers = headers,
        .body = body,
        .time_s = clock_wall_s(),
    };

    if (fixture->is_user) {
        options.access_key = fixture->user_access_key;
        options.secret_key = fixture->user_secret_key;
    }
    EXPECT_OK(sign_request(&options, &fixture->arena, &signed_headers, &err), &err);
    return signed_headers;
}

/* A header "Host: ..." takes the place of our own. */
static struct bytes
host_of(struct s3_fixture *fixture, const char *const *headers)
{
    for (size_t i = 0; headers != NULL && headers[i] != NULL; i++) {
        if (bytes_has_prefix(bytes_of_string(headers[i]), BYTES_LITERAL("Host: "))) {
            return bytes_of_string(headers[i] + 6);
        }
    }
    return arena_printf_bytes(&fixture->arena, "127.0.0.1:%u", fixture->server.port);
}

static void
add_headers(struct buffer *head, const char *const *headers)
{
    for (size_t i = 0; headers != NULL && headers[i] != NULL; i++) {
        if (!bytes_has_prefix(bytes_of_string(headers[i]), BYTES_LITERAL("Host: "))) {
            buffer_printf(head, "%s\r\n", headers[i]);
        }
    }
}

void
s3_ask(struct s3_fixture *fixture, int status, const char *method, const char *target,
       const char *const *headers, const char *body)
{
    struct bytes query = bytes_of_string(target);
    struct bytes path = bytes_cut(&query, '?');
    struct bytes content = bytes_of_string(body != NULL ? body : "");
    struct bytes host = host_of(fixture, headers);
    const char *const *signed_headers = sign(fixture, method, path, query, host, headers, content);
    struct buffer head = BUFFER_INIT;

    buffer_printf(&head, "%s %s HTTP/1.1\r\nHost: %.*s\r\n", method, target, BYTES_ARGS(host));
    add_headers(&head, headers);
    add_headers(&head, signed_headers);
    if (body != NULL) {
        buffer_printf(&head, "Content-Length: %zu\r\n", content.size);
    }
    buffer_append_string(&head, "\r\n");
    buffer_append_bytes(&head, content);
    test_response_release(&fixture->response);
    test_client_send_bytes(&fixture->client, head.data, head.size);
    buffer_release(&head);
    test_client_read(&fixture->client, strcmp(method, "HEAD") == 0, &fixture->response);
    if (fixture->response.status != status) {
        test_failed(__FILE__, __LINE__, "%s %s: expected %d, got %d: %s", method, target, status,
                    fixture->response.status, s3_body(fixture));
    }
    if (strcmp(s3_header(fixture, "Connection"), "close") == 0) {
        test_client_close(&fixture->client);
        test_client_open(&fixture->client, fixture->server.port);
    }
}

const char *
s3_header(struct s3_fixture *fixture, const char *name)
{
    struct bytes value = test_response_header(&fixture->response, name);

    return arena_string(&fixture->arena, value.data != NULL ? value : BYTES_LITERAL(""));
}

const char *
s3_body(struct s3_fixture *fixture)
{
    return arena_string(&fixture->arena, buffer_bytes(&fixture->response.body));
}

void
s3_expect_code(struct s3_fixture *fixture, const char *code)
{
    struct error err = ERROR_INIT;
    struct xml_node *root;

    EXPECT_OK(xml_read(buffer_bytes(&fixture->response.body), &fixture->arena, &root, &err), &err);
    EXPECT_BYTES(BYTES_LITERAL("Error"), root->name);
    EXPECT_BYTES(bytes_of_string(code), xml_find_text(root, "Code"));
    EXPECT(xml_find_text(root, "Message").size != 0);
    EXPECT_BYTES(bytes_of_string(s3_header(fixture, "x-amz-request-id")),
                 xml_find_text(root, "RequestId"));
    EXPECT_STRING("application/xml", s3_header(fixture, "Content-Type"));
}
