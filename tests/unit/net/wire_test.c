/* SPDX-License-Identifier: Apache-2.0 */
/* Who may speak to whom over TLS.  Bodies in both directions: http_caller_tls_test,
 * http_relay_tls_test. */
#include "net/wire.h"

#include <stdio.h>

#include "base/memory.h"
#include "net/http_caller.h"
#include "tests/unit/net/test_authority.h"
#include "tests/unit/net/test_server.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct test_authority ours;
static struct test_authority foreign;
static struct test_server server;
static struct http_caller *caller;
static struct arena arena;
static struct error err;

static void
answer(struct http_exchange *exchange, enum status st, struct bytes body)
{
    test_respond(exchange, 200, "hello");
}

static void
handle(struct http_exchange *exchange, void *arg)
{
    http_exchange_read_body(exchange, 1024, answer);
}

struct tls_side {
    const struct test_authority *issuer;
    const struct test_authority *trusts;
    struct test_identity identity;
    struct test_identity_files files;
};

static struct tls_files
make(struct tls_side *side)
{
    test_authority_sign(side->issuer, &side->identity, &side->files);
    return test_tls_files(side->trusts, &side->files);
}

static void
start(struct tls_side *side)
{
    struct tls_files files;

    arena = ARENA_INIT;
    err = ERROR_INIT;
    caller = http_caller_create();
    files = make(side);
    test_server_start(
        &server, &(struct test_server_options){.handler = handle, .has_tls = true, .tls = &files});
}

static void
stop(void)
{
    http_caller_destroy(&caller);
    test_server_stop(&server);
    arena_release(&arena);
}

static enum status
call(const char *host, uint16_t port, struct tls_context *tls)
{
    struct http_call_options options = {.wire.host = bytes_of_string(host),
                                        .wire.tls = tls,
                                        .path = BYTES_LITERAL("/x"),
                                        .prefix = BYTES_LITERAL("prefix"),
                                        .timeout_ms = 10000};
    struct http_call_result result;
    char text[32];
    enum status st;

    snprintf(text, sizeof(text), "127.0.0.1:%u", port);
    EXPECT_STATUS(ST_OK, socket_address_parse(bytes_of_string(text), &options.wire.address, NULL));
    st = http_caller_call(caller, &options, &arena, &result, &err);
    if (st == ST_OK) {
        EXPECT_INT(200, result.head.status);
        source_release(&result.body);
    }
    return st;
}

static bool
err_says(const char *text)
{
    return bytes_find(bytes_of_string(err.text), 0, bytes_of_string(text)) != SIZE_MAX;
}

/* One pair of nodes. */
struct encounter {
    const char *host; /* by which the server is called */
    struct tls_side server;
    struct tls_side client;
    const char *sentence; /* NULL: they understand each other */
};

static void
meet(struct encounter *encounter)
{
    struct tls_context *tls;
    struct tls_files files;
    enum status st;

    start(&encounter->server);
    files = make(&encounter->client);
    EXPECT_STATUS(ST_OK, tls_context_create(TLS_CLIENT, &files, &tls, NULL));
    st = call(encounter->host, server.tls_port, tls);
    if (encounter->sentence == NULL) {
        EXPECT_STATUS(ST_OK, st);
    } else {
        printf("# %s\n", err.text);
        EXPECT_STATUS(ST_UNAVAILABLE, st);
        EXPECT(err_says(encounter->sentence));
    }
    stop();
    tls_context_destroy(&tls);
}

#define NODE(names)                                                                                \
    {                                                                                              \
        &ours, &ours, {.name = "server", .alt_names = (names)},                                    \
        {                                                                                          \
            "", ""                                                                                 \
        }                                                                                          \
    }
#define CLIENT                                                                                     \
    {                                                                                              \
        &ours, &ours, {.name = "client", .alt_names = "DNS:client"},                               \
        {                                                                                          \
            "", ""                                                                                 \
        }                                                                                          \
    }

/* SPEC: RFC 9110 4.3.4: the certificate is for the host of the address, by name or by number. */
TEST(a_node_is_known_by_its_name_or_its_address)
{
    struct encounter encounters[] = {
        {"127.0.0.1:7", NODE("IP:127.0.0.1"), CLIENT, NULL},
        {"[::1]:7", NODE("IP:::1"), CLIENT, NULL},
        {"node-1.pods.example:7", NODE("DNS:node-1.pods.example"), CLIENT, NULL},
        {"node-1.pods.example:7", NODE("DNS:*.pods.example"), CLIENT, NULL},
        {"127.0.0.1:7", NODE("IP:127.0.0.2,DNS:127.0.0.1"), CLIENT, "mismatch"},
        {"node-2.pods.example:7", NODE("DNS:node-1.pods.example"), CLIENT, "mismatch"},
        {"node.a.pods.example:7", NODE("DNS:*.pods.example"), CLIENT, "mismatch"},
        {"server:7", NODE(NULL), CLIENT, "mismatch"}, /* that is its common name */
    };

    test_authority_create(&ours, "ours");
    for (size_t i = 0; i < ARRAY_COUNT(encounters); i++) {
        meet(&encounters[i]);
    }
    test_authority_release(&ours);
}

