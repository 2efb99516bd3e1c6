/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Admission by load (base/load.h), before any work: on the head of a request, before its body is
 * asked for and before its signature is looked at.  One for each loop, which shares what the node
 * can do with the others in equal parts; all of it belongs to the loop's thread.
 *
 *   low, moderate   nobody is held up, and nothing is counted
 *   high            data: as many at a time as there are workers; the rest wait, as many and as
 *                   long as it makes sense, and are refused beyond that
 *   critical        data is refused; small requests are admitted within a reserve
 *
 * What is of class control is always admitted, and its work is urgent (base/worker_pool.h).
 */
#ifndef NET_HTTP_GATE_H
#define NET_HTTP_GATE_H

#include "base/list.h"
#include "base/load.h"
#include "net/event_loop.h"
#include "net/http_exchange.h"

struct http_loop;

struct http_gate {
    size_t admitted_counts[LOAD_CLASS_COUNT]; /* of those in progress that were counted */
    struct list waiting;                      /* http_exchange.gate.node, oldest first */
    size_t waiting_count;
    h2o_timeout_entry_t timer; /* runs while somebody waits */
    struct loop_task task;
};

/* An exchange at the gate. */
struct http_gate_pass {
    struct list node; /* while it waits */
    struct http_admission admission;
    int64_t waiting_since_ns;
    bool is_counted;
};

void http_gate_init(struct http_gate *gate);
/* Nobody may wait any more. */
void http_gate_release(struct http_gate *gate);
/* The exchange is over: who waits may have its place. */
void http_gate_leave(struct http_exchange *exchange);
/* Descriptors are short: connections are better closed than kept. */
bool http_gate_spares_descriptors(const struct http_loop *loop);

#endif
