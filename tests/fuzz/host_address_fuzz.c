/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "host:port" as nodes publish theirs: what is a number is no name, a name has nothing in it that a
 * look-up or a certificate could read otherwise, and nothing is looked up here.
 */
#include "base/check.h"
#include "net/host_resolver.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_of(data, size);
    struct host_resolver *resolver = host_resolver_create(NULL);
    struct host_addresses addresses;
    struct socket_address number;
    struct error err = ERROR_INIT;
    bool is_number = socket_address_parse(text, &number, NULL) == ST_OK;
    enum status st = host_resolver_find(resolver, text, &addresses, &err);

    CHECK(st == ST_OK || st == ST_WOULD_WAIT || st == ST_INVALID);
    CHECK((st == ST_OK) == is_number);
    CHECK((st == ST_INVALID) == (host_address_check(text, NULL) != ST_OK));
    CHECK(st != ST_INVALID || err.text[0] != '\0');
    if (is_number) {
        CHECK(addresses.count == 1 && socket_address_equal(&addresses.list[0], &number));
    }
    if (st == ST_WOULD_WAIT) {
        CHECK(size <= HOST_NAME_BYTES_MAX + 6); /* and a port */
        CHECK(bytes_find_char(text, 0, '\0') == SIZE_MAX &&
              bytes_find_char(text, 0, '/') == SIZE_MAX);
    }
    host_resolver_destroy(&resolver);
    return 0;
}
