/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_gate.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "net/body_buffers.h"
#include "net/http_connection.h"
#include "net/http_loop.h"

#include "base/banned.h"

#define REFUSED_METRIC(text)                                                                       \
    {                                                                                              \
        .kind = METRIC_COUNTER, .name = "lode_load_refused_total",                                 \
        .help = "Requests refused because of the load, before any work.", .labels = text           \
    }
static struct metric refused_data = REFUSED_METRIC("class=\"data\"");
static struct metric refused_small = REFUSED_METRIC("class=\"small\"");
static struct metric waited_total = {.kind = METRIC_COUNTER,
                                     .name = "lode_load_waited_total",
                                     .help =
                                         "Requests that waited for admission because of the load."};
static struct metric waiting = {.kind = METRIC_GAUGE,
                                .name = "lode_load_waiting",
                                .help = "Requests that wait for admission now."};
static pthread_once_t metrics_once = PTHREAD_ONCE_INIT;

static const char *const SENTENCES[LOAD_DIMENSION_COUNT] = {
    [LOAD_MEMORY] = "The node is short of memory. Please slow down.",
    [LOAD_CPU] = "The node is short of CPU. Please slow down.",
    [LOAD_DISK] = "The disks of the node are busy. Please slow down.",
    [LOAD_THREADS] = "Too many requests wait for the disks of the node. Please slow down.",
    [LOAD_DESCRIPTORS] = "The node is short of descriptors. Please slow down.",
};

static void
register_metrics(void)
{
    metric_register(&refused_data);
    metric_register(&refused_small);
    metric_register(&waited_total);
    metric_register(&waiting);
}

static const struct load *
load_of(const struct http_loop *loop)
{
    return loop->shared->options.load;
}

bool
http_gate_spares_descriptors(const struct http_loop *loop)
{
    return load_grade(load_of(loop), LOAD_DESCRIPTORS) >= LOAD_HIGH;
}

/* This loop's part of what the whole server may have; at least one. */
static size_t
part_of(const struct http_loop *loop, size_t whole)
{
    size_t part = whole / loop->shared->loop_count;

    return part > 0 ? part : 1;
}

static size_t
data_max(const struct http_loop *loop)
{
    return part_of(loop, worker_pool_thread_count(loop->shared->options.workers));
}

static void
let_in(struct http_gate *gate, struct http_exchange *exchange)
{
    struct http_gate_pass *pass = &exchange->gate;

    pass->is_counted = true;
    gate->admitted_counts[exchange->load_class]++;
    pass->admission.handler(exchange, pass->admission.arg);
}

static void
refuse(struct http_exchange *exchange)
{
    const struct load *load = load_of(http_connection_of(exchange)->loop);
    const struct http_admission *admission = &exchange->gate.admission;

    metric_add(exchange->load_class == LOAD_DATA ? &refused_data : &refused_small, 1);
    admission->refuse(exchange, load_retry_after_s(load), SENTENCES[load_gate_dimension(load)],
                      admission->arg);
}

static void
hold(struct http_loop *loop, struct http_exchange *exchange)
{
    struct http_gate *gate = &loop->gate;

    metric_add(&waited_total, 1);
    metric_add(&waiting, 1);
    exchange->gate.waiting_since_ns = clock_monotonic_ns();
    list_append(&gate->waiting, &exchange->gate.node);
    gate->waiting_count++;
    if (!h2o_timeout_is_linked(&gate->timer)) {
        http_loop_link_timer(loop, HTTP_TIMER_GATE, &gate->timer);
    }
}

/* What clients send takes memory at once, and readings come four times a second: so the buffers of
 * bodies are looked at here.  Many of them in use is a high load. */
static enum load_grade
grade_now(const struct http_loop *loop)
{
    const struct body_budget *budget = &loop->shared->budget;
    enum load_grade grade = load_gate(load_of(loop));
    size_t used = atomic_load_explicit(&budget->used_bytes, memory_order_relaxed);

    if (load_of(loop) == NULL || grade >= LOAD_HIGH) {
        return grade;
    }
    return used / HTTP_GATE_BODIES_PART_OF >= budget->max_bytes / HTTP_GATE_BODIES_PART ? LOAD_HIGH
                                                                                        : grade;
}

