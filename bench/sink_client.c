/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A load generator that costs as little as possible: on two cores any other client mostly measures
 * itself.  One thread, epoll; requests are signed before the clock starts; bodies received are
 * thrown away inside the kernel (MSG_TRUNC), bodies sent come from one buffer.  Closed loop (each
 * connection sends its next request when it has its answer) or open loop (--rate: requests leave on
 * schedule, latency counts from the time a request should have left).  Prints one JSON line.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "auth/sign_request.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/entropy.h"
#include "base/memory.h"
#include "bench/histogram.h"

#include "base/banned.h"

#define HEAD_BYTES_MAX 16384
#define DISCARD_BYTES ((size_t)4 << 20)
#define CONNECTION_MAX 20000

struct settings {
    const char *address;
    uint16_t port;
    const char *method;
    const char *bucket;     /* path before the key, without slashes at its ends */
    const char *key_format; /* printf form with one number */
    uint64_t key_count;
    uint64_t key_first;
    uint64_t directory_keys; /* so many keys share a first path segment; 0: keys have none */
    bool is_sequential;      /* keys one after the other, each once */
    uint64_t body_bytes;
    size_t connection_count;
    double duration_s;
    uint64_t request_max;
    double rate; /* requests per second; 0: closed loop */
    bool is_signed;
    bool is_idle; /* open the connections, send one request on each, then sleep */
    const char *query;
};

enum state { IDLE, SENDING, HEAD, BODY };

struct connection {
    int fd;
    enum state state;
    struct bytes head; /* of the request */
    uint64_t sent;     /* of head and body together */
    int64_t due_ns;    /* when the request should have left */
    char *answer;      /* head of the answer, HEAD_BYTES_MAX; only while one is awaited */
    size_t answer_size;
    uint64_t body_left;
};

static struct settings settings;
static struct connection *connections;
static struct bytes *heads;
static char *body;
static char *discard;
static int epoll_fd;
static struct prng prng;
static struct histogram latencies;
static uint64_t started_count;
static uint64_t done_count;
static uint64_t error_count;
static uint64_t received_bytes;
static int last_error_status;
static int64_t end_ns;
static volatile sig_atomic_t is_told_to_end; /* SIGTERM: what is under way is finished */
static int64_t begin_ns;

static void
die(const char *what)
{
    perror(what);
    exit(2);
}

/* All requests are made in advance: a signature is good for 15 minutes. */
static void
make_heads(struct arena *arena)
{
    const char *access_key = getenv("AWS_ACCESS_KEY_ID");
    const char *secret_key = getenv("AWS_SECRET_ACCESS_KEY");
    char *host = arena_printf(arena, "%s:%u", settings.address, settings.port);

    heads = xcalloc(settings.key_count, sizeof(*heads));
    for (uint64_t i = 0; i < settings.key_count; i++) {
        struct arena scratch = ARENA_INIT;
        struct buffer head = BUFFER_INIT;
        unsigned long long key_number = settings.key_first + i;
        char directory[32] = "";
        char key[256];
        char *path;

        if (settings.directory_keys > 0) {
            snprintf(directory, sizeof(directory), "d%06llu/",
                     key_number / settings.directory_keys);
        }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(key, sizeof(key), settings.key_format, key_number);
#pragma GCC diagnostic pop
        path = arena_printf(&scratch, "/%s%s%s%s", settings.bucket, key[0] != '\0' ? "/" : "",
                            directory, key);
        buffer_printf(&head, "%s %s%s%s HTTP/1.1\r\nHost: %s\r\n", settings.method, path,
                      settings.query != NULL ? "?" : "",
                      settings.query != NULL ? settings.query : "", host);
        if (settings.body_bytes > 0) {
            buffer_printf(&head, "Content-Length: %" PRIu64 "\r\n", settings.body_bytes);
        }
        if (settings.is_signed) {
            struct sign_request_options options = {
                .method = bytes_of_string(settings.method),
                .path = bytes_of_string(path),
                .query = bytes_of_string(settings.query),
                .host = bytes_of_string(host),
                .service = "s3",
                .region = "us-east-1",
                .access_key = bytes_of_string(access_key),
                .secret_key = bytes_of_string(secret_key),
                .is_payload_unsigned = true,
                .time_s = clock_wall_s(),
            };
            const char *const *headers = NULL;
            struct error err = ERROR_INIT;

            if (sign_request(&options, &scratch, &headers, &err) != ST_OK) {
                fprintf(stderr, "%s\n", err.text);
                exit(2);
            }
            for (size_t k = 0; headers[k] != NULL; k++) {
                buffer_printf(&head, "%s\r\n", headers[k]);
            }
        }
        buffer_append_string(&head, "\r\n");
        heads[i] = arena_copy(arena, buffer_bytes(&head));
        buffer_release(&head);
        arena_release(&scratch);
    }
}

