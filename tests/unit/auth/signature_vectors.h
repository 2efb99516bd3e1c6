/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that botocore signed, from tests/golden/ (tools/make-sigv4-vectors, make-sigv2-vectors).
 */
#ifndef TESTS_UNIT_AUTH_SIGNATURE_VECTORS_H
#define TESTS_UNIT_AUTH_SIGNATURE_VECTORS_H

#include "tests/unit/auth/sigv4_fixture.h"

struct signature_vector {
    const char *name;
    const char *service;
    struct bytes body;
    struct bytes resource; /* of version 2, where it is not the path */
};

/* The request is in the fixture. */
typedef void signature_vector_fn(struct fixture *fixture, const struct signature_vector *vector);

/* Each of the file; how many they were. */
size_t signature_vectors_check(const char *file, signature_vector_fn *check);

#endif