void
http_exchange_admit(struct http_exchange *exchange, const struct http_admission *admission)
{
    struct http_loop *loop = http_connection_of(exchange)->loop;
    struct http_gate *gate = &loop->gate;
    enum load_grade grade = grade_now(loop);

    if (grade < LOAD_HIGH && gate->waiting_count == 0) {
        admission->handler(exchange, admission->arg);
        return;
    }
    exchange->gate.admission = *admission;
    exchange->load_class = admission->classify(exchange, admission->arg);
    switch (exchange->load_class) {
    case LOAD_DATA:
        if (grade == LOAD_CRITICAL ||
            gate->waiting_count >= loop->shared->limits.gate_waiting * data_max(loop)) {
            refuse(exchange);
        } else if (gate->waiting_count > 0 || gate->admitted_counts[LOAD_DATA] >= data_max(loop)) {
            hold(loop, exchange);
        } else {
            let_in(gate, exchange);
        }
        return;
    case LOAD_SMALL:
        if (grade == LOAD_CRITICAL &&
            gate->admitted_counts[LOAD_SMALL] >= part_of(loop, HTTP_GATE_SMALL_RESERVE)) {
            refuse(exchange);
            return;
        }
        break;
    default:
        break;
    }
    let_in(gate, exchange);
}

void
http_gate_leave(struct http_exchange *exchange)
{
    struct http_loop *loop = http_connection_of(exchange)->loop;
    struct http_gate *gate = &loop->gate;

    if (!exchange->gate.is_counted) {
        return;
    }
    exchange->gate.is_counted = false;
    CHECK(gate->admitted_counts[exchange->load_class] > 0);
    gate->admitted_counts[exchange->load_class]--;
    if (gate->waiting_count > 0) {
        event_loop_defer(&loop->event_loop, &gate->task); /* this one is still on the stack */
    }
}

/* ---- those who wait ---- */

static struct http_exchange *
take_first(struct http_gate *gate)
{
    struct list *node = list_take_first(&gate->waiting);

    gate->waiting_count--;
    metric_add(&waiting, -1);
    return CONTAINER_OF(struct http_exchange, gate.node, node);
}

/* The first of them: may it go in, must it be sent away (also if nobody is there any more), or does
 * it wait on?  When nothing is high any more they still do not go in all at once, which would make
 * it high again: more_count of them beside those whose turn it is. */
static void
look(struct http_loop *loop, size_t more_count)
{
    struct http_gate *gate = &loop->gate;
    int64_t longest_ns = loop->shared->limits.gate_ms * CLOCK_NS_PER_MS;

    while (gate->waiting_count > 0) {
        enum load_grade grade = grade_now(loop);
        struct http_exchange *first =
            CONTAINER_OF(struct http_exchange, gate.node, gate->waiting.next);

        if (grade == LOAD_CRITICAL || http_exchange_is_abandoned(first) ||
            clock_monotonic_ns() - first->gate.waiting_since_ns >= longest_ns) {
            refuse(take_first(gate));
        } else if (gate->admitted_counts[LOAD_DATA] < data_max(loop)) {
            let_in(gate, take_first(gate));
        } else if (grade < LOAD_HIGH && more_count > 0) {
            more_count--;
            let_in(gate, take_first(gate));
        } else {
            break;
        }
    }
    if (gate->waiting_count > 0 && !h2o_timeout_is_linked(&gate->timer)) {
        http_loop_link_timer(loop, HTTP_TIMER_GATE, &gate->timer);
    }
}

static void
on_task(struct loop_task *task)
{
    look(CONTAINER_OF(struct http_loop, gate.task, task), 0);
}

static void
on_timer(h2o_timeout_entry_t *timer)
{
    struct http_loop *loop = CONTAINER_OF(struct http_loop, gate.timer, timer);

    look(loop, data_max(loop));
}

void
http_gate_init(struct http_gate *gate)
{
    CHECK(pthread_once(&metrics_once, register_metrics) == 0);
    memset(gate, 0, sizeof(*gate));
    list_init(&gate->waiting);
    gate->timer.cb = on_timer;
    gate->task.run = on_task;
}

void
http_gate_release(struct http_gate *gate)
{
    CHECK(gate->waiting_count == 0);
    h2o_timeout_unlink(&gate->timer);
    event_loop_cancel(&gate->task);
}
