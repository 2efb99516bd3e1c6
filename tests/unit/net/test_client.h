/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client for tests that says exactly what it is told to, over a blocking socket or TLS.  Waits at
 * most TEST_CLIENT_TIMEOUT_S, then fails the test.  A failed expectation ends the test, so there is
 * nothing to check in callers.
 */
#ifndef TESTS_UNIT_NET_TEST_CLIENT_H
#define TESTS_UNIT_NET_TEST_CLIENT_H

#include <openssl/ssl.h>

#include "base/bytes.h"

#define TEST_CLIENT_TIMEOUT_S 20

struct test_client {
    int fd;
    SSL_CTX *tls;
    SSL *ssl;
    struct buffer input;
    size_t used; /* of input */
};

struct test_response {
    int status;
    struct buffer head; /* with the empty line */
    struct buffer body;
    bool is_complete; /* false: the connection ended before the body did */
};

void test_client_open(struct test_client *client, uint16_t port);
/* As open, with TLS; the certificate is not verified.  alpn: NULL or one protocol. */
void test_client_open_tls(struct test_client *client, uint16_t port, const char *alpn);
void test_client_close(struct test_client *client);
/* Reset instead of a clean end. */
void test_client_abort(struct test_client *client);
void test_client_end_sending(struct test_client *client);
void test_client_send(struct test_client *client, const char *text);
void test_client_send_bytes(struct test_client *client, const void *data, size_t size);
/* As far as the server takes it; false once it does not. */
bool test_client_try_send(struct test_client *client, const void *data, size_t size);
/* The next response, which is to a HEAD request if is_head. */
void test_client_read(struct test_client *client, bool is_head, struct test_response *response);
/* Send, read, expect that status. */
void test_client_ask(struct test_client *client, const char *text, int status,
                     struct test_response *response);
/* "HTTP/1.1 100 Continue" and nothing else so far. */
void test_client_expect_continue(struct test_client *client);
/* Read something and forget it; false at the end. */
bool test_client_try_read(struct test_client *client);
/* The server has closed, and nothing more has come. */
void test_client_expect_end(struct test_client *client);
/* Nothing can be read now. */
bool test_client_is_quiet(struct test_client *client);

/* Value of a header, BYTES_NONE if there is none.  name as written. */
struct bytes test_response_header(const struct test_response *response, const char *name);
void test_response_release(struct test_response *response);

#endif
