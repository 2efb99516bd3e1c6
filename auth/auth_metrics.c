/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth_metrics.h"

#include "base/check.h"
#include "base/metrics.h"

#include "base/banned.h"

enum auth_result {
    RESULT_VERIFIED,
    RESULT_UNKNOWN,  /* anonymous, or a key that there is not */
    RESULT_MISMATCH, /* a key that there is with a wrong signature, or a body with a wrong hash */
    RESULT_DENIED,   /* out of its time, headers not signed */
    RESULT_MALFORMED,
    RESULT_LIMITED, /* unknown or mismatch, once too often from one address */
    RESULT_COUNT
};

#define AUTH_METRIC(result)                                                                        \
    {                                                                                              \
        .kind = METRIC_COUNTER, .name = "lode_auth_requests_total",                                \
        .help = "Requests by the result of their authentication.",                                 \
        .labels = "result=\"" result "\""                                                          \
    }

static struct metric results[RESULT_COUNT] = {
    [RESULT_VERIFIED] = AUTH_METRIC("verified"),   [RESULT_UNKNOWN] = AUTH_METRIC("unknown"),
    [RESULT_MISMATCH] = AUTH_METRIC("mismatch"),   [RESULT_DENIED] = AUTH_METRIC("denied"),
    [RESULT_MALFORMED] = AUTH_METRIC("malformed"), [RESULT_LIMITED] = AUTH_METRIC("limited"),
};

void
auth_metrics_register(void)
{
    for (size_t i = 0; i < ARRAY_COUNT(results); i++) {
        metric_register(&results[i]);
    }
}

static enum auth_result
result_of(enum status st)
{
    switch (st) {
    case ST_OK:
        return RESULT_VERIFIED;
    case ST_UNAUTHENTICATED:
        return RESULT_UNKNOWN;
    case ST_SIGNATURE_MISMATCH:
    case ST_DIGEST_MISMATCH:
        return RESULT_MISMATCH;
    case ST_DENIED:
        return RESULT_DENIED;
    case ST_BUSY:
        return RESULT_LIMITED;
    default:
        return RESULT_MALFORMED;
    }
}

void
auth_metrics_count(enum status st)
{
    metric_add(&results[result_of(st)], 1);
}
