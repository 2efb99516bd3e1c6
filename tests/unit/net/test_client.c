/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/net/test_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/encode.h"
#include "tests/unit/test.h"

#include "base/banned.h"

void
test_client_open(struct test_client *client, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval timeout = {.tv_sec = TEST_CLIENT_TIMEOUT_S};

    memset(client, 0, sizeof(*client));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT(client->fd != -1);
    EXPECT(setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0);
    EXPECT(setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) == 0);
    EXPECT(connect(client->fd, (struct sockaddr *)&address, sizeof(address)) == 0);
}

void
test_client_open_tls(struct test_client *client, uint16_t port, const char *alpn)
{
    unsigned char protocols[32];

    test_client_open(client, port);
    client->tls = SSL_CTX_new(TLS_client_method());
    client->ssl = SSL_new(client->tls);
    if (alpn != NULL) {
        protocols[0] = (unsigned char)strlen(alpn);
        memcpy(protocols + 1, alpn, protocols[0]);
        EXPECT(SSL_set_alpn_protos(client->ssl, protocols, 1U + protocols[0]) == 0);
    }
    EXPECT(SSL_set_fd(client->ssl, client->fd) == 1);
    EXPECT(SSL_connect(client->ssl) == 1);
}

void
test_client_close(struct test_client *client)
{
    if (client->ssl != NULL) {
        (void)SSL_shutdown(client->ssl);
        SSL_free(client->ssl);
        SSL_CTX_free(client->tls);
        client->ssl = NULL;
        client->tls = NULL;
    }
    close(client->fd);
    client->fd = -1;
    buffer_release(&client->input);
}

void
test_client_abort(struct test_client *client)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    EXPECT(setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0);
    SSL_free(client->ssl);
    SSL_CTX_free(client->tls);
    client->ssl = NULL;
    client->tls = NULL;
    test_client_close(client);
}

void
test_client_end_sending(struct test_client *client)
{
    EXPECT(shutdown(client->fd, SHUT_WR) == 0);
}

bool
test_client_try_send(struct test_client *client, const void *data, size_t size)
{
    const char *at = data;

    while (size > 0) {
        ssize_t part;

        if (client->ssl != NULL) {
            part = SSL_write(client->ssl, at, size > INT32_MAX ? INT32_MAX : (int)size);
        } else {
            part = send(client->fd, at, size, MSG_NOSIGNAL);
        }
        if (part <= 0) {
            return false;
        }
        at += part;
        size -= (size_t)part;
    }
    return true;
}

void
test_client_send_bytes(struct test_client *client, const void *data, size_t size)
{
    EXPECT(test_client_try_send(client, data, size));
}

void
test_client_send(struct test_client *client, const char *text)
{
    test_client_send_bytes(client, text, strlen(text));
}

/* More input; false at the end. */
static bool
receive(struct test_client *client)
{
    char *room = buffer_reserve(&client->input, 256 * 1024);
    ssize_t size;

    if (client->ssl != NULL) {
        size = SSL_read(client->ssl, room, 256 * 1024);
    } else {
        size = recv(client->fd, room, 256 * 1024, 0);
        if (size == -1) {
            EXPECT(errno != EAGAIN); /* the server does not answer */
        }
    }
    if (size <= 0) {
        return false;
    }
    client->input.size += (size_t)size;
    return true;
}

static struct bytes
unused_of(const struct test_client *client)
{
    return bytes_slice(buffer_bytes(&client->input), client->used, client->input.size);
}

/* At least size unused bytes, or what comes until the end. */
static struct bytes
require(struct test_client *client, size_t size)
{
    while (unused_of(client).size < size && receive(client)) {
    }
    return unused_of(client);
}

static size_t
find_end_of_line(struct test_client *client, const char *end)
{
    size_t at;

    while ((at = bytes_find(unused_of(client), 0, bytes_of_string(end))) == SIZE_MAX) {
        EXPECT(receive(client)); /* the connection ended inside a head */
    }
    return at + strlen(end);
}

