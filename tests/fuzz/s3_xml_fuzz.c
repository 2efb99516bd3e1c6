/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All documents that clients send (s3/s3_xml.h), and continuation tokens.  The first byte chooses:
 * d DeleteObjects, c CompleteMultipartUpload, b CreateBucket, t a token.
 */
#include <stdlib.h>

#include "base/check.h"
#include "s3/s3_continuation.h"
#include "s3/s3_xml.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_refusal(const struct error *err)
{
    CHECK(err->text[0] != '\0');
    CHECK(err->code == ST_NOT_IMPLEMENTED ||
          (err->code == ST_INVALID && err->dialect_code != NULL));
}

static void
check_delete(struct bytes body, struct arena *arena)
{
    struct s3_delete_document document;
    struct error err = ERROR_INIT;

    if (s3_xml_read_delete(body, arena, &document, &err) != ST_OK) {
        check_refusal(&err);
        return;
    }
    CHECK(document.count >= 1 && document.count <= OBJECT_DELETE_KEYS_MAX);
    for (size_t i = 0; i < document.count; i++) {
        CHECK(document.entries[i].key.size != 0 && bytes_is_utf8(document.entries[i].key));
    }
}

static void
check_complete(struct bytes body, struct arena *arena)
{
    struct s3_complete_document document;
    struct error err = ERROR_INIT;

    if (s3_xml_read_complete(body, arena, &document, &err) != ST_OK) {
        check_refusal(&err);
        return;
    }
    CHECK(document.count >= 1 && document.count <= PART_NUMBER_MAX);
    for (size_t i = 0; i < document.count; i++) {
        CHECK(document.parts[i].number >= 1 && document.parts[i].number <= PART_NUMBER_MAX);
        CHECK(document.parts[i].etag.size != 0);
        CHECK(document.parts[i].checksum.size <= CHECKSUM_VALUE_MAX);
    }
}

static void
check_create(struct bytes body, struct arena *arena)
{
    struct s3_create_document document;
    struct error err = ERROR_INIT;

    if (s3_xml_read_create(body, arena, &document, &err) != ST_OK) {
        check_refusal(&err);
    } else {
        CHECK(bytes_is_utf8(document.location));
    }
}

static void
check_token(struct bytes token, struct arena *arena)
{
    struct error err = ERROR_INIT;
    struct bytes last;

    if (s3_continuation_parse(token, arena, &last, &err) == ST_OK) {
        CHECK(bytes_is_utf8(last) && last.size <= OBJECT_KEY_BYTES_MAX + 2);
    } else {
        check_refusal(&err);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct bytes body;

    if (size == 0) {
        return 0;
    }
    body = bytes_of(data + 1, size - 1);
    switch (data[0]) {
    case 'd':
        check_delete(body, &arena);
        break;
    case 'c':
        check_complete(body, &arena);
        break;
    case 'b':
        check_create(body, &arena);
        break;
    case 't':
        check_token(body, &arena);
        break;
    default:
        break;
    }
    arena_release(&arena);
    return 0;
}
