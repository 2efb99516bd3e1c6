/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_metrics.h"

#include <pthread.h>

#include "base/check.h"

#include "base/banned.h"

struct metric http_connections = {.kind = METRIC_GAUGE,
                                  .name = "lode_http_connections",
                                  .help = "Connections that are open now."};
struct metric http_connections_total = {
    .kind = METRIC_COUNTER, .name = "lode_http_connections_total", .help = "Connections accepted."};
struct metric http_refused_total = {.kind = METRIC_COUNTER,
                                    .name = "lode_http_refused_total",
                                    .help = "Connections beyond the limit, answered 503 or cut."};
struct metric http_accept_pauses_total = {
    .kind = METRIC_COUNTER,
    .name = "lode_http_accept_pauses_total",
    .help = "Times a listener rested because descriptors or memory were short."};
struct metric http_received_bytes_total = {.kind = METRIC_COUNTER,
                                           .name = "lode_http_received_bytes_total",
                                           .help = "Bytes of request bodies."};
struct metric http_sent_bytes_total = {.kind = METRIC_COUNTER,
                                       .name = "lode_http_sent_bytes_total",
                                       .help = "Bytes of response bodies."};
struct metric http_cut_total = {.kind = METRIC_COUNTER,
                                .name = "lode_http_cut_total",
                                .help = "Responses that did not reach their end."};
struct metric http_peer_connects_total = {.kind = METRIC_COUNTER,
                                          .name = "lode_http_peer_connects_total",
                                          .help = "Connections opened to peers for relays."};
struct metric http_relays_total = {.kind = METRIC_COUNTER,
                                   .name = "lode_http_relays_total",
                                   .help = "Requests passed on to a peer."};
struct metric http_body_memory_bytes = {.kind = METRIC_GAUGE,
                                        .name = "lode_http_body_memory_bytes",
                                        .help = "Memory of body buffers, in use or kept ready."};

#define TIMEOUT_METRIC(text)                                                                       \
    {                                                                                              \
        .kind = METRIC_COUNTER, .name = "lode_http_timeouts_total",                                \
        .help = "Connections closed because the client was too slow.", .labels = text              \
    }
struct metric http_timeouts_total[HTTP_TIMED_OUT_KIND_COUNT] = {
    [HTTP_TIMED_OUT_HANDSHAKE] = TIMEOUT_METRIC("kind=\"handshake\""),
    [HTTP_TIMED_OUT_HEAD] = TIMEOUT_METRIC("kind=\"head\""),
    [HTTP_TIMED_OUT_RECEIVE] = TIMEOUT_METRIC("kind=\"receive\""),
    [HTTP_TIMED_OUT_SEND] = TIMEOUT_METRIC("kind=\"send\""),
};

#define RESPONSE_METRIC(text)                                                                      \
    {                                                                                              \
        .kind = METRIC_COUNTER, .name = "lode_http_responses_total",                               \
        .help = "Responses by class of status.", .labels = text                                    \
    }
struct metric http_responses_total[5] = {
    RESPONSE_METRIC("class=\"1xx\""), RESPONSE_METRIC("class=\"2xx\""),
    RESPONSE_METRIC("class=\"3xx\""), RESPONSE_METRIC("class=\"4xx\""),
    RESPONSE_METRIC("class=\"5xx\""),
};

static void
register_all(void)
{
    metric_register(&http_connections);
    metric_register(&http_connections_total);
    metric_register(&http_refused_total);
    metric_register(&http_accept_pauses_total);
    metric_register(&http_received_bytes_total);
    metric_register(&http_sent_bytes_total);
    metric_register(&http_cut_total);
    metric_register(&http_peer_connects_total);
    metric_register(&http_relays_total);
    for (size_t i = 0; i < ARRAY_COUNT(http_timeouts_total); i++) {
        metric_register(&http_timeouts_total[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(http_responses_total); i++) {
        metric_register(&http_responses_total[i]);
    }
    metric_register(&http_body_memory_bytes);
}

void
http_metrics_register(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    CHECK(pthread_once(&once, register_all) == 0);
}
