/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/hmac_sha1.h"

#include "base/check.h"
#include "base/encode.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* SPEC: RFC 2202, test cases 1 to 3, 6 and 7 (the last two with a key longer than a block). */
TEST(vectors_of_the_rfc)
{
    static char repeated_aa[80];
    static char repeated_dd[50];
    static char repeated_0b[20];
    const struct {
        struct bytes key;
        struct bytes message;
        const char *mac;
    } CASES[] = {
        {bytes_of(repeated_0b, 20), BYTES_LITERAL("Hi There"),
         "b617318655057264e28bc0b6fb378c8ef146be00"},
        {BYTES_LITERAL("Jefe"), BYTES_LITERAL("what do ya want for nothing?"),
         "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
        {bytes_of(repeated_aa, 20), bytes_of(repeated_dd, 50),
         "125d7342b9ac11cd91a39af48aa17b4f63f175d3"},
        {bytes_of(repeated_aa, 80),
         BYTES_LITERAL("Test Using Larger Than Block-Size Key - Hash Key First"),
         "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
        {bytes_of(repeated_aa, 80),
         BYTES_LITERAL("Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data"),
         "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"},
    };

    memset(repeated_aa, 0xAA, sizeof(repeated_aa));
    memset(repeated_dd, 0xDD, sizeof(repeated_dd));
    memset(repeated_0b, 0x0B, sizeof(repeated_0b));
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        unsigned char mac[HMAC_SHA1_SIZE];
        char hex[2 * HMAC_SHA1_SIZE + 1];

        hmac_sha1(CASES[i].key, CASES[i].message, mac);
        encode_hex(bytes_of(mac, sizeof(mac)), hex);
        EXPECT_STRING(CASES[i].mac, hex);
    }
}