static void
watch(struct connection *connection, uint32_t events, int operation)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};

    if (epoll_ctl(epoll_fd, operation, connection->fd, &event) != 0) {
        die("epoll_ctl");
    }
}

static void
open_connection(struct connection *connection, int operation)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(settings.port)};
    int on = 1;

    if (inet_pton(AF_INET, settings.address, &address.sin_addr) != 1) {
        fprintf(stderr, "%s is no IPv4 address\n", settings.address);
        exit(2);
    }
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd == -1 ||
        connect(connection->fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        die("connect");
    }
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    connection->state = IDLE;
    watch(connection, EPOLLIN, operation);
}

static void
take_signal(int number)
{
    is_told_to_end = 1;
}

static bool
is_over(int64_t now_ns)
{
    return is_told_to_end || now_ns >= end_ns ||
           (settings.request_max > 0 && started_count >= settings.request_max);
}

static void send_request(struct connection *connection);

static void
start_request(struct connection *connection, int64_t due_ns)
{
    uint64_t index = settings.is_sequential ? started_count % settings.key_count
                                            : prng_below(&prng, settings.key_count);

    started_count++;
    connection->head = heads[index];
    connection->sent = 0;
    connection->due_ns = due_ns;
    connection->answer_size = 0;
    connection->state = SENDING;
    send_request(connection);
}

static void
reopen(struct connection *connection)
{
    error_count++;
    close(connection->fd);
    open_connection(connection, EPOLL_CTL_ADD);
}

