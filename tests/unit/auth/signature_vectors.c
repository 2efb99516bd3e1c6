/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/auth/signature_vectors.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/memory.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct bytes
read_golden(const char *name, struct arena *arena)
{
    const char *root = getenv("LODE_SRCDIR");
    char *path = xasprintf("%s/tests/golden/%s", root != NULL ? root : LODE_TEST_SRCDIR, name);
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
take_line(struct fixture *fixture, struct bytes line, struct signature_vector *vector)
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
    } else if (bytes_equal_string(word, "resource")) {
        vector->resource = line;
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

size_t
signature_vectors_check(const char *file, signature_vector_fn *check)
{
    struct fixture fixture;
    struct bytes rest;
    size_t count = 0;

    fixture_init(&fixture);
    rest = read_golden(file, &fixture.arena);
    for (int i = 0; i < 4; i++) { /* comment and keys; the fixture has the same keys and time */
        (void)bytes_cut(&rest, '\n');
    }
    while (rest.size > 1) {
        struct signature_vector vector = {0};
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
