/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/former_record.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/memory.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct former_record
sample(void)
{
    return (struct former_record){
        .seq = {3, 77},
        .flags = FORMER_MOVED,
        .generation = 12,
        .destination = BYTES_LITERAL("target-2"),
    };
}

/* The bytes on disk: a format change must not alter them. */
TEST(mark_encodes_as_its_golden_file)
{
    const char *source = getenv("LODE_SRCDIR");
    struct former_record record = sample();
    struct buffer encoded = BUFFER_INIT;
    char hex[512];
    char content[512];
    char path[512];
    size_t size;
    FILE *file;

    former_record_encode(&record, &encoded);
    EXPECT(encoded.size < sizeof(hex) / 2);
    encode_hex(buffer_bytes(&encoded), hex);
    snprintf(path, sizeof(path), "%s/tests/golden/former_record.hex", source ? source : ".");
    file = fopen(path, "r");
    if (file == NULL) {
        test_failed(__FILE__, __LINE__, "no golden file %s; now %s", path, hex);
    }
    size = fread(content, 1, sizeof(content), file);
    fclose(file);
    while (size > 0 && content[size - 1] == '\n') {
        size--;
    }
    EXPECT_BYTES(bytes_of(content, size), bytes_of_string(hex));
    buffer_release(&encoded);
}

TEST(mark_survives_encode_and_decode)
{
    struct former_record record = sample();
    struct former_record decoded;
    struct buffer encoded = BUFFER_INIT;
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;

    former_record_encode(&record, &encoded);
    EXPECT_OK(former_record_decode(buffer_bytes(&encoded), &arena, &decoded, &err), &err);

    EXPECT_INT(0, seq_compare(record.seq, decoded.seq));
    EXPECT_INT(record.flags, decoded.flags);
    EXPECT_INT(record.generation, decoded.generation);
    EXPECT_BYTES(record.destination, decoded.destination);
    arena_release(&arena);
    buffer_release(&encoded);
}

/* A MOVED mark without a destination, or the other way round, and cut-off marks are damage. */
TEST(contradicting_and_short_marks_are_corrupt)
{
    struct former_record record = sample();
    struct former_record decoded;
    struct buffer encoded = BUFFER_INIT;
    struct arena arena = ARENA_INIT;

    record.flags = FORMER_TOMBSTONE;
    former_record_encode(&record, &encoded);
    EXPECT_STATUS(ST_CORRUPT, former_record_decode(buffer_bytes(&encoded), &arena, &decoded, NULL));
    buffer_clear(&encoded);
    record = sample();
    former_record_encode(&record, &encoded);
    for (size_t size = 0; size < encoded.size; size++) {
        EXPECT_STATUS(ST_CORRUPT,
                      former_record_decode(bytes_of(encoded.data, size), &arena, &decoded, NULL));
    }
    arena_release(&arena);
    buffer_release(&encoded);
}
