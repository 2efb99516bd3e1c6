/* SPDX-License-Identifier: Apache-2.0 */
#include "net/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/banned.h"

/* The longest numeric address has INET6_ADDRSTRLEN bytes with its NUL. */
static bool
take_host(struct bytes host, uint16_t port, struct socket_address *address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address->storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->storage;
    bool is_bracketed = host.size >= 2 && host.data[0] == '[' && host.data[host.size - 1] == ']';
    char text[INET6_ADDRSTRLEN];

    if (is_bracketed) {
        host = bytes_slice(host, 1, host.size - 1);
    }
    if (host.size == 0 || host.size >= sizeof(text)) {
        return false;
    }
    memcpy(text, host.data, host.size);
    text[host.size] = '\0';
    memset(address, 0, sizeof(*address));
    if (is_bracketed) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        address->size = sizeof(*v6);
        return inet_pton(AF_INET6, text, &v6->sin6_addr) == 1;
    }
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address->size = sizeof(*v4);
    return inet_pton(AF_INET, text, &v4->sin_addr) == 1;
}

enum status
socket_address_parse(struct bytes text, struct socket_address *ret_address, struct error *err)
{
    struct socket_address address;
    size_t colon = text.size;
    uint64_t port = 0;

    while (colon > 0 && text.data[colon - 1] != ':') {
        colon--;
    }
    if (colon == 0 ||
        bytes_parse_u64(bytes_slice(text, colon, text.size), UINT16_MAX, &port) != ST_OK ||
        port == 0 || !take_host(bytes_slice(text, 0, colon - 1), (uint16_t)port, &address)) {
        return fail(err, ST_INVALID, "'%.*s' is not a numeric address with a port",
                    BYTES_ARGS(text));
    }
    *ret_address = address;
    return ST_OK;
}

bool
socket_address_equal(const struct socket_address *a, const struct socket_address *b)
{
    return a->size == b->size && memcmp(&a->storage, &b->storage, a->size) == 0;
}

bool
socket_address_is_loopback(const struct socket_address *address)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->storage;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->storage;

    return address->storage.ss_family == AF_INET6 ? IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr)
                                                  : ntohl(v4->sin_addr.s_addr) >> 24 == 127;
}