static void
read_counted(struct test_client *client, uint64_t size, struct test_response *response)
{
    struct bytes input = require(client, size);
    size_t part = input.size < size ? input.size : size;

    buffer_append(&response->body, input.data, part);
    client->used += part;
    response->is_complete = part == size;
}

static void
read_chunks(struct test_client *client, struct test_response *response)
{
    for (;;) {
        struct bytes input;
        uint64_t size;
        size_t at;

        while ((at = bytes_find(unused_of(client), 0, BYTES_LITERAL("\r\n"))) == SIZE_MAX) {
            if (!receive(client)) {
                return;
            }
        }
        size = strtoull(unused_of(client).data, NULL, 16);
        client->used += at + 2;
        input = require(client, size + 2);
        if (input.size < size + 2) {
            return;
        }
        buffer_append(&response->body, input.data, size);
        EXPECT(input.data[size] == '\r' && input.data[size + 1] == '\n');
        client->used += size + 2;
        if (size == 0) {
            response->is_complete = true;
            return;
        }
    }
}

void
test_client_read(struct test_client *client, bool is_head, struct test_response *response)
{
    size_t head_size = find_end_of_line(client, "\r\n\r\n");
    struct bytes length;
    uint64_t size = 0;

    test_response_release(response);
    buffer_append(&response->head, unused_of(client).data, head_size);
    client->used += head_size;
    EXPECT(response->head.size > 12);
    response->status = (int)strtol(response->head.data + 9, NULL, 10);
    response->is_complete = true;
    if (is_head || response->status == 204 || response->status == 304) {
        return;
    }
    length = test_response_header(response, "Content-Length");
    if (length.data != NULL) {
        EXPECT_STATUS(ST_OK, bytes_parse_u64(length, INT64_MAX, &size));
        read_counted(client, size, response);
    } else if (test_response_header(response, "Transfer-Encoding").data != NULL) {
        response->is_complete = false;
        read_chunks(client, response);
    } else {
        read_counted(client, SIZE_MAX / 2, response);
        response->is_complete = true;
    }
}

void
test_client_ask(struct test_client *client, const char *text, int status,
                struct test_response *response)
{
    test_client_send(client, text);
    test_client_read(client, strncmp(text, "HEAD ", 5) == 0, response);
    EXPECT_INT(status, response->status);
}

void
test_client_expect_continue(struct test_client *client)
{
    size_t size = find_end_of_line(client, "\r\n\r\n");

    EXPECT_BYTES(BYTES_LITERAL("HTTP/1.1 100 Continue\r\n\r\n"),
                 bytes_slice(unused_of(client), 0, size));
    client->used += size;
}

bool
test_client_try_read(struct test_client *client)
{
    buffer_clear(&client->input);
    client->used = 0;
    return receive(client);
}

void
test_client_expect_end(struct test_client *client)
{
    EXPECT_INT(0, unused_of(client).size);
    EXPECT(!receive(client));
}

bool
test_client_is_quiet(struct test_client *client)
{
    struct pollfd poll_fd = {.fd = client->fd, .events = POLLIN};

    return unused_of(client).size == 0 && poll(&poll_fd, 1, 0) == 0;
}

struct bytes
test_response_header(const struct test_response *response, const char *name)
{
    struct bytes head = buffer_bytes(&response->head);
    size_t name_size = strlen(name);

    while (head.size != 0) {
        struct bytes line = bytes_cut(&head, '\n');

        if (line.size > name_size && line.data[name_size] == ':' &&
            memcmp(line.data, name, name_size) == 0) {
            line = bytes_slice(line, name_size + 1, line.size);
            line.size -= line.size != 0 && line.data[line.size - 1] == '\r';
            return bytes_trim(line);
        }
    }
    return BYTES_NONE;
}

void
test_response_release(struct test_response *response)
{
    buffer_release(&response->head);
    buffer_release(&response->body);
    *response = (struct test_response){.status = 0};
}
