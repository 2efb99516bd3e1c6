/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server for tests: one loop, a few workers, short timeouts where a test asks for them, and a
 * record of its access log.  Also a gate, with which tests hold a worker where they want it.
 */
#ifndef TESTS_UNIT_NET_TEST_SERVER_H
#define TESTS_UNIT_NET_TEST_SERVER_H

#include <pthread.h>

#include "net/http_limits.h"
#include "net/http_server.h"
#include "net/tls_context.h"

#define TEST_SERVER_WORKERS 4

struct test_server {
    struct worker_pool *workers;
    struct http_server *server;
    uint16_t port;
    uint16_t tls_port; /* 0: none */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t log_count;           /* guarded by lock */
    struct http_log_entry last; /* guarded by lock; request is NULL */
    char last_path[64];         /* guarded by lock */
};

struct test_server_options {
    http_handler_fn *handler;
    void *arg;
    const struct http_limits *limits;
    struct load *load;           /* borrowed; NULL: none */
    size_t connection_max;       /* 0: 1000 */
    size_t body_memory_bytes;    /* 0: 8 MiB */
    size_t loop_count;           /* 0: 1 */
    bool has_tls;                /* a listener beside the clear one */
    const struct tls_files *tls; /* of that listener; NULL: a certificate of its own making */
};

void test_server_start(struct test_server *server, const struct test_server_options *options);
void test_server_stop(struct test_server *server);
/* Blocks until so many requests were logged since the start. */
void test_server_wait_logged(struct test_server *server, size_t count);

/* Write a self-signed certificate and its key; the names are borrowed until the test ends. */
void test_certificate(const char **ret_certificate_file, const char **ret_key_file);

struct test_gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t entered_count;
    bool is_open;
};

#define TEST_GATE_INIT                                                                             \
    ((struct test_gate){PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, false})

void test_gate_pass(struct test_gate *gate); /* waits until it is open */
void test_gate_open(struct test_gate *gate);
void test_gate_wait_entered(struct test_gate *gate, size_t count);

/* Answer with a text. */
void test_respond(struct http_exchange *exchange, int status, const char *text);

#endif
