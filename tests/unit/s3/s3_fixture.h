/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole S3 server for tests: object store, root's key, the dialect and a listener on loopback,
 * and a client that signs.  A failed expectation ends the test.
 */
#ifndef TESTS_UNIT_S3_S3_FIXTURE_H
#define TESTS_UNIT_S3_S3_FIXTURE_H

#include "s3/s3_dialect.h"
#include "tests/unit/net/test_client.h"
#include "tests/unit/net/test_server.h"
#include "tests/unit/object/object_fixture.h"

struct s3_fixture {
    struct object_fixture objects;
    struct credential_store *credentials;
    struct s3 s3;
    struct test_server server;
    struct test_client client;
    struct arena arena;
    struct test_response response; /* the last one */
    struct bytes user_access_key;  /* of a user who is not root; empty before s3_fixture_user */
    struct bytes user_secret_key;
    bool is_user; /* ask as that user */
};

/* options: store and credentials are filled in. */
void s3_fixture_open(struct s3_fixture *fixture, const struct s3_options *options);
void s3_fixture_close(struct s3_fixture *fixture);
/* From now on requests come from a user called alice; false: from root again. */
void s3_fixture_as_user(struct s3_fixture *fixture, bool is_user);

/* One signed request; target is "path" or "path?query" as sent.  headers: "name: value",
 * NULL-terminated, or NULL.  Expects that status. */
void s3_ask(struct s3_fixture *fixture, int status, const char *method, const char *target,
            const char *const *headers, const char *body);
/* The answer's code must be that. */
void s3_expect_code(struct s3_fixture *fixture, const char *code);
/* Value of a header of the answer, "" if there is none. */
const char *s3_header(struct s3_fixture *fixture, const char *name);
/* The answer's body. */
const char *s3_body(struct s3_fixture *fixture);

#define S3_HEADERS(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
