/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event loops, listeners and connections.  One loop per thread, each with its own SO_REUSEPORT
 * sockets; requests of a connection run one after the other.  The programs create one server for
 * all of their listeners.
 *
 *   create -> listen* -> start -> (serving) -> drain -> destroy
 */
#ifndef NET_HTTP_SERVER_H
#define NET_HTTP_SERVER_H

#include "base/worker_pool.h"
#include "net/http_exchange.h"

/* Named limits with their reasons stand in net/http_limits.h. */

struct http_limits;
struct http_server;

typedef void http_handler_fn(struct http_exchange *exchange, void *arg);
/* One line of access log per finished request; ON_LOOP, must not wait. */
struct http_log_entry {
    const struct http_request *request;
    int status;
    uint64_t bytes_in;  /* body bytes received */
    uint64_t bytes_out; /* body bytes sent */
    int64_t duration_ns;
    const char *operation;
    const char *error_code;
    struct bytes user;
};
typedef void http_log_fn(const struct http_log_entry *entry, void *arg);

struct http_server_options {
    size_t loop_count;           /* 0: one per core */
    struct worker_pool *workers; /* borrowed */
    struct load *load;           /* borrowed; NULL: nobody is ever held up */
    size_t connection_max;       /* beyond it: 503 SlowDown and close */
    size_t body_memory_bytes;    /* all body buffers, both directions; beyond it 503 SlowDown */
    const char *server_name;     /* value of Server */
    /* Body of the 503 and 400 that the server sends by itself, before any handler runs. */
    struct bytes (*render_error)(struct arena *arena, int http_status, const char *request_id,
                                 struct bytes resource, const char *sentence,
                                 const char **ret_content_type);
    http_log_fn *log; /* NULL: none */
    void *log_arg;
    const struct http_limits *limits; /* copied; NULL: HTTP_LIMITS_DEFAULT of net/http_limits.h */
};

struct http_listen_options {
    const char *address;          /* "127.0.0.1", "::1", or a name of this machine */
    uint16_t port;                /* 0: any free one */
    const char *certificate_file; /* PEM chain; NULL: clear text */
    const char *private_key_file;
    const char *client_authorities_file; /* PEM; clients must show a certificate of theirs; NULL:
                                            none is asked for */
    http_handler_fn *handler;
    void *arg;
    bool is_reserved; /* of operators and other nodes: its connections are kept when descriptors are
                         short */
};

MUST_USE enum status http_server_create(const struct http_server_options *options,
                                        struct http_server **ret_server, struct error *err);
/* Before start.  ST_INVALID for a bad address or certificate, ST_IO if it cannot be bound. */
MUST_USE enum status http_server_listen(struct http_server *server,
                                        const struct http_listen_options *options,
                                        uint16_t *ret_port, struct error *err);
void http_server_start(struct http_server *server);
/* Has one of the files with certificates changed since it was read? */
bool http_server_has_new_certificates(struct http_server *server);
/* Read certificates, keys and authorities of all listeners again, for connections from now on.
 * ST_INVALID: one cannot be used, and its listener keeps what it has. */
MUST_USE enum status http_server_reload_certificates(struct http_server *server, struct error *err);
/* Stop accepting, let requests in flight finish, close idle connections; at most timeout_ms, then
 * cut the rest.  Blocks. */
void http_server_drain(struct http_server *server, int64_t timeout_ms);
void http_server_destroy(struct http_server **take_server);

/* A load_source_fn: closes idle connections while descriptors are critical.  Not after destroy. */
void http_server_read_load(struct load_readings *readings, int64_t now_ns, void *server);
size_t http_server_connection_count(struct http_server *server); /* for metrics */
size_t http_server_body_memory(struct http_server *server);      /* bytes, in use or kept ready */

#endif