static void
send_request(struct connection *connection)
{
    uint64_t total = connection->head.size + settings.body_bytes;

    while (connection->sent < total) {
        struct iovec parts[2];
        int count = 0;
        uint64_t body_sent = 0;
        struct msghdr message = {.msg_iov = parts};
        ssize_t size;

        if (connection->sent < connection->head.size) {
            parts[count].iov_base = (void *)(uintptr_t)(connection->head.data + connection->sent);
            parts[count++].iov_len = connection->head.size - connection->sent;
        } else {
            body_sent = connection->sent - connection->head.size;
        }
        if (body_sent < settings.body_bytes) {
            parts[count].iov_base = body + body_sent % DISCARD_BYTES;
            parts[count].iov_len = settings.body_bytes - body_sent;
            if (parts[count].iov_len > DISCARD_BYTES - body_sent % DISCARD_BYTES) {
                parts[count].iov_len = DISCARD_BYTES - body_sent % DISCARD_BYTES;
            }
            count++;
        }
        message.msg_iovlen = (size_t)count;
        size = sendmsg(connection->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
            watch(connection, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
            return;
        }
        if (size < 0) {
            reopen(connection);
            return;
        }
        connection->sent += (uint64_t)size;
    }
    if (settings.body_bytes > 0) {
        watch(connection, EPOLLIN, EPOLL_CTL_MOD);
    }
    connection->state = HEAD;
}

static void
finish_answer(struct connection *connection)
{
    int64_t now_ns = clock_monotonic_ns();
    int status = connection->answer_size > 12
                     ? (connection->answer[9] - '0') * 100 + (connection->answer[10] - '0') * 10 +
                           (connection->answer[11] - '0')
                     : 0;

    histogram_add(&latencies, (uint64_t)(now_ns - connection->due_ns));
    done_count++;
    if (status / 100 != 2) {
        error_count++;
        last_error_status = status;
    }
    connection->state = IDLE;
    if (settings.rate == 0 && !settings.is_idle && !is_over(now_ns)) {
        start_request(connection, now_ns);
    }
}

/* The part of the body that came with the head is counted; the rest is thrown away unseen. */
static void
parse_answer(struct connection *connection)
{
    struct bytes answer = bytes_of(connection->answer, connection->answer_size);
    size_t end = bytes_find(answer, 0, BYTES_LITERAL("\r\n\r\n"));
    uint64_t length = 0;
    size_t at;

    if (end == SIZE_MAX) {
        if (connection->answer_size == HEAD_BYTES_MAX) {
            reopen(connection);
        }
        return;
    }
    for (at = bytes_find(answer, 0, BYTES_LITERAL("\r\n")); at < end;
         at = bytes_find(answer, at + 2, BYTES_LITERAL("\r\n"))) {
        struct bytes line = bytes_slice(answer, at + 2, answer.size);
        struct bytes name = bytes_cut(&line, ':');

        if (bytes_equal_ignore_case(name, "content-length")) {
            line = bytes_trim(bytes_cut(&line, '\r'));
            if (bytes_parse_u64(line, UINT64_MAX, &length) != ST_OK) {
                length = 0;
            }
            break;
        }
    }
    if (strcmp(settings.method, "HEAD") == 0) {
        length = 0;
    }
    received_bytes += length;
    length -= length < answer.size - end - 4 ? length : answer.size - end - 4;
    connection->body_left = length;
    connection->state = BODY;
    if (length == 0) {
        finish_answer(connection);
    }
}

static void
receive(struct connection *connection)
{
    for (int round = 0; round < 8; round++) {
        ssize_t size;

        if (connection->state == HEAD) {
            if (connection->answer == NULL) {
                connection->answer = xmalloc(HEAD_BYTES_MAX);
            }
            size = recv(connection->fd, connection->answer + connection->answer_size,
                        HEAD_BYTES_MAX - connection->answer_size, MSG_DONTWAIT);
        } else if (connection->state == BODY) {
            size = recv(connection->fd, discard,
                        connection->body_left < DISCARD_BYTES ? (size_t)connection->body_left
                                                              : DISCARD_BYTES,
                        MSG_DONTWAIT | MSG_TRUNC);
        } else {
            size = recv(connection->fd, discard, 1, MSG_DONTWAIT);
        }
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (size <= 0) {
            reopen(connection);
            return;
        }
        if (connection->state == HEAD) {
            connection->answer_size += (size_t)size;
            parse_answer(connection);
        } else if (connection->state == BODY) {
            connection->body_left -= (uint64_t)size;
            if (connection->body_left == 0) {
                finish_answer(connection);
            }
        }
        if (connection->state == IDLE || connection->state == SENDING) {
            return;
        }
    }
}

/* Open loop: requests that are due leave on any idle connection. */
static int
start_due(int64_t now_ns)
{
    static size_t next;
    int64_t due_ns = begin_ns + (int64_t)((double)started_count / settings.rate * 1e9);

    while (due_ns <= now_ns && !is_over(now_ns)) {
        size_t tried = 0;

        while (tried < settings.connection_count && connections[next].state != IDLE) {
            next = (next + 1) % settings.connection_count;
            tried++;
        }
        if (tried == settings.connection_count) {
            return 1;
        }
        start_request(&connections[next], due_ns);
        due_ns = begin_ns + (int64_t)((double)started_count / settings.rate * 1e9);
    }
    return due_ns - now_ns > CLOCK_NS_PER_MS ? (int)((due_ns - now_ns) / CLOCK_NS_PER_MS) : 0;
}

static bool
is_busy(void)
{
    for (size_t i = 0; i < settings.connection_count; i++) {
        if (connections[i].state != IDLE) {
            return true;
        }
    }
    return false;
}

static void
run_loop(void)
{
    struct epoll_event events[256];
    int64_t now_ns = begin_ns;

    while (!is_over(now_ns) || (is_busy() && now_ns < end_ns + 5 * CLOCK_NS_PER_S)) {
        int wait_ms = settings.rate > 0 && !is_over(now_ns) ? start_due(now_ns) : 100;
        int count = epoll_wait(epoll_fd, events, 256, wait_ms); /* -1: the signal */

        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;

            if ((events[i].events & EPOLLOUT) != 0 && connection->state == SENDING) {
                send_request(connection);
            }
            if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
                receive(connection);
            }
        }
        now_ns = clock_monotonic_ns();
    }
}

static const struct option OPTIONS[] = {{"address", required_argument, NULL, 'a'},
                                        {"port", required_argument, NULL, 'p'},
                                        {"method", required_argument, NULL, 'm'},
                                        {"bucket", required_argument, NULL, 'b'},
                                        {"key-format", required_argument, NULL, 'k'},
                                        {"keys", required_argument, NULL, 'n'},
                                        {"first", required_argument, NULL, 'f'},
                                        {"directory-keys", required_argument, NULL, 'd'},
                                        {"sequential", no_argument, NULL, 's'},
                                        {"body", required_argument, NULL, 'B'},
                                        {"connections", required_argument, NULL, 'c'},
                                        {"seconds", required_argument, NULL, 't'},
                                        {"requests", required_argument, NULL, 'r'},
                                        {"rate", required_argument, NULL, 'R'},
                                        {"unsigned", no_argument, NULL, 'u'},
                                        {"query", required_argument, NULL, 'q'},
                                        {"idle", no_argument, NULL, 'i'},
                                        {NULL, 0, NULL, 0}};

