/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/former_record.h"

#include "tests/unit/golden.h"
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
    struct former_record record = sample();
    struct buffer encoded = BUFFER_INIT;

    former_record_encode(&record, &encoded);
    golden_expect("former_record", buffer_bytes(&encoded));
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
