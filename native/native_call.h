/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One native request on its way through the flow of native_api.c.  It lives in the exchange's
 * arena, belongs to whoever has the exchange (loop or worker, one after the other), and ends with
 * the answer.  Handlers read it and fill `reply`.
 */
#ifndef NATIVE_NATIVE_CALL_H
#define NATIVE_NATIVE_CALL_H

#include "auth/authenticate.h"
#include "native/native_bck.h"
#include "native/native_handler.h"
#include "native/native_message.h"
#include "native/native_query.h"
#include "object/bucket.h"
#include "object/object_put.h"

/* Headers of an answer: some fixed ones and one for each piece of custom metadata. */
#define NATIVE_REPLY_HEADERS_MIN 24

struct native_reply {
    int http_status; /* 0: 200; of an error: the one of its code, unless >= 400 */
    const char *content_type;
    struct http_header *headers; /* in arena */
    size_t header_count;
    size_t header_capacity;
    struct buffer body; /* moved into the arena by the answer */
    struct source *source;
    uint64_t content_length; /* with source, or of HEAD */
    bool has_content_length;
};

#define NATIVE_CALL_MAGIC 0x4E415443U /* "NATC" */

struct native_route;

struct native_call {
    uint32_t magic;
    struct native *native;
    struct http_exchange *exchange;
    const struct http_request *http;
    struct arena *arena;
    const struct native_route *route; /* NULL: refused before it was known */
    struct authentication authentication;
    bool has_authentication; /* by a signature: to be released */
    bool is_marked;          /* a node sent it here with mark */
    bool has_taken_mark;     /* native_repeat.h: until the answer */
    bool has_refreshed_key;
    bool has_refreshed_bucket;
    bool has_streamed_body;  /* which only the client has now */
    bool has_pin;            /* on upload, which this node has */
    struct upload_id upload; /* of the request, with has_pin */
    int64_t anew_since_ns;   /* monotonic; 0: it was placed once */
    struct redirect_mark mark;
    uint64_t mark_digest; /* with has_taken_mark */
    uint64_t body_digest; /* of a streamed body that came whole, with is_marked */
    struct native_query query;
    struct bytes bucket_name; /* of the path; or another name there */
    struct bytes object_name; /* of the path */
    struct native_bck bck;
    struct native_message message;
    bool has_message;
    struct bytes body; /* the message as it came */
    struct bucket bucket;
    bool has_bucket;
    enum read_mode mode;
    struct sink *sink;               /* of a streamed body */
    struct object_put *put;          /* behind it */
    struct native_put_options given; /* how it is put */
    struct native_reply reply;
};

/* ---- for handlers ---- */

/* Static names; the value must live in the arena or be static. */
void native_reply_header(struct native_call *call, const char *name, struct bytes value);
void native_reply_number(struct native_call *call, const char *name, uint64_t value);
/* "application/json; charset=utf-8" */
void native_reply_json(struct native_call *call);
/* An id as the whole body. */
void native_reply_text(struct native_call *call, struct bytes text);
struct bytes native_call_parameter(const struct native_call *call, const char *name);

/* Open call->bucket for the action; once. */
MUST_USE enum status native_call_open_bucket(struct native_call *call, enum action action,
                                             struct error *err);
/* Another one than the path's, which another node may have made a moment ago; the caller closes it.
 */
MUST_USE ON_WORKER enum status native_call_open_other(const struct native_call *call,
                                                      const struct native_bck *bck,
                                                      enum action action, struct bucket *ret_bucket,
                                                      struct error *err);
/* May the principal do this to the whole node? */
MUST_USE enum status native_call_authorize(struct native_call *call, enum action action,
                                           struct error *err);
/* SPEC: AIStore's rules for names of objects that are written. */
MUST_USE enum status native_call_check_object_name(struct bytes name, struct error *err);

/* ---- for the flow ---- */

ON_LOOP struct native_call *native_call_create(struct native *native,
                                               struct http_exchange *exchange);
/* Everything is given back, before an answer that the call does not make. */
void native_call_release(struct native_call *call);
/* What a try that came to the wrong node left is given back; the message and the principal stay. */
void native_call_reset(struct native_call *call);
/* The end: everything is given back, the exchange answered; touch neither again. */
void native_call_answer(struct native_call *call);
void native_call_answer_error(struct native_call *call, const struct error *err);

#endif
