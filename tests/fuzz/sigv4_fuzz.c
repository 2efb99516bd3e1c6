/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authenticate() and the canonical request on any head.  Text: method, path, query and then headers
 * "name: value", one line each; byte 0 chooses service and form, and whether presigned URLs of
 * version 2 are accepted.  The corpus holds requests with good signatures: whatever is accepted has
 * a principal, whatever is refused has none and has a code.  Encoding again gives a form that
 * encoding once more does not change.
 */
#include <stdlib.h>

#include "auth/authenticate.h"
#include "auth/canonical_request.h"
#include "auth/sigv2_query.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "control/control.h"

#include "base/banned.h"

#define HEADER_COUNT_MAX 64
#define MODE_IAM 0x01
#define MODE_BODY 0x02
#define MODE_SIGV2 0x04

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct credential_store *credentials;

static void
set_up(void)
{
    static struct control *control;
    struct error err = ERROR_INIT;

    /* The time of tests/golden/sigv4_vectors.txt.  The database is a fake in memory. */
    clock_use_virtual(INT64_C(1795166100) * CLOCK_NS_PER_S);
    CHECK(control_open_local("/tmp", &control, &err) == ST_OK);
    CHECK(credential_store_create(control, BYTES_LITERAL("LODEEXAMPLEKEY234567"),
                                  BYTES_LITERAL("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                                  &credentials, &err) == ST_OK);
}

static size_t
read_headers(struct bytes rest, struct arena *arena, struct http_header *headers)
{
    size_t count = 0;

    while (rest.size > 0 && count < HEADER_COUNT_MAX) {
        struct bytes value = bytes_cut(&rest, '\n');
        char *name = arena_string(arena, bytes_cut(&value, ':'));
        size_t name_size = strlen(name);

        for (size_t i = 0; i < name_size; i++) { /* as net/ hands them over */
            name[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + 32) : name[i];
        }
        if (name_size > 0) {
            headers[count++] = (struct http_header){bytes_of(name, name_size), bytes_trim(value)};
        }
    }
    return count;
}

static void
check_encoded_again(const struct http_request *request, struct arena *arena)
{
    struct canonical_request canonical = {.method = BYTES_LITERAL("GET"),
                                          .path = request->path,
                                          .query = request->query,
                                          .payload_line = BYTES_LITERAL("x"),
                                          .form = CANONICAL_ENCODED_AGAIN};
    struct buffer first = BUFFER_INIT;
    struct buffer second = BUFFER_INIT;

    if (canonical_request_append(&canonical, arena, &first, NULL) == ST_OK &&
        bytes_find(buffer_bytes(&first), 0, BYTES_LITERAL(CANONICAL_LEFT_OUT)) == SIZE_MAX) {
        struct bytes rest = buffer_bytes(&first);

        (void)bytes_cut(&rest, '\n');
        canonical.path = bytes_cut(&rest, '\n');
        canonical.query = bytes_cut(&rest, '\n');
        CHECK(canonical_request_append(&canonical, arena, &second, NULL) == ST_OK);
        CHECK(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
    }
    buffer_release(&first);
    buffer_release(&second);
}

/* As the S3 dialect does it: with the headers that the query holds, each of them one. */
static enum status
authenticate_sigv2(struct authenticate_options *options, const struct http_request *request,
                   struct arena *arena, struct authentication *authentication, struct error *err)
{
    struct http_request with_headers;
    enum status st = sigv2_query_add_headers(request, arena, &with_headers, err);

    options->accepts_sigv2_query = true;
    if (st != ST_OK) {
        return st;
    }
    CHECK(with_headers.header_count <= request->header_count + SIGV2_HEADER_PARAMETER_COUNT_MAX);
    for (size_t i = request->header_count; i < with_headers.header_count; i++) {
        CHECK(bytes_has_prefix(with_headers.headers[i].name, BYTES_LITERAL("x-amz-")));
        CHECK(bytes_find_char(with_headers.headers[i].value, 0, '\n') == SIZE_MAX);
    }
    return authenticate(options, &with_headers, arena, authentication, err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;
    struct http_header headers[HEADER_COUNT_MAX];
    struct http_request request = {.headers = headers};
    struct authentication authentication = {0};
    struct authenticate_options options = {.service = "s3"};
    struct bytes rest;
    enum status st;

    if (size < 1) {
        return 0;
    }
    if (credentials == NULL) {
        set_up();
    }
    rest = bytes_of(data + 1, size - 1);
    request.method = bytes_cut(&rest, '\n');
    request.path = bytes_cut(&rest, '\n');
    request.query = bytes_cut(&rest, '\n');
    request.header_count = read_headers(rest, &arena, headers);
    options.credentials = credentials;
    options.service = (data[0] & MODE_IAM) != 0 ? "iam" : "s3";
    if ((data[0] & MODE_BODY) != 0) {
        st = authenticate_with_body(&options, &request,
                                    BYTES_LITERAL("Action=ListUsers&Version=2010-05-08"), &arena,
                                    &authentication, &err);
    } else if ((data[0] & MODE_SIGV2) != 0) {
        st = authenticate_sigv2(&options, &request, &arena, &authentication, &err);
    } else {
        st = authenticate(&options, &request, &arena, &authentication, &err);
    }
    if (st == ST_OK) {
        CHECK(authentication.principal != NULL && principal_is_root(authentication.principal));
        CHECK(strlen(authentication.seed_signature) == (authentication.is_sigv2 ? 0 : 64));
        CHECK(!authentication.is_sigv2 || (data[0] & MODE_SIGV2) != 0);
    } else {
        CHECK(authentication.principal == NULL && err.dialect_code != NULL);
        CHECK(authenticate_http_status(&err) >= 400);
    }
    check_encoded_again(&request, &arena);
    authentication_release(&authentication);
    arena_release(&arena);
    return 0;
}
