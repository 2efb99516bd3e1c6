/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/digest.h"

#include <pthread.h>

#include "base/encode.h"
#include "base/memory.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static const char *const DIGESTS_OF_DIGITS[DIGEST_COUNT] = {
    [DIGEST_MD5] = "25f9e794323b453885f5181f1b624d0b",
    [DIGEST_SHA1] = "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
    [DIGEST_SHA256] = "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
    [DIGEST_CRC32] = "cbf43926",
    [DIGEST_CRC32C] = "e3069283",
    [DIGEST_CRC64NVME] = "ae8b14860a799888",
};

static void
expect_hex(const char *expected, const struct digest_value *value)
{
    char text[2 * DIGEST_SIZE_MAX + 1];

    encode_hex(digest_value_bytes(value), text);
    EXPECT_STRING(expected, text);
}

/* Every kind over "123456789", at once, in two pieces, and again after a restart. */
TEST(every_kind_gives_its_published_value)
{
    for (int kind = 0; kind < DIGEST_COUNT; kind++) {
        struct digest digest;
        struct digest_value value;

        digest_of((enum digest_kind)kind, BYTES_LITERAL("123456789"), &value);
        expect_hex(DIGESTS_OF_DIGITS[kind], &value);
        EXPECT_INT(digest_size((enum digest_kind)kind), value.size);

        digest_init(&digest, (enum digest_kind)kind);
        digest_update(&digest, BYTES_LITERAL("foreign"));
        digest_restart(&digest);
        digest_update(&digest, BYTES_LITERAL("1234"));
        digest_update(&digest, BYTES_NONE);
        digest_update(&digest, BYTES_LITERAL("56789"));
        digest_final(&digest, &value);
        expect_hex(DIGESTS_OF_DIGITS[kind], &value);
        digest_restart(&digest);
        digest_update(&digest, BYTES_LITERAL("123456789"));
        digest_final(&digest, &value);
        expect_hex(DIGESTS_OF_DIGITS[kind], &value);
        digest_release(&digest);
        digest_release(&digest);
    }
}

TEST(digest_of_nothing)
{
    struct digest_value value;

    digest_of(DIGEST_SHA256, BYTES_NONE, &value);
    expect_hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", &value);
    digest_of(DIGEST_MD5, BYTES_NONE, &value);
    expect_hex("d41d8cd98f00b204e9800998ecf8427e", &value);
    digest_of(DIGEST_CRC32, BYTES_NONE, &value);
    expect_hex("00000000", &value);
}

/* A set gives what its members give alone, whatever the pieces, and nothing for the others. */
TEST(set_equals_its_members_alone)
{
    struct prng prng = test_prng();
    size_t size = 200001;
    char *data = xmalloc(size);

    prng_fill(&prng, data, size);
    for (unsigned int mask = 0; mask < DIGEST_MASK(DIGEST_COUNT); mask++) {
        struct digest_set set;
        struct digest_value values[DIGEST_COUNT];
        size_t done = 0;

        digest_set_init(&set, mask);
        while (done < size) {
            size_t piece = 1 + prng_below(&prng, 60000);

            piece = piece < size - done ? piece : size - done;
            digest_set_update(&set, bytes_of(data + done, piece));
            done += piece;
        }
        digest_set_final(&set, values);
        for (int kind = 0; kind < DIGEST_COUNT; kind++) {
            struct digest_value alone = {0};

            if ((mask & DIGEST_MASK(kind)) != 0) {
                digest_of((enum digest_kind)kind, bytes_of(data, size), &alone);
            }
            EXPECT_BYTES(digest_value_bytes(&alone), digest_value_bytes(&values[kind]));
        }
        digest_set_release(&set);
    }
    free(data);
}

TEST(combined_pieces_equal_the_whole)
{
    struct bytes all = BYTES_LITERAL("the quick brown fox jumps over the lazy dog");

    for (enum digest_kind kind = DIGEST_CRC32; kind < DIGEST_COUNT; kind++) {
        struct digest_value whole;
        struct digest_value first;
        struct digest_value second;

        digest_of(kind, all, &whole);
        digest_of(kind, bytes_slice(all, 0, 10), &first);
        digest_of(kind, bytes_slice(all, 10, all.size), &second);
        digest_combine(kind, &first, &second, all.size - 10);
        EXPECT_BYTES(digest_value_bytes(&whole), digest_value_bytes(&first));
    }
}

TEST(kinds_are_found_by_either_name)
{
    enum digest_kind kind = DIGEST_COUNT;

    EXPECT(digest_find(BYTES_LITERAL("crc64nvme"), &kind));
    EXPECT_INT(DIGEST_CRC64NVME, kind);
    EXPECT(digest_find(BYTES_LITERAL("SHA256"), &kind));
    EXPECT_INT(DIGEST_SHA256, kind);
    EXPECT_STRING("CRC32C", digest_xml_name(DIGEST_CRC32C));
    EXPECT_STRING("sha1", digest_suffix(DIGEST_SHA1));
    EXPECT(!digest_find(BYTES_LITERAL("crc"), &kind));
    EXPECT(!digest_find(BYTES_NONE, &kind));
}

static void *
digest_many(void *arg)
{
    struct digest_value value;

    for (int i = 0; i < 1000; i++) {
        digest_of(DIGEST_SHA256, BYTES_LITERAL("123456789"), &value);
    }
    *(struct digest_value *)arg = value;
    return NULL;
}

/* One-shot digests keep a context for each thread: threads do not share it. */
TEST(threads_digest_at_the_same_time)
{
    pthread_t threads[4];
    struct digest_value values[4];

    for (int i = 0; i < 4; i++) {
        EXPECT_INT(0, pthread_create(&threads[i], NULL, digest_many, &values[i]));
    }
    for (int i = 0; i < 4; i++) {
        EXPECT_INT(0, pthread_join(threads[i], NULL));
        expect_hex(DIGESTS_OF_DIGITS[DIGEST_SHA256], &values[i]);
    }
}
