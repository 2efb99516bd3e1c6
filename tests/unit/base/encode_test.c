/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"

#include "tests/unit/test.h"

#include "base/banned.h"

/* Vectors of RFC 4648 section 10. */
TEST(base64_vectors_of_the_rfc)
{
    static const char *const VECTORS[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};

    for (size_t i = 0; i < 7; i++) {
        char text[16];
        char data[16];
        size_t size = 99;

        encode_base64(bytes_of_string(VECTORS[i][0]), text);
        EXPECT_STRING(VECTORS[i][1], text);
        EXPECT_STATUS(ST_OK, decode_base64(bytes_of_string(text), data, sizeof(data), &size));
        EXPECT_BYTES(bytes_of_string(VECTORS[i][0]), bytes_of(data, size));
    }
}

TEST(base64_refuses_what_is_not_canonical)
{
    static const char *const BAD[] = {
        "Zg", "Zg=", "Zh==", "Z===", "====", "Zm9v!", "Zg==Zg==", "Zm 9", "Zm9=Zm9v"};
    char data[16];
    size_t size;

    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        EXPECT_STATUS(ST_INVALID,
                      decode_base64(bytes_of_string(BAD[i]), data, sizeof(data), &size));
    }
    EXPECT_STATUS(ST_INVALID, decode_base64(BYTES_LITERAL("Zm9v"), data, 2, &size));
}

TEST(hex_round_trip_and_refusals)
{
    char text[9];
    unsigned char data[4];

    encode_hex(bytes_of("\x00\xFFzA", 4), text);
    EXPECT_STRING("00ff7a41", text);
    EXPECT_STATUS(ST_OK, decode_hex(BYTES_LITERAL("00Ff7A41"), data));
    EXPECT_BYTES(bytes_of("\x00\xFFzA", 4), bytes_of(data, 4));
    EXPECT_STATUS(ST_INVALID, decode_hex(BYTES_LITERAL("0"), data));
    EXPECT_STATUS(ST_INVALID, decode_hex(BYTES_LITERAL("0g"), data));
}

/* SPEC: SigV4 UriEncode: unreserved characters of RFC 3986 stay, the rest is upper-case %XX. */
TEST(uri_encoding_of_every_byte_decodes_back)
{
    char all[256];
    struct buffer encoded = BUFFER_INIT;
    struct buffer decoded = BUFFER_INIT;

    for (int i = 0; i < 256; i++) {
        all[i] = (char)i;
    }
    encode_uri(bytes_of(all, 256), false, &encoded);
    EXPECT_STATUS(ST_OK, decode_uri(buffer_bytes(&encoded), false, &decoded));
    EXPECT_BYTES(bytes_of(all, 256), buffer_bytes(&decoded));

    buffer_clear(&encoded);
    encode_uri(BYTES_LITERAL("a/b c~+"), true, &encoded);
    EXPECT_BYTES(BYTES_LITERAL("a/b%20c~%2B"), buffer_bytes(&encoded));
    buffer_release(&encoded);
    buffer_release(&decoded);
}

TEST(broken_escapes_are_refused)
{
    static const char *const BAD[] = {"%", "a%2", "%zz", "%4g"};
    struct buffer decoded = BUFFER_INIT;

    for (size_t i = 0; i < 4; i++) {
        EXPECT_STATUS(ST_INVALID, decode_uri(bytes_of_string(BAD[i]), false, &decoded));
    }
    EXPECT_STATUS(ST_OK, decode_uri(BYTES_LITERAL("%41"), false, &decoded));
    EXPECT_BYTES(BYTES_LITERAL("A"), buffer_bytes(&decoded));
    buffer_release(&decoded);
}