static uint64_t
number(const char *text)
{
    uint64_t value = 0;

    if (bytes_parse_u64(bytes_of_string(text), UINT64_MAX, &value) != ST_OK) {
        fprintf(stderr, "'%s' is no number\n", text);
        exit(2);
    }
    return value;
}

static void
set_option(int letter)
{
    switch (letter) {
    case 'a':
        settings.address = optarg;
        break;
    case 'p':
        settings.port = (uint16_t)number(optarg);
        break;
    case 'm':
        settings.method = optarg;
        break;
    case 'b':
        settings.bucket = optarg;
        break;
    case 'k':
        settings.key_format = optarg;
        break;
    case 'n':
        settings.key_count = number(optarg);
        break;
    case 'f':
        settings.key_first = number(optarg);
        break;
    case 'd':
        settings.directory_keys = number(optarg);
        break;
    case 's':
        settings.is_sequential = true;
        break;
    case 'B':
        settings.body_bytes = number(optarg);
        break;
    case 'c':
        settings.connection_count = (size_t)number(optarg);
        break;
    case 't':
        settings.duration_s = strtod(optarg, NULL);
        break;
    case 'r':
        settings.request_max = number(optarg);
        break;
    case 'R':
        settings.rate = strtod(optarg, NULL);
        break;
    case 'u':
        settings.is_signed = false;
        break;
    case 'q':
        settings.query = optarg;
        break;
    case 'i':
        settings.is_idle = true;
        break;
    default:
        fprintf(stderr, "Usage: sink_client --port N --bucket B [--key-format 'k%%08llu'] ...\n");
        exit(2);
    }
}

static void
print_result(int64_t elapsed_ns)
{
    struct rusage usage;
    double elapsed_s = (double)elapsed_ns / 1e9;
    double cpu_s;

    getrusage(RUSAGE_SELF, &usage);
    cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
            (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("{\"requests\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"last_error_status\":%d,"
           "\"seconds\":%.3f,\"requests_per_s\":%.1f,\"received_bytes\":%" PRIu64
           ",\"sent_bytes\":%" PRIu64 ",\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,"
           "\"client_cpu_s\":%.3f}\n",
           done_count, error_count, last_error_status, elapsed_s, (double)done_count / elapsed_s,
           received_bytes, done_count * settings.body_bytes,
           (double)histogram_quantile(&latencies, 0.5) / 1e3,
           (double)histogram_quantile(&latencies, 0.99) / 1e3,
           (double)histogram_quantile(&latencies, 0.999) / 1e3, cpu_s);
}

int
main(int argc, char **argv)
{
    struct arena arena = ARENA_INIT;
    int letter;

    settings = (struct settings){.address = "127.0.0.1",
                                 .port = 8080,
                                 .method = "GET",
                                 .bucket = "bench",
                                 .key_format = "k%08llu",
                                 .key_count = 1,
                                 .connection_count = 64,
                                 .duration_s = 5,
                                 .is_signed = true};
    while ((letter = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        set_option(letter);
    }
    if (settings.connection_count == 0 || settings.connection_count > CONNECTION_MAX ||
        settings.key_count == 0) {
        fprintf(stderr, "1 to %d connections, at least one key\n", CONNECTION_MAX);
        return 2;
    }
    if (settings.is_signed &&
        (getenv("AWS_ACCESS_KEY_ID") == NULL || getenv("AWS_SECRET_ACCESS_KEY") == NULL)) {
        fprintf(stderr, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set, or --unsigned\n");
        return 2;
    }
    prng = prng_init(1);
    body = xmalloc(DISCARD_BYTES);
    prng_fill(&prng, body, DISCARD_BYTES);
    discard = xmalloc(DISCARD_BYTES);
    make_heads(&arena);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    connections = xcalloc(settings.connection_count, sizeof(*connections));
    for (size_t i = 0; i < settings.connection_count; i++) {
        open_connection(&connections[i], EPOLL_CTL_ADD);
    }
    if (sigaction(SIGTERM, &(struct sigaction){.sa_handler = take_signal}, NULL) != 0) {
        die("sigaction");
    }
    begin_ns = clock_monotonic_ns();
    end_ns = begin_ns + (int64_t)(settings.duration_s * 1e9);
    for (size_t i = 0; i < settings.connection_count && settings.rate == 0; i++) {
        if (!is_over(begin_ns)) {
            start_request(&connections[i], clock_monotonic_ns());
        }
    }
    run_loop();
    print_result(clock_monotonic_ns() - begin_ns);
    return error_count == 0 ? 0 : 1;
}
