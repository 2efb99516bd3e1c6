/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All headers of S3 that have a syntax of their own: Range, conditions and their dates, checksums,
 * copy source, metadata.  Input: lines "name: value".
 */
#include <stdlib.h>

#include "base/check.h"
#include "s3/s3_attributes.h"
#include "s3/s3_checksum.h"
#include "s3/s3_conditions.h"
#include "s3/s3_copy_source.h"
#include "s3/s3_range.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADERS_MAX 64

static size_t
split(struct bytes rest, struct http_header *list)
{
    size_t count = 0;

    while (rest.size != 0 && count < HEADERS_MAX) {
        struct bytes line = bytes_cut(&rest, '\n');

        list[count].name = bytes_cut(&line, ':');
        list[count].value = bytes_trim(line);
        count++;
    }
    return count;
}

static void
check_ranges(const struct s3_headers *headers)
{
    struct object_range range = s3_range_parse(headers->values[S3_RANGE]);
    struct error err;

    CHECK(range.kind != RANGE_FROM_TO || range.from <= range.to);
    CHECK(range.kind == RANGE_NONE || headers->values[S3_RANGE].size > 6);
    if (s3_range_parse_copy(headers->values[S3_COPY_SOURCE_RANGE], &range, &err) == ST_OK) {
        CHECK(range.kind == RANGE_FROM_TO && range.from <= range.to);
    }
}

static void
check_checksums(const struct s3_headers *headers)
{
    struct checksum checksum;
    struct checksum again;
    struct error err;
    char text[S3_CHECKSUM_TEXT_SIZE];
    unsigned char md5[16];
    bool has;

    if (s3_checksum_of_request(headers, false, true, &checksum, &err) == ST_OK &&
        checksum.algorithm != CHECKSUM_NONE) {
        CHECK(checksum.size == digest_size(s3_checksum_digest(checksum.algorithm)));
        CHECK(s3_checksum_parse_value(checksum.algorithm, s3_checksum_format(&checksum, 3, text),
                                      true, &again, &err) == ST_OK);
        CHECK(memcmp(checksum.value, again.value, checksum.size) == 0);
    }
    if (s3_checksum_of_request(headers, true, false, &checksum, &err) == ST_OK) {
        CHECK(checksum.size <= CHECKSUM_VALUE_MAX);
    }
    if (s3_checksum_of_md5(headers, &has, md5, &err) != ST_OK) {
        CHECK(headers->values[S3_CONTENT_MD5].data != NULL);
    }
}

static void
check_copy_source(const struct s3_headers *headers, struct arena *arena)
{
    struct s3_copy_source source;
    struct error err;

    if (s3_copy_source_parse(headers->values[S3_COPY_SOURCE], arena, &source, &err) == ST_OK) {
        CHECK(source.bucket.size != 0 && bytes_find_char(source.bucket, 0, '/') == SIZE_MAX);
        CHECK(source.key.size != 0 && source.key.size <= OBJECT_KEY_BYTES_MAX);
        CHECK(bytes_is_utf8(source.key) && memchr(source.key.data, '\0', source.key.size) == NULL);
    } else {
        CHECK(err.text[0] != '\0');
    }
}

static void
check_attributes(const struct s3_headers *headers, struct arena *arena)
{
    struct object_attributes attributes;
    struct error err;
    size_t size = 0;

    if (s3_attributes_read(headers, arena, &attributes, &err) != ST_OK) {
        return;
    }
    for (size_t i = 0; i < attributes.metadata_count; i++) {
        size += attributes.metadata[i].name.size + attributes.metadata[i].value.size;
        CHECK(attributes.metadata[i].name.size != 0);
    }
    CHECK(size <= OBJECT_METADATA_BYTES_MAX);
    if (s3_attributes_refuse(headers, &err) == ST_OK) {
        CHECK(!s3_has_header(headers, S3_TAGGING) && !s3_has_header(headers, S3_SSE));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_header list[HEADERS_MAX];
    struct arena arena = ARENA_INIT;
    struct s3_headers headers;
    struct error err;
    struct object_conditions conditions;

    if (s3_headers_read(list, split(bytes_of(data, size), list), &arena, &headers, &err) == ST_OK) {
        check_ranges(&headers);
        check_checksums(&headers);
        check_copy_source(&headers, &arena);
        check_attributes(&headers, &arena);
        conditions = s3_conditions_of_read(&headers);
        CHECK(s3_conditions_culprit(&conditions).size != 0);
        conditions = s3_conditions_of_source(&headers);
        if (s3_conditions_of_write(&headers, false, &conditions, &err) == ST_OK) {
            CHECK(conditions.if_match.data == NULL || conditions.if_none_match.data == NULL);
        }
        if (s3_conditions_of_delete(&headers, &conditions, &err) == ST_OK) {
            CHECK(conditions.if_none_match.data == NULL);
        }
    }
    arena_release(&arena);
    return 0;
}
