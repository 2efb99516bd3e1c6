/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/hmac_sha256.h"

#include "auth/amz_date.h"
#include "base/check.h"
#include "base/encode.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* SPEC: RFC 4231, test cases 1 to 3, 6 and 7 (the last two with a key longer than a block). */
TEST(vectors_of_the_rfc)
{
    static char repeated_aa[131];
    static char repeated_dd[50];
    static char repeated_0b[20];
    const struct {
        struct bytes key;
        struct bytes message;
        const char *mac;
    } CASES[] = {
        {bytes_of(repeated_0b, 20), BYTES_LITERAL("Hi There"),
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {BYTES_LITERAL("Jefe"), BYTES_LITERAL("what do ya want for nothing?"),
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {bytes_of(repeated_aa, 20), bytes_of(repeated_dd, 50),
         "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {bytes_of(repeated_aa, 131),
         BYTES_LITERAL("Test Using Larger Than Block-Size Key - Hash Key First"),
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {bytes_of(repeated_aa, 131),
         BYTES_LITERAL("This is a test using a larger than block-size key and a larger than "
                       "block-size data. The key needs to be hashed before being used by the HMAC "
                       "algorithm."),
         "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    };

    memset(repeated_aa, 0xAA, sizeof(repeated_aa));
    memset(repeated_dd, 0xDD, sizeof(repeated_dd));
    memset(repeated_0b, 0x0B, sizeof(repeated_0b));
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        unsigned char mac[HMAC_SHA256_SIZE];
        char hex[65];

        hmac_sha256(CASES[i].key, CASES[i].message, mac);
        encode_hex(bytes_of(mac, sizeof(mac)), hex);
        EXPECT_STRING(CASES[i].mac, hex);
    }
}

/* SPEC: AWS SigV4, the documented example of a signing key. */
TEST(documented_signing_key)
{
    unsigned char key[HMAC_SHA256_SIZE];
    char hex[65];

    sigv4_signing_key(BYTES_LITERAL("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
                      BYTES_LITERAL("20150830"), BYTES_LITERAL("us-east-1"), BYTES_LITERAL("iam"),
                      key);
    encode_hex(bytes_of(key, sizeof(key)), hex);
    EXPECT_STRING("c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9", hex);
}

TEST(dates_are_read_and_written_in_one_form)
{
    static const struct {
        const char *text;
        int64_t time_s; /* -1: refused */
    } CASES[] = {
        {"19700101T000000Z", 0},
        {"20130524T000000Z", 1369353600},
        {"20240229T235959Z", 1709251199},
        {"20230229T000000Z", -1},
        {"20240230T000000Z", -1},
        {"20241301T000000Z", -1},
        {"20240001T000000Z", -1},
        {"20240100T000000Z", -1},
        {"20240101T240000Z", -1},
        {"20240101T006000Z", -1},
        {"20240101T000060Z", -1},
        {"19691231T235959Z", -1},
        {"99991231T235959Z", 253402300799},
        {"20240101 000000Z", -1},
        {"20240101T000000+", -1},
        {"2024010aT000000Z", -1},
        {"20240101T00000Z", -1},
        {"", -1},
    };

    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        int64_t time_s = -1;
        char again[AMZ_DATE_SIZE + 1];

        EXPECT(amz_date_parse(bytes_of_string(CASES[i].text), &time_s) == (CASES[i].time_s >= 0));
        EXPECT_INT(CASES[i].time_s, time_s);
        if (time_s >= 0) {
            amz_date_format(time_s, again);
            EXPECT_STRING(CASES[i].text, again);
        }
    }
}
