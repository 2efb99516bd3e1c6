/* SPDX-License-Identifier: Apache-2.0 */
/* A numeric address and port, as nodes publish theirs: "192.0.2.1:8080", "[2001:db8::1]:8080". */
#ifndef NET_SOCKET_ADDRESS_H
#define NET_SOCKET_ADDRESS_H

#include <sys/socket.h>

#include "base/bytes.h"

struct socket_address {
    struct sockaddr_storage storage;
    socklen_t size;
};

/* ST_INVALID: no number, or port 0. */
MUST_USE enum status socket_address_parse(struct bytes text, struct socket_address *ret_address,
                                          struct error *err);
bool socket_address_equal(const struct socket_address *a, const struct socket_address *b);
/* 127.0.0.0/8 or ::1: nobody else hears what is said there. */
bool socket_address_is_loopback(const struct socket_address *address);

#endif
