/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of struct http_exchange.  It is embedded in its connection and reused for the next
 * request.  Who may touch what: the loop everything, but while a job runs (from its submission to
 * its message) not what is marked "job"; the handler only through net/http_exchange.h, and nothing
 * after it has responded.
 */
#ifndef NET_HTTP_EXCHANGE_STATE_H
#define NET_HTTP_EXCHANGE_STATE_H

#include <stdatomic.h>
#include <sys/uio.h>

#include "base/worker_pool.h"
#include "net/body_buffers.h"
#include "net/event_loop.h"
#include "net/http_chunked.h"
#include "net/http_exchange.h"
#include "net/http_gate.h"
#include "net/http_limits.h"

enum http_body_mode {
    HTTP_BODY_UNASKED, /* nobody asked for it */
    HTTP_BODY_COLLECT,
    HTTP_BODY_STREAM,
    HTTP_BODY_PREFIX, /* collect its first size_max bytes; then it is unasked again */
    HTTP_BODY_RELAY   /* to a peer */
};

struct http_body {
    enum http_body_mode mode;
    bool is_chunked;
    bool is_complete;     /* the last byte has come */
    bool is_settled;      /* the last callback or job is under way */
    bool needs_continue;  /* 100 Continue was asked for and not sent */
    bool is_withheld;     /* its sender never sends it without 100 Continue */
    uint64_t left;        /* unless chunked */
    uint64_t bytes_in;    /* decoded */
    enum status failure;  /* of the connection, or BUSY, TOO_LARGE */
    const char *sentence; /* about failure */
    struct http_chunked chunked;

    /* collect */
    char *collected;
    size_t collected_size;
    size_t collected_capacity; /* taken from the budget */
    size_t size_max;
    http_body_fn *collected_done;

    /* stream */
    struct sink *sink;
    http_streamed_fn *streamed_done;
    struct body_buffer *filling;
    struct list ready;         /* filled, in order */
    struct list batch;         /* job */
    size_t buffer_count;       /* filling, ready and batch */
    bool is_job_running;       /* from submit to its message, or for ever if it is the last */
    bool is_last_batch;        /* job: finish after the batch */
    enum status batch_failure; /* job: instead of the batch */
    atomic_bool is_unwanted;   /* set by the job: stop reading */
    struct worker_job job;
    struct loop_message job_message;
};

/* head, chunk line, data, end of chunk */
#define HTTP_REPLY_PARTS_MAX 4

struct http_reply {
    struct source *source;
    bool has_body; /* bytes follow the head */
    bool is_chunked;
    bool is_ended;    /* all parts are filled */
    bool is_head_out; /* some byte may have left */
    bool is_reading;  /* a worker reads from source */
    bool is_awaiting; /* the peer that the body comes from */
    bool has_read;    /* read_status and read_size are set */
    bool must_fill;
    bool must_reset;      /* nothing but a reset tells the client that this was cut */
    uint64_t left;        /* of the body, to be filled; HTTP_LENGTH_UNKNOWN */
    uint64_t sent_bytes;  /* given to the kernel, all of it */
    uint64_t frame_bytes; /* of these, head and chunk framing */
    size_t charged_bytes; /* of the budget, for a large body in memory */
    struct body_buffer *buffer;
    struct iovec parts[HTTP_REPLY_PARTS_MAX];
    size_t part_first;
    size_t part_count;
    char chunk_line[24];
    int file_fd;
    off_t file_offset;
    size_t file_left;
    size_t read_size;        /* job: result */
    size_t read_capacity;    /* job */
    enum status read_status; /* job: result */
    struct worker_job job;
    struct loop_message job_message;
};

struct http_relay;

struct http_exchange {
    struct http_request request;
    struct arena arena;
    void *data;
    bool is_active;    /* from head to the end of the answer */
    bool has_handler;  /* from dispatch to respond */
    bool has_response; /* on the loop */
    enum load_class load_class;
    struct http_gate_pass gate;
    bool is_http_1_0;
    bool wants_close;
    atomic_bool is_abandoned;
    struct http_response response;
    struct http_body body;
    struct http_reply reply;
    struct http_relay *relay; /* NULL: none */
    http_work_fn *work;
    struct worker_job work_job;
    struct loop_message work_message;
    struct loop_message respond_message;
};

void http_exchange_init(struct http_exchange *exchange);

#endif
