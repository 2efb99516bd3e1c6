/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes of the native dialect.  Each stands in a table beside its handlers, together with its
 * contract: what it takes, what it answers, what it is for.  The router knows nothing but these
 * tables, so a route without a contract does not exist.  Pure, any thread.
 *
 * Of the rows with the request's method and path the first counts whose selector and action fit.
 */
#ifndef NATIVE_NATIVE_ROUTE_H
#define NATIVE_NATIVE_ROUTE_H

#include "native/native_call.h"
#include "native/native_contract.h"

enum native_body {
    NATIVE_BODY_NONE,    /* not read */
    NATIVE_BODY_MESSAGE, /* an action message or other JSON object; may be empty */
    NATIVE_BODY_STREAMED /* prepare makes a sink of it */
};

typedef enum status native_run_fn(struct native_call *call, struct error *err);

struct native_route {
    const char *name;     /* "NativePutObject": the access log, metrics, the reference; unique */
    const char *method;   /* as sent */
    const char *path;     /* "/v1/objects/{bucket}/{object}"; {object} takes all that follows */
    const char *selector; /* "what=smap", or "uploadId" (there and not empty), or NULL */
    const char *action;   /* of the message; "" (no action); NULL: any */
    enum native_body body;
    bool is_bucket_optional;    /* provider and namespace select buckets */
    bool is_action_optional;    /* a message without one fits too */
    bool is_tried_on_loop;      /* run first with READ_NO_WAIT */
    enum load_class load_class; /* LOAD_DATA: bodies and copies; LOAD_SMALL: as its table says */
    /* The contract.  Every route with a bucket also takes provider= and namespace=; every one may
     * answer 400, 401, 403, 429, 500 and 503. */
    const char *doc;           /* one sentence */
    native_field_list needs;   /* parameters without which it is refused */
    native_field_list query;   /* other parameters */
    native_field_list headers; /* of the request */
    const char *takes;         /* shape of the message (native_shape.h), which is refused otherwise;
                                  of streamed bytes: what they are */
    struct native_result answers[NATIVE_ANSWER_COUNT_MAX];
    int fails[NATIVE_FAILURE_COUNT_MAX]; /* more statuses of errors */
    struct native_example example;
    native_run_fn *prepare; /* NATIVE_BODY_STREAMED: on the loop; sets call->sink */
    native_run_fn *run;
};

/* For contracts of this table and of others. */
struct native_named_shape {
    const char *name;
    const char *shape;
};

struct native_route_table {
    const struct native_route *routes;
    size_t count;
    const struct native_named_shape *shapes; /* may be NULL */
    size_t shape_count;
    enum load_class load_class; /* of its routes that do not say otherwise */
};

/* The tables, in the order in which they are searched. */
extern const struct native_route_table native_routes_of_objects;
extern const struct native_route_table native_routes_of_uploads;
extern const struct native_route_table native_routes_of_put; /* behind the unsupported ones */
extern const struct native_route_table native_routes_of_buckets;
extern const struct native_route_table native_routes_of_bucket_properties;
extern const struct native_route_table native_routes_of_listing;
extern const struct native_route_table native_routes_of_selections;
extern const struct native_route_table native_routes_of_promote;
extern const struct native_route_table native_routes_of_rechunk;
extern const struct native_route_table native_routes_of_operators;
extern const struct native_route_table native_routes_of_jobs;
extern const struct native_route_table native_routes_of_nodes;
extern const struct native_route_table native_routes_unsupported;

struct native_match {
    struct bytes method;
    struct bytes path; /* as sent */
    const struct native_query *query;
    bool has_message; /* action is known */
    struct bytes action;
};
/* The row that fits; before the message is there, one that needs it may stand for others. */
const struct native_route *native_route_find(const struct native_match *match);
/* "GET, PUT": the methods that rows with this path have; empty: there is none. */
struct bytes native_route_methods(struct bytes path, struct arena *arena);
/* What it costs: of the row, else of its table. */
enum load_class native_route_class(const struct native_route *route);
/* Parts of the path, as sent: BYTES_NONE where the row has none. */
void native_route_cut(const struct native_route *route, struct bytes path, struct bytes *ret_bucket,
                      struct bytes *ret_object);
/* Each row in turn; NULL behind the last.  For the reference. */
const struct native_route *native_route_at(size_t index);
const struct native_named_shape *native_route_shape_at(size_t index);
const char *native_route_shape(struct bytes name); /* NULL: there is none */
/* Do query and message keep the contract?  Unknown parameters and members do.  ST_INVALID. */
MUST_USE enum status native_route_check(const struct native_route *route,
                                        const struct native_query *query,
                                        const struct native_message *message, struct arena *arena,
                                        struct error *err);

#endif
