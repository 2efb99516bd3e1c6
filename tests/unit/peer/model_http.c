/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/peer/model_http.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/sign_request.h"
#include "base/check.h"
#include "base/clock.h"
#include "tests/unit/peer/cluster_fixture.h"

#include "base/banned.h"

/* Longer than a stopped target lets a request wait (s). */
#define ANSWER_S_MAX 30
#define READ_BYTES ((size_t)64 << 10)

void
model_http_init(struct model_http *http)
{
    *http = (struct model_http){.answer = BUFFER_INIT, .arena = ARENA_INIT};
    for (size_t i = 0; i < MODEL_HTTP_NODES_MAX; i++) {
        http->fds[i] = -1;
    }
}

static void
disconnect(struct model_http *http, size_t node)
{
    if (http->fds[node] >= 0) {
        close(http->fds[node]);
        http->fds[node] = -1;
    }
}

void
model_http_release(struct model_http *http)
{
    for (size_t i = 0; i < MODEL_HTTP_NODES_MAX; i++) {
        disconnect(http, i);
    }
    buffer_release(&http->answer);
    arena_release(&http->arena);
}

static bool
connect_to(struct model_http *http, size_t node, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval timeout = {.tv_sec = ANSWER_S_MAX};
    int one = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    http->fds[node] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(http->fds[node] >= 0);
    http->ports[node] = port;
    (void)setsockopt(http->fds[node], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    (void)setsockopt(http->fds[node], SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    (void)setsockopt(http->fds[node], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(http->fds[node], (struct sockaddr *)&address, sizeof(address)) != 0) {
        disconnect(http, node);
        return false;
    }
    return true;
}

static void
write_request(struct model_http *http, uint16_t port, const char *method, const char *target,
              const char *const *headers, struct bytes body, struct buffer *out)
{
    struct bytes query = bytes_of_string(target);
    struct bytes path = bytes_cut(&query, '?');
    struct bytes host = arena_printf_bytes(&http->arena, "127.0.0.1:%u", port);
    const char *const *signed_headers;
    struct sign_request_options options = {
        .method = bytes_of_string(method),
        .path = path,
        .query = query,
        .host = host,
        .service = "s3",
        .region = "us-east-1",
        .access_key = BYTES_LITERAL(CLUSTER_FIXTURE_ACCESS_KEY),
        .secret_key = BYTES_LITERAL(CLUSTER_FIXTURE_SECRET_KEY),
        .headers = headers,
        .is_payload_unsigned = true,
        .time_s = clock_wall_s(),
    };

    CHECK(sign_request(&options, &http->arena, &signed_headers, NULL) == ST_OK);
    buffer_printf(out, "%s %s HTTP/1.1\r\nHost: %.*s\r\nContent-Length: %zu\r\n", method, target,
                  BYTES_ARGS(host), body.size);
    for (size_t i = 0; headers != NULL && headers[i] != NULL; i++) {
        buffer_printf(out, "%s\r\n", headers[i]);
    }
    for (size_t i = 0; signed_headers[i] != NULL; i++) {
        buffer_printf(out, "%s\r\n", signed_headers[i]);
    }
    buffer_append_string(out, "\r\n");
    buffer_append_bytes(out, body);
}

static bool
send_all(int fd, struct bytes data)
{
    while (data.size > 0) {
        ssize_t count = send(fd, data.data, data.size, MSG_NOSIGNAL);

        if (count <= 0) {
            return false;
        }
        data = bytes_slice(data, (size_t)count, data.size);
    }
    return true;
}

static bool
receive_more(struct model_http *http, int fd)
{
    char *room = buffer_reserve(&http->answer, READ_BYTES);
    ssize_t count = recv(fd, room, READ_BYTES, 0);

    if (count <= 0) {
        return false;
    }
    http->answer.size += (size_t)count;
    return true;
}

/* False: the connection ended first. */
static bool
receive(struct model_http *http, int fd, bool is_head)
{
    size_t end;
    uint64_t size = 0;
    struct bytes length;

    buffer_clear(&http->answer);
    while ((end = bytes_find(buffer_bytes(&http->answer), 0, BYTES_LITERAL("\r\n\r\n"))) ==
           SIZE_MAX) {
        if (!receive_more(http, fd)) {
            return false;
        }
    }
    http->head = bytes_slice(buffer_bytes(&http->answer), 0, end + 4);
    length = model_http_header(http, "Content-Length");
    if (!is_head && length.data != NULL && bytes_parse_u64(length, INT32_MAX, &size) != ST_OK) {
        return false;
    }
    /* Of documents in pieces nobody needs more than their text: the sizes stay in it. */
    while (!is_head && model_http_header(http, "Transfer-Encoding").data != NULL &&
           !bytes_has_suffix(buffer_bytes(&http->answer), BYTES_LITERAL("\r\n0\r\n\r\n"))) {
        if (!receive_more(http, fd)) {
            return false;
        }
        http->head = bytes_slice(buffer_bytes(&http->answer), 0, end + 4); /* it may have moved */
    }
    while (http->answer.size < end + 4 + size) {
        if (!receive_more(http, fd)) {
            return false;
        }
    }
    http->head = bytes_slice(buffer_bytes(&http->answer), 0, end + 4); /* it may have moved */
    http->body = bytes_slice(buffer_bytes(&http->answer), end + 4, http->answer.size);
    http->status = (int)((http->head.data[9] - '0') * 100 + (http->head.data[10] - '0') * 10 +
                         (http->head.data[11] - '0'));
    return true;
}

void
model_http_ask(struct model_http *http, size_t node, uint16_t port, const char *method,
               const char *target, const char *const *headers, struct bytes body)
{
    struct buffer request = BUFFER_INIT;

    http->status = 0;
    http->head = BYTES_NONE;
    http->body = BYTES_NONE;
    if (http->ports[node] != port) {
        disconnect(http, node);
    }
    if (http->fds[node] < 0 && !connect_to(http, node, port)) {
        return;
    }
    write_request(http, port, method, target, headers, body, &request);
    if (!send_all(http->fds[node], buffer_bytes(&request)) ||
        !receive(http, http->fds[node], bytes_equal_string(bytes_of_string(method), "HEAD"))) {
        http->status = 0;
        disconnect(http, node);
    } else if (bytes_equal_string(model_http_header(http, "Connection"), "close")) {
        disconnect(http, node);
    }
    buffer_release(&request);
    arena_release(&http->arena);
}

struct bytes
model_http_header(const struct model_http *http, const char *name)
{
    struct bytes rest = http->head;
    struct bytes line;

    while ((line = bytes_cut(&rest, '\n')).size > 0) {
        struct bytes value = line;
        struct bytes found = bytes_cut(&value, ':');

        if (bytes_equal_ignore_case(found, name)) {
            value = value.size > 0 && value.data[value.size - 1] == '\r'
                        ? bytes_slice(value, 0, value.size - 1)
                        : value;
            return bytes_trim(value);
        }
        if (rest.size == 0) {
            break;
        }
    }
    return BYTES_NONE;
}
