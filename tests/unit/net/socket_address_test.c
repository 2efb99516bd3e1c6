/* SPDX-License-Identifier: Apache-2.0 */
#include "net/socket_address.h"

#include <netinet/in.h>

#include "base/check.h"
#include "tests/unit/test.h"

#include "base/banned.h"

TEST(numeric_addresses_are_read)
{
    struct socket_address v4, v6;

    EXPECT_STATUS(ST_OK, socket_address_parse(BYTES_LITERAL("127.0.0.1:80"), &v4, NULL));
    EXPECT_INT(AF_INET, v4.storage.ss_family);
    EXPECT_STATUS(ST_OK, socket_address_parse(BYTES_LITERAL("[::1]:8080"), &v6, NULL));
    EXPECT_INT(AF_INET6, v6.storage.ss_family);
    EXPECT(socket_address_equal(&v4, &v4) && !socket_address_equal(&v4, &v6));
}

TEST(loopback_is_told_from_the_rest)
{
    static const char *const LOCAL[] = {"127.0.0.1:80", "127.9.9.9:1", "[::1]:80"};
    static const char *const REMOTE[] = {"128.0.0.1:80", "10.0.0.1:80", "[::2]:80", "[fe80::1]:80",
                                         "0.0.0.0:1"};
    struct socket_address address;

    for (size_t i = 0; i < ARRAY_COUNT(LOCAL); i++) {
        EXPECT_STATUS(ST_OK, socket_address_parse(bytes_of_string(LOCAL[i]), &address, NULL));
        EXPECT(socket_address_is_loopback(&address));
    }
    for (size_t i = 0; i < ARRAY_COUNT(REMOTE); i++) {
        EXPECT_STATUS(ST_OK, socket_address_parse(bytes_of_string(REMOTE[i]), &address, NULL));
        EXPECT(!socket_address_is_loopback(&address));
    }
}

TEST(names_and_missing_ports_are_refused)
{
    static const char *const TEXTS[] = {"",          ":",       "127.0.0.1",      "127.0.0.1:",
                                        ":80",       "host:80", "127.0.0.1:0",    "1.2.3.4:65536",
                                        "[::1]",     "::1:80",  "[127.0.0.1]:80", "[]:80",
                                        "1.2.3.4:8x"};
    struct socket_address address;

    for (size_t i = 0; i < ARRAY_COUNT(TEXTS); i++) {
        EXPECT_STATUS(ST_INVALID, socket_address_parse(bytes_of_string(TEXTS[i]), &address, NULL));
    }
}