/* A certificate of another authority, or of yesterday, on either side: refused, and both know why.
 */
TEST(strangers_and_the_expired_are_refused_on_both_sides)
{
    struct encounter encounters[] = {
        {"node:7",
         {&foreign, &foreign, {.name = "server", .alt_names = "DNS:node"}, {"", ""}},
         CLIENT,
         "The certificate of the node at node:7 is refused"},
        {"node:7",
         {&ours, &ours, {.name = "server", .alt_names = "DNS:node", .is_expired = true}, {"", ""}},
         CLIENT,
         "certificate has expired"},
        {"node:7",
         NODE("DNS:node"),
         {&foreign, &ours, {.name = "client", .alt_names = "DNS:client"}, {"", ""}},
         "refused this node's certificate: tlsv1 alert unknown ca"},
        {"node:7",
         NODE("DNS:node"),
         {&ours, &ours, {.name = "client", .alt_names = NULL, .is_expired = true}, {"", ""}},
         "refused this node's certificate: sslv3 alert certificate expired"},
    };

    test_authority_create(&ours, "ours");
    test_authority_create(&foreign, "foreign");
    for (size_t i = 0; i < ARRAY_COUNT(encounters); i++) {
        meet(&encounters[i]);
    }
    test_authority_release(&foreign);
    test_authority_release(&ours);
}

/* Neither clear text to a port of TLS nor the reverse is answered, or waits for long. */
TEST(clear_text_and_tls_do_not_meet)
{
    struct tls_side node = NODE("DNS:node");
    struct tls_context *tls;
    struct tls_files files;

    test_authority_create(&ours, "ours");
    start(&node);
    files = test_tls_files(&ours, &node.files);
    EXPECT_STATUS(ST_OK, tls_context_create(TLS_CLIENT, &files, &tls, NULL));
    EXPECT_STATUS(ST_CLOSED, call("node:7", server.tls_port, NULL));
    EXPECT_STATUS(ST_UNAVAILABLE, call("node:7", server.port, tls));
    EXPECT(err_says("does not speak TLS"));
    EXPECT_STATUS(ST_OK, call("node:7", server.tls_port, tls));
    EXPECT_STATUS(ST_OK, call("node:7", server.port, NULL));
    stop();
    tls_context_destroy(&tls);
    test_authority_release(&ours);
}

/* A kept connection is not taken for another node, nor a clear one where TLS is wanted. */
TEST(connections_are_kept_by_name)
{
    struct tls_side node = NODE("DNS:node");
    struct tls_context *tls;
    struct tls_files files;

    test_authority_create(&ours, "ours");
    start(&node);
    files = test_tls_files(&ours, &node.files);
    EXPECT_STATUS(ST_OK, tls_context_create(TLS_CLIENT, &files, &tls, NULL));
    EXPECT_STATUS(ST_OK, call("node:7", server.tls_port, tls));
    EXPECT_STATUS(ST_UNAVAILABLE, call("other:7", server.tls_port, tls));
    EXPECT(err_says("mismatch"));
    stop();
    tls_context_destroy(&tls);
    test_authority_release(&ours);
}

/* New certificates are taken by both ends while they serve; a certificate without its key changes
 * nothing. */
TEST(certificates_are_read_again)
{
    struct tls_side node = {
        &ours, &ours, {.name = "node", .alt_names = "DNS:node", .is_expired = true}, {"", ""}};
    struct test_identity_files half;
    struct tls_context *tls;
    struct tls_files files;

    test_authority_create(&ours, "ours");
    start(&node);
    files = test_tls_files(&ours, &node.files);
    EXPECT_STATUS(ST_OK, tls_context_create(TLS_CLIENT, &files, &tls, NULL));
    EXPECT(!tls_context_is_outdated(tls) && !http_server_has_new_certificates(server.server));
    EXPECT_STATUS(ST_UNAVAILABLE, call("node:7", server.tls_port, tls));

    node.identity.is_expired = false;
    make(&node);
    EXPECT(tls_context_is_outdated(tls) && http_server_has_new_certificates(server.server));
    EXPECT_STATUS(ST_UNAVAILABLE, call("node:7", server.tls_port, tls));
    EXPECT_STATUS(ST_OK, http_server_reload_certificates(server.server, &err));
    EXPECT_STATUS(ST_OK, tls_context_reload(tls, &err));
    EXPECT_STATUS(ST_OK, call("node:7", server.tls_port, tls));
    EXPECT(!tls_context_is_outdated(tls) && !http_server_has_new_certificates(server.server));

    test_authority_sign(&ours, &(struct test_identity){.name = "half"}, &half);
    EXPECT(rename(half.key, node.files.key) == 0);
    EXPECT(tls_context_is_outdated(tls));
    EXPECT_STATUS(ST_INVALID, http_server_reload_certificates(server.server, &err));
    EXPECT_STATUS(ST_INVALID, tls_context_reload(tls, &err));
    http_caller_destroy(&caller);
    caller = http_caller_create();
    EXPECT_STATUS(ST_OK, call("node:7", server.tls_port, tls));
    stop();
    tls_context_destroy(&tls);
    test_authority_release(&ours);
}
