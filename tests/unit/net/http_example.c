/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection layer with the simplest handlers, to try it by hand and to measure it:
 *
 *     http_example PORT DIRECTORY LOOPS [CERTIFICATE KEY]
 *
 * GET and HEAD serve the files of DIRECTORY (flat names), PUT counts the bytes of its body, POST
 * collects up to 1 MiB and sends it back.  Ends on SIGTERM and SIGINT, draining first.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "net/http_server.h"

#include "base/banned.h"

static const char *directory;
static bool use_sendfile;

struct file_source {
    struct source source;
    int fd;
    off_t offset;
    off_t end;
};

static enum status
file_read(struct source *source, enum read_mode mode, char *out, size_t capacity, size_t *ret_size,
          struct error *err)
{
    struct file_source *file = CONTAINER_OF(struct file_source, source, source);
    struct iovec part = {out, capacity};
    ssize_t size = preadv2(file->fd, &part, 1, file->offset, mode == READ_NO_WAIT ? RWF_NOWAIT : 0);

    if (size == -1) {
        return errno == EAGAIN ? ST_WOULD_WAIT : fail_errno(err, ST_IO, "cannot read");
    }
    file->offset += size;
    *ret_size = (size_t)size;
    return ST_OK;
}

static bool
file_range(struct source *source, int *ret_fd, off_t *ret_offset, size_t *ret_size)
{
    struct file_source *file = CONTAINER_OF(struct file_source, source, source);

    if (!use_sendfile || file->offset == file->end) {
        return false;
    }
    *ret_fd = file->fd;
    *ret_offset = file->offset;
    *ret_size = (size_t)(file->end - file->offset);
    file->offset = file->end;
    return true;
}

static void
file_release(struct source *source)
{
    close(CONTAINER_OF(struct file_source, source, source)->fd);
}

static const struct source_ops FILE_OPS = {file_read, file_range, file_release};

static void
respond_text(struct http_exchange *exchange, int status, struct bytes text)
{
    struct http_response response = {.status = status, .body = text};

    http_exchange_respond(exchange, &response);
}

static void
handle_get(struct http_exchange *exchange)
{
    struct arena *arena = http_exchange_arena(exchange);
    struct bytes path = http_exchange_request(exchange)->path;
    struct file_source *file = arena_calloc(arena, 1, sizeof(*file));
    struct http_header *headers = arena_calloc(arena, 2, sizeof(*headers));
    struct stat status;

    file->fd =
        open(arena_printf(arena, "%s/%.*s", directory, BYTES_ARGS(path)), O_RDONLY | O_CLOEXEC);
    if (file->fd == -1 || fstat(file->fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        respond_text(exchange, 404, BYTES_LITERAL("no such file\n"));
        return;
    }
    file->source.ops = &FILE_OPS;
    file->end = status.st_size;
    headers[0] = (struct http_header){BYTES_LITERAL("Content-Type"),
                                      BYTES_LITERAL("application/octet-stream")};
    headers[1] = (struct http_header){
        BYTES_LITERAL("ETag"),
        arena_printf_bytes(arena, "\"%lx-%lx\"", (long)status.st_mtime, (long)status.st_size)};
    http_exchange_respond(exchange,
                          &(struct http_response){.status = 200,
                                                  .headers = headers,
                                                  .header_count = 2,
                                                  .source = &file->source,
                                                  .content_length = (uint64_t)status.st_size});
}

struct count_sink {
    struct sink sink;
    uint64_t size;
};

static enum status
count_write(struct sink *sink, struct bytes data, struct error *err)
{
    CONTAINER_OF(struct count_sink, sink, sink)->size += data.size;
    return ST_OK;
}

static enum status
count_finish(struct sink *sink, struct error *err)
{
    return ST_OK;
}

static void
count_release(struct sink *sink)
{
}

static const struct sink_ops COUNT_OPS = {count_write, count_finish, count_release};

static void
put_done(struct http_exchange *exchange, enum status st, const struct error *err)
{
    const struct count_sink *count = http_exchange_data(exchange);

    respond_text(exchange, st == ST_OK ? 200 : 400,
                 arena_printf_bytes(http_exchange_arena(exchange), "%s %" PRIu64 "\n",
                                    status_name(st), count->size));
}

static void
post_done(struct http_exchange *exchange, enum status st, struct bytes body)
{
    respond_text(exchange, st == ST_OK ? 200 : 400,
                 st == ST_OK ? body : bytes_of_string(status_name(st)));
}

static void
handle(struct http_exchange *exchange, void *arg)
{
    struct bytes method = http_exchange_request(exchange)->method;

    if (bytes_equal_string(method, "PUT")) {
        struct count_sink *count = arena_calloc(http_exchange_arena(exchange), 1, sizeof(*count));

        count->sink.ops = &COUNT_OPS;
        http_exchange_set_data(exchange, count);
        http_exchange_stream_body(exchange, &count->sink, put_done);
    } else if (bytes_equal_string(method, "POST")) {
        http_exchange_read_body(exchange, 1024 * 1024, post_done);
    } else {
        handle_get(exchange);
    }
}

int
main(int argc, char **argv)
{
    struct worker_pool *workers = worker_pool_create(4);
    struct error err = ERROR_INIT;
    struct http_server *server;
    sigset_t signals;
    int signal_number;

    if (argc != 4 && argc != 6) {
        fprintf(stderr, "usage: %s PORT DIRECTORY LOOPS [CERTIFICATE KEY]\n", argv[0]);
        return 2;
    }
    directory = argv[2];
    use_sendfile = getenv("LODE_EXAMPLE_SENDFILE") != NULL;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (http_server_create(&(struct http_server_options){.loop_count = strtoul(argv[3], NULL, 10),
                                                         .workers = workers,
                                                         .connection_max = 20000,
                                                         .body_memory_bytes = 128 << 20,
                                                         .server_name = "Lode"},
                           &server, &err) != ST_OK ||
        http_server_listen(
            server,
            &(struct http_listen_options){.address = "127.0.0.1",
                                          .port = (uint16_t)strtoul(argv[1], NULL, 10),
                                          .certificate_file = argc == 6 ? argv[4] : NULL,
                                          .private_key_file = argc == 6 ? argv[5] : NULL,
                                          .handler = handle},
            NULL, &err) != ST_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    http_server_start(server);
    sigwait(&signals, &signal_number);
    http_server_drain(server, 5000);
    http_server_destroy(&server);
    worker_pool_destroy(&workers);
    return 0;
}
