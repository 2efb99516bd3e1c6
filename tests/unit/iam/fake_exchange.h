/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exchange without a connection: the test gives head and body, every step runs at once, and the
 * answer is kept.
 */
#ifndef TESTS_UNIT_IAM_FAKE_EXCHANGE_H
#define TESTS_UNIT_IAM_FAKE_EXCHANGE_H

#include "net/http_exchange.h"

struct http_exchange {
    struct http_request request;
    struct arena arena;
    struct bytes body;
    enum status body_status; /* what read_body ends with */
    void *data;
    size_t answer_count;
    struct http_response answer; /* a copy in kept, as the exchange's own memory is gone by then */
    struct arena kept;
    bool was_body_read;
};

void fake_exchange_init(struct http_exchange *exchange, const struct http_request *request,
                        struct bytes body);
void fake_exchange_release(struct http_exchange *exchange);

#endif
