/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a connection that this node has opened to another one: clear, or TLS on the same
 * non-blocking socket.  Embedded by net/http_channel.c (on a loop) and net/call_connection.c
 * (blocking), which own the descriptor and wait; one thread at a time.
 *
 *   begin -> handshake* -> send*, receive* -> end
 *
 * With TLS, the other side's certificate must be for the host of `name`, by name or by address.
 * Nothing is read ahead of what receive was asked for, but a record may stand here: the socket says
 * that there is more only after receive has answered ST_WOULD_WAIT.
 */
#ifndef NET_WIRE_H
#define NET_WIRE_H

#include <sys/uio.h>

#include "base/bytes.h"
#include "net/host_resolver.h"
#include "net/tls_context.h"

/* A name in DNS has at most 253 characters; the rest is brackets and a port. */
#define WIRE_NAME_BYTES_MAX 272

struct ssl_st;

/* Where a node is, and how it is spoken to. */
struct wire_options {
    struct bytes host;              /* "host:port", as others call the node */
    struct socket_address address;  /* size 0: the host is looked up */
    struct host_resolver *resolver; /* of hosts that are looked up */
    struct tls_context *tls;        /* NULL: clear text */
    bool is_local_only;             /* clear text goes to this machine alone */
};

struct wire {
    struct wire_options options; /* its host is name */
    int fd;
    struct ssl_st *ssl; /* NULL: clear */
    bool wants_write;   /* of a handshake that would wait: for room, else for bytes */
    bool is_begun;      /* the handshake has ended well */
    bool is_half_sent;  /* a record that must be sent again as it was */
    const char *alert;  /* why the other side refused this node's certificate; NULL: it has not */
    size_t name_size;
    char name[WIRE_NAME_BYTES_MAX];
};

/* May it be spoken to at that address?  ST_UNAVAILABLE. */
MUST_USE enum status wire_check_address(const struct wire_options *options,
                                        const struct socket_address *address, struct error *err);
void wire_begin(struct wire *wire, int fd, const struct wire_options *options);
/* Would another one of these options lead to the same? */
bool wire_leads_to(const struct wire *wire, const struct wire_options *options);
/* ST_OK: at once where it is clear.  ST_WOULD_WAIT: see wants_write.  ST_UNAVAILABLE, with a
 * sentence: it is not the node that is meant, or no TLS is spoken. */
MUST_USE enum status wire_handshake(struct wire *wire, struct error *err);
/* *ret_size bytes of the parts, at least one.  ST_WOULD_WAIT: the same parts again once there is
 * room.  ST_CLOSED. */
MUST_USE enum status wire_send(struct wire *wire, const struct iovec *parts, size_t count,
                               size_t *ret_size);
/* At least one byte.  ST_WOULD_WAIT, ST_CLOSED. */
MUST_USE enum status wire_receive(struct wire *wire, char *out, size_t room, size_t *ret_size);
/* Does nothing stand in this process, in either direction?  No system call. */
bool wire_is_drained(const struct wire *wire);
/* Has something come that was not received? */
bool wire_has_input(const struct wire *wire);
/* Nothing has come, the other side is there, and everything was sent. */
bool wire_is_quiet(const struct wire *wire);
/* Says good-bye and forgets; the descriptor stays open. */
void wire_end(struct wire *wire);

#endif
