/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a route's contract is made of: parameters and headers, answers, an example.  Contracts stand
 * in the tables of native_route.h.  The router refuses what breaks them: a needed parameter that is
 * not there, a value that none of the rules below allows, a message of another shape.  Parameters
 * that no contract names are ignored, as AIStore does and its SDK relies on.  Pure, any thread.
 */
#ifndef NATIVE_NATIVE_CONTRACT_H
#define NATIVE_NATIVE_CONTRACT_H

#include "native/native_query.h"

/* Parameters, headers, answers and failures of one route: rows are written down, not computed. */
#define NATIVE_FIELD_COUNT_MAX 12
#define NATIVE_ANSWER_COUNT_MAX 4
#define NATIVE_FAILURE_COUNT_MAX 6

/* A parameter of the query, or a header. */
struct native_field {
    const char *name;
    const char *doc;
    const char *words;   /* the values there are, with a space between them; NULL: any text */
    uint64_t number_max; /* a decimal number of up to this; 0: no number */
    uint64_t number_min;
    bool is_bool; /* 1, t, true, y, yes, on in any case are true, all else is false */
};

typedef const struct native_field *native_field_list[NATIVE_FIELD_COUNT_MAX];

enum native_media {
    NATIVE_EMPTY,
    NATIVE_JSON,
    NATIVE_TEXT, /* an id */
    NATIVE_BYTES,
    NATIVE_PAGE /* msgpack if Accept asks for it, else JSON */
};

struct native_result {
    int http_status;
    enum native_media media;
    const char *shape; /* of JSON: native_shape.h */
    const char *doc;
    native_field_list headers;
};

/* One call that works, told as curl by the reference and run by its test. */
struct native_example {
    int step;                 /* its place among all; what it needs was made by earlier ones */
    const char *first;        /* the route whose example is told once more before; NULL: none */
    const char *path;         /* what stands for {bucket}/{object}; NULL: "demo", "demo/hello" */
    const char *query;        /* with $VARIABLES that earlier examples kept */
    const char *body;         /* a message, or bytes */
    const char *header;       /* "Name: value" */
    const char *keeps;        /* the answer's body goes into this variable */
    const char *keeps_header; /* not the body, but this header */
    int http_status;          /* 0: 200 */
    bool is_signed;           /* with root's key */
};

/* What many routes take. */
extern const struct native_field native_field_provider;
extern const struct native_field native_field_namespace;
extern const struct native_field native_field_upload_id;
extern const struct native_field native_field_bucket_to;
extern const struct native_field native_field_node_id;
extern const struct native_field native_field_checksum_type;
extern const struct native_field native_field_checksum_value;
/* What many answer. */
extern const struct native_field native_field_etag;
extern const struct native_field native_field_version;
extern const struct native_field native_field_atime;

/* ST_INVALID: one of `needed` is missing or empty, or one that is there has a wrong value. */
MUST_USE enum status native_contract_check_query(const native_field_list needed,
                                                 const native_field_list known,
                                                 const struct native_query *query,
                                                 struct error *err);

#endif
