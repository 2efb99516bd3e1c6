/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of the connection layer, for all servers of the process together.  Any thread. */
#ifndef NET_HTTP_METRICS_H
#define NET_HTTP_METRICS_H

#include "base/metrics.h"

enum http_timeout_metric {
    HTTP_TIMED_OUT_HANDSHAKE,
    HTTP_TIMED_OUT_HEAD,
    HTTP_TIMED_OUT_RECEIVE,
    HTTP_TIMED_OUT_SEND,
    HTTP_TIMED_OUT_KIND_COUNT
};

extern struct metric http_connections;       /* gauge */
extern struct metric http_connections_total; /* accepted */
extern struct metric http_refused_total;     /* over the cap */
extern struct metric http_accept_pauses_total;
extern struct metric http_received_bytes_total;
extern struct metric http_sent_bytes_total;
extern struct metric http_cut_total; /* responses that did not end cleanly */
extern struct metric http_timeouts_total[HTTP_TIMED_OUT_KIND_COUNT];
extern struct metric http_responses_total[5]; /* by class, 1xx to 5xx */
extern struct metric http_peer_connects_total;
extern struct metric http_relays_total;
extern struct metric http_body_memory_bytes; /* gauge, exported by the server */

void http_metrics_register(void);

#endif
