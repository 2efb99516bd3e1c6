/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"

#include "base/banned.h"

struct address {
    struct sockaddr_storage storage;
    socklen_t size;
};

/* A name of this machine: its first address.  Blocks, before anything is served. */
static enum status
find_own_address(const char *name, uint16_t port, struct address *ret_address, struct error *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char service[8];
    int result;

    /* What ends with a number is meant as one. */
    if (name[0] == '\0' || strchr("0123456789.", name[strlen(name) - 1]) != NULL) {
        return fail(err, ST_INVALID, "%s is not an IPv4 or IPv6 address", name);
    }
    snprintf(service, sizeof(service), "%u", port);
    result = getaddrinfo(name, service, &hints, &list);
    if (result != 0) {
        return fail(err, ST_INVALID, "%s is no address, and as a name it cannot be looked up: %s",
                    name, gai_strerror(result));
    }
    memset(ret_address, 0, sizeof(*ret_address));
    memcpy(&ret_address->storage, list->ai_addr, list->ai_addrlen);
    ret_address->size = list->ai_addrlen;
    freeaddrinfo(list);
    return ST_OK;
}

static enum status
parse_address(const char *text, uint16_t port, struct address *ret_address, struct error *err)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&ret_address->storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&ret_address->storage;

    memset(ret_address, 0, sizeof(*ret_address));
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        ret_address->size = sizeof(*v4);
        return ST_OK;
    }
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        ret_address->size = sizeof(*v6);
        return ST_OK;
    }
    return find_own_address(text, port, ret_address, err);
}

static uint16_t
port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);

    CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

static enum status
set_options(int fd, bool is_tls, bool is_v6, struct error *err)
{
    int on = 1;
    int receive_bytes = HTTP_TLS_RECEIVE_BUFFER_BYTES;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0 ||
        (is_v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0) ||
        (is_tls &&
         setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes)) != 0)) {
        return fail_errno(err, ST_IO, "cannot set the options of a listening socket");
    }
    return ST_OK;
}

static enum status
open_socket(const struct address *address, bool is_tls, int *ret_fd, struct error *err)
{
    int family = address->storage.ss_family;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    enum status st;

    if (fd == -1) {
        return fail_errno(err, ST_IO, "cannot create a listening socket");
    }
    st = set_options(fd, is_tls, family == AF_INET6, err);
    if (st == ST_OK && (bind(fd, (const struct sockaddr *)&address->storage, address->size) != 0 ||
                        listen(fd, HTTP_LISTEN_BACKLOG) != 0)) {
        st = fail_errno(err, ST_IO, "cannot bind the address");
    }
    if (st != ST_OK) {
        close(fd);
        return st;
    }
    *ret_fd = fd;
    return ST_OK;
}

static enum status
open_sockets(struct http_listener *listener, const struct http_listen_options *options,
             size_t loop_count, struct error *err)
{
    struct address address;
    enum status st;

    listener->port = options->port;
    for (size_t i = 0; i < loop_count; i++) {
        /* The first one finds a free port, the others share it. */
        st = parse_address(options->address, listener->port, &address, err);
        if (st != ST_OK) {
            return st;
        }
        st = open_socket(&address, listener->tls != NULL, &listener->sockets[i], err);
        if (st != ST_OK) {
            return fail(err, st, "cannot listen on %s port %u: %s", options->address,
                        listener->port, strerror(err != NULL ? err->sys_errno : 0));
        }
        listener->socket_count++;
        listener->port = port_of(listener->sockets[i]);
    }
    return ST_OK;
}

/* Another server may share the port by accident of SO_REUSEPORT: refuse that, unless it is 0. */
static enum status
check_port_is_free(const struct http_listen_options *options, struct error *err)
{
    struct address address;
    enum status st = parse_address(options->address, options->port, &address, err);
    int on = 1;
    int fd;

    if (st != ST_OK || options->port == 0) {
        return st;
    }
    fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return fail_errno(err, ST_IO, "cannot create a listening socket");
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        (address.storage.ss_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0) ||
        bind(fd, (const struct sockaddr *)&address.storage, address.size) != 0) {
        st = fail_errno(err, ST_IO, "cannot listen on %s port %u", options->address, options->port);
    }
    close(fd);
    return st;
}

enum status
http_listener_create(const struct http_listen_options *options, size_t loop_count,
                     struct http_listener **ret_listener, struct error *err)
{
    struct http_listener *listener = xcalloc(1, sizeof(*listener));
    enum status st;

    CHECK(loop_count <= HTTP_LOOPS_MAX && options->handler != NULL);
    listener->handler = options->handler;
    listener->arg = options->arg;
    listener->is_reserved = options->is_reserved;
    st = check_port_is_free(options, err);
    if (st != ST_OK) {
        goto out;
    }
    if (options->certificate_file != NULL) {
        const struct tls_files files = {options->certificate_file, options->private_key_file,
                                        options->client_authorities_file};

        listener->is_mutual = files.authorities != NULL;
        st = tls_context_create(TLS_SERVER, &files, &listener->tls, err);
        if (st != ST_OK) {
            goto out;
        }
    }
    st = open_sockets(listener, options, loop_count, err);
    if (st == ST_OK) {
        *ret_listener = listener;
        listener = NULL;
    }
out:
    http_listener_destroy(&listener);
    return st;
}

void
http_listener_destroy(struct http_listener **take_listener)
{
    struct http_listener *listener = *take_listener;

    if (listener == NULL) {
        return;
    }
    for (size_t i = 0; i < listener->socket_count; i++) {
        if (listener->sockets[i] != -1) {
            close(listener->sockets[i]);
        }
    }
    tls_context_destroy(&listener->tls);
    free(listener);
    *take_listener = NULL;
}
