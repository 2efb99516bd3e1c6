/* SPDX-License-Identifier: Apache-2.0 */
#include "base/load_rest.h"

#include <pthread.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/metrics.h"

#include "base/banned.h"

/* At a high grade a piece is followed by so many times its own length of rest ... */
#define HIGH_REST_FACTOR 3
/* ... and where only the CPU is busy, so that clients have two thirds of what this thread could. */
#define ORDER_REST_FACTOR 2

static struct metric rests_total = {
    .kind = METRIC_COUNTER,
    .name = "lode_load_rests_total",
    .help = "Times that background work rested because of the load or for clients."};
static struct metric stops_total = {
    .kind = METRIC_COUNTER,
    .name = "lode_load_background_stops_total",
    .help = "Times that background work stood still because something was critical."};
static pthread_once_t metrics_once = PTHREAD_ONCE_INIT;

static void
register_metrics(void)
{
    metric_register(&rests_total);
    metric_register(&stops_total);
}

static bool
must_stop(load_rest_stop_fn *is_stopped, void *arg)
{
    return is_stopped != NULL && is_stopped(arg);
}

void
load_rest_begin(struct load_rest *rest, struct load *load, load_rest_stop_fn *is_stopped, void *arg)
{
    bool has_stood = false;

    CHECK(pthread_once(&metrics_once, register_metrics) == 0);
    *rest = (struct load_rest){.load = load};
    while (load_gate(load) >= LOAD_HIGH && !must_stop(is_stopped, arg)) {
        if (load_gate(load) == LOAD_HIGH && load_take_turn(load)) {
            rest->has_turn = true;
            break;
        }
        if (load_gate(load) == LOAD_CRITICAL && !has_stood) {
            has_stood = true;
            metric_add(&stops_total, 1);
        }
        load_await(load, LOAD_REST_LOOK_MS);
    }
    rest->began_ns = clock_monotonic_ns();
}

static void
pause_for(struct load *load, int64_t took_ns, bool has_clients)
{
    int64_t longest_ns = LOAD_REST_MS_MAX * CLOCK_NS_PER_MS;
    int64_t factor = load_gate(load) >= LOAD_HIGH                 ? HIGH_REST_FACTOR
                     : load_order(load, has_clients) >= LOAD_HIGH ? ORDER_REST_FACTOR
                                                                  : 1;

    if ((!has_clients && load_gate(load) == LOAD_LOW) ||
        took_ns < LOAD_REST_MS_MIN * CLOCK_NS_PER_MS) {
        return;
    }
    metric_add(&rests_total, 1);
    clock_pause_ns(factor * (took_ns < longest_ns ? took_ns : longest_ns));
}

void
load_rest_end(struct load_rest *rest, bool has_clients, bool is_over)
{
    int64_t took_ns = clock_monotonic_ns() - rest->began_ns;

    if (!is_over) {
        pause_for(rest->load, took_ns, has_clients);
    }
    if (rest->has_turn) {
        rest->has_turn = false;
        load_give_turn(rest->load);
    }
}

void
load_rest_between(struct load *load, int64_t took_ns, load_rest_stop_fn *is_stopped, void *arg)
{
    struct load_rest rest;

    load_rest_begin(&rest, load, is_stopped, arg);
    pause_for(load, took_ns, false);
    if (rest.has_turn) {
        load_give_turn(load);
    }
}
