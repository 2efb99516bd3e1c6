/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that botocore signed (tools/make-sigv4-vectors): what real clients send must verify. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/memory.h"
#include "tests/unit/auth/sigv4_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

struct vector {
    const char *name;
    const char *service;
    struct bytes body;
};

static struct bytes
read_golden(struct arena *arena)
{
    const char *root = getenv("LODE_SRCDIR");
    char *path =
        xasprintf("%s/tests/golden/sigv4_vectors.txt", root != NULL ? root : LODE_TEST_SRCDIR);
    FILE *file = fopen(path, "re");
    struct buffer content = BUFFER_INIT;
    struct bytes copy;
    size_t size;

    EXPECT(file != NULL);
    do {
        size = fread(buffer_reserve(&content, 4096), 1, 4096, file);
        content.size += size;
    } while (size > 0);
    fclose(file);
    free(path);
    copy = arena_copy(arena, buffer_bytes(&content));
    buffer_release(&content);
    return copy;
}

/* One line of a block into the fixture's request. */
static void
take_line(struct fixture *fixture, struct bytes line, struct vector *vector)
{
    struct bytes word = bytes_cut(&line, ' ');

    if (bytes_equal_string(word, "name")) {
        vector->name = arena_string(&fixture->arena, line);
    } else if (bytes_equal_string(word, "service")) {
        vector->service = arena_string(&fixture->arena, line);
    } else if (bytes_equal_string(word, "method")) {
        fixture->request.method = line;
    } else if (bytes_equal_string(word, "path")) {
        fixture->request.path = line;
    } else if (bytes_equal_string(word, "query")) {
        fixture->request.query = line;
    } else if (bytes_equal_string(word, "body")) {
        char *body = arena_alloc(&fixture->arena, line.size);

        EXPECT_STATUS(ST_OK, decode_hex(line, body));
        vector->body = bytes_of(body, line.size / 2);
    } else if (bytes_equal_string(word, "header")) {
        struct bytes name = bytes_cut(&line, ':');

        /* What net/ does to a value. */
        fixture_add_header(fixture, arena_string(&fixture->arena, name),
                           arena_string(&fixture->arena, bytes_trim(line)));
    } else {
        test_failed(__FILE__, __LINE__, "unknown word in the vectors");
    }
}

static enum status
authenticate_vector(struct fixture *fixture, const struct vector *vector,
                    struct authentication *ret_authentication)
{
    fixture->options.service = vector->service;
    *ret_authentication = (struct authentication){0};
    return strcmp(vector->service, "iam") == 0
               ? authenticate_with_body(&fixture->options, &fixture->request, vector->body,
                                        &fixture->arena, ret_authentication, &fixture->err)
               : authenticate(&fixture->options, &fixture->request, &fixture->arena,
                              ret_authentication, &fixture->err);
}

typedef void vector_fn(struct fixture *fixture, const struct vector *vector);

static size_t
for_each_vector(vector_fn *check)
{
    struct fixture fixture;
    struct bytes rest;
    size_t count = 0;

    fixture_init(&fixture);
    rest = read_golden(&fixture.arena);
    for (int i = 0; i < 4; i++) { /* comment and keys; the fixture has the same keys and time */
        (void)bytes_cut(&rest, '\n');
    }
    while (rest.size > 1) {
        struct vector vector = {0};
        struct bytes line;

        (void)bytes_cut(&rest, '\n');
        fixture_reset(&fixture);
        fixture.request.header_count = 0;
        fixture.request.query = BYTES_NONE;
        while (rest.size > 0 && rest.data[0] != '\n') {
            line = bytes_cut(&rest, '\n');
            take_line(&fixture, line, &vector);
        }
        check(&fixture, &vector);
        count++;
    }
    fixture_release(&fixture);
    return count;
}

static void
check_verifies(struct fixture *fixture, const struct vector *vector)
{
    struct authentication authentication;
    enum status st = authenticate_vector(fixture, vector, &authentication);

    if (st != ST_OK) {
        test_failed(__FILE__, __LINE__, "%s: %s: %s", vector->name, status_name(st),
                    fixture->err.text);
    }
    EXPECT(principal_is_root(authentication.principal));
    if (vector->body.size > 0 && authentication.payload_mode == PAYLOAD_SIGNED) {
        struct digest_value hash;

        digest_of(DIGEST_SHA256, vector->body, &hash);
        EXPECT_OK(authentication_check_body(&authentication, &hash, &fixture->err), &fixture->err);
    }
    authentication_release(&authentication);
}

TEST(requests_signed_by_botocore_verify)
{
    EXPECT_INT(33, for_each_vector(check_verifies));
}

/* The same requests with one byte changed, each in turn: no principal comes out of any. */
static void
check_changes_are_refused(struct fixture *fixture, const struct vector *vector)
{
    struct prng prng = test_prng();

    for (int i = 0; i < 40; i++) {
        struct authentication authentication;
        struct http_request original = fixture->request;
        struct http_header *header =
            &fixture->headers[prng_below(&prng, fixture->request.header_count)];
        struct http_header original_header = *header;
        struct bytes *part = i % 3 == 0   ? &fixture->request.path
                             : i % 3 == 1 ? &header->value
                                          : &fixture->request.query;
        char *changed;

        if (part->size == 0) {
            continue;
        }
        changed = arena_string(&fixture->arena, *part);
        changed[prng_below(&prng, part->size)] ^= 1;
        part->data = changed;
        /* A run of spaces may differ and mean the same; transfer-encoding is not signed. */
        if (strchr(changed, ' ') == NULL &&
            !bytes_equal_string(header->name, "transfer-encoding")) {
            if (authenticate_vector(fixture, vector, &authentication) == ST_OK) {
                test_failed(__FILE__, __LINE__, "%s with %s", vector->name, changed);
            }
            EXPECT(authentication.principal == NULL);
            EXPECT(fixture->err.dialect_code != NULL);
        }
        fixture->request = original;
        *header = original_header;
    }
}

TEST(changed_requests_are_refused)
{
    EXPECT_INT(33, for_each_vector(check_changes_are_refused));
}
