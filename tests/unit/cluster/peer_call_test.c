/* SPDX-License-Identifier: Apache-2.0 */
/* Who counts among those that wait for one peer. */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "cluster/peer_client.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static const struct peer_key KEY = {1, "an example of a key of a cluster"};

/* Accepts and never answers. */
static int
listen_silently(char address[32])
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    socklen_t size = sizeof(name);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0);
    CHECK(listen(fd, 8) == 0 && getsockname(fd, (struct sockaddr *)&name, &size) == 0);
    snprintf(address, 32, "127.0.0.1:%u", ntohs(name.sin_port));
    return fd;
}

/* Threads of the rebalance may all wait for one peer; clients' requests still may, too. */
TEST(call_that_is_apart_takes_no_place_of_those_that_wait)
{
    struct peer_identity *identity =
        peer_identity_create(BYTES_LITERAL("test-cluster-1"), BYTES_LITERAL("target-1"));
    struct peer_pending *pending[4] = {NULL};
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;
    struct peer_client *client;
    char address[32];
    int fd = listen_silently(address);
    struct peer_call_options call = {.node_id = BYTES_LITERAL("target-2"),
                                     .address = bytes_of_string(address),
                                     .verb = "record"};
    struct peer_call_options apart = call;

    apart.is_apart = true;
    peer_identity_set_keys(identity, &KEY, 1);
    client =
        peer_client_create(&(struct peer_client_options){.identity = identity, .waiting_max = 1});

    EXPECT_OK(peer_call_begin(client, &apart, &arena, &pending[0], &err), &err);
    EXPECT_OK(peer_call_begin(client, &apart, &arena, &pending[1], &err), &err);
    EXPECT_OK(peer_call_begin(client, &call, &arena, &pending[2], &err), &err);
    EXPECT_STATUS(ST_BUSY, peer_call_begin(client, &call, &arena, &pending[3], &err));

    for (size_t i = 0; i < ARRAY_COUNT(pending); i++) {
        peer_call_cancel(&pending[i]);
    }
    EXPECT_OK(peer_call_begin(client, &call, &arena, &pending[3], &err), &err);
    peer_call_cancel(&pending[3]);
    peer_client_destroy(&client);
    peer_identity_destroy(&identity);
    arena_release(&arena);
    close(fd);
}
