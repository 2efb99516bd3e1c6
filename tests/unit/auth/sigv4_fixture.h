/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of auth/ share: a credential store over the fake database, and heads of requests
 * that are built header by header and signed as a client would.
 */
#ifndef TESTS_UNIT_AUTH_SIGV4_FIXTURE_H
#define TESTS_UNIT_AUTH_SIGV4_FIXTURE_H

#include "auth/authenticate.h"

#define FIXTURE_ACCESS_KEY "LODEEXAMPLEKEY234567"
#define FIXTURE_SECRET_KEY "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define FIXTURE_TIME_S INT64_C(1795166100) /* 2026-11-20T09:15:00Z */
#define FIXTURE_HEADER_COUNT_MAX 64
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct fixture {
    struct arena arena;
    struct control *control;
    struct credential_store *credentials;
    struct authenticate_options options; /* service s3, any region */
    struct http_header headers[FIXTURE_HEADER_COUNT_MAX];
    struct http_request request; /* GET /bucket/key, host only */
    struct error err;
};

/* Freezes the clock at FIXTURE_TIME_S. */
void fixture_init(struct fixture *fixture);
void fixture_release(struct fixture *fixture);
/* Back to the bare request. */
void fixture_reset(struct fixture *fixture);
void fixture_add_header(struct fixture *fixture, const char *name, const char *value);
/* Replace the value of a header that is there; NULL: take it out. */
void fixture_set_header(struct fixture *fixture, const char *name, const char *value);

struct fixture_signature {
    const char *access_key; /* default: root's */
    const char *secret_key;
    const char *timestamp;      /* default: now */
    const char *scope;          /* behind the access key; default: now, us-east-1, s3 */
    const char *signed_headers; /* default: all that are there, sorted */
    const char *payload_line;   /* default: x-amz-content-sha256, else UNSIGNED-PAYLOAD */
    const char *expires;        /* query form; default "3600" */
};

/* Add x-amz-date and authorization for the request as it is now. */
void fixture_sign_header(struct fixture *fixture, const struct fixture_signature *signature);
/* Put the six parameters behind the query. */
void fixture_sign_query(struct fixture *fixture, const struct fixture_signature *signature);

/* Result of authenticate over it; *ret_authentication is all zero unless ST_OK. */
enum status fixture_authenticate(struct fixture *fixture,
                                 struct authentication *ret_authentication);

/* A good GET, signed in either place. */
void fixture_good_header(struct fixture *fixture);
void fixture_good_query(struct fixture *fixture);

void fixture_expect_accepted(struct fixture *fixture);
/* Refused, with that code, and nothing that could be used came out. */
#define fixture_expect_refused(...) fixture_expect_refused_at(__FILE__, __LINE__, __VA_ARGS__)
void fixture_expect_refused_at(const char *file, int line, struct fixture *fixture,
                               enum status status, const char *code, int http_status);

#endif
