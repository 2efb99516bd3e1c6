/* SPDX-License-Identifier: Apache-2.0 */
/* Who is admitted at which load: docs/decisions/017-load-vector.md. */
#include "net/http_gate.h"

#include <sched.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "tests/unit/net/test_client.h"
#include "tests/unit/net/test_server.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* Of the age of the oldest queued job, in ms. */
#define AGE_LOW 0
#define AGE_MODERATE 300
#define AGE_HIGH 2000
#define AGE_CRITICAL 6000

/* Few, so that a test can fill them. */
#define WAITING_PER_PLACE 4

static struct test_server server;
static struct test_client client;
static struct test_response response;
static struct test_gate gate;
static struct load *load;
static uint64_t age_ms;
static int64_t now_ns;
static atomic_int classified_count;
static struct http_exchange *kept[HTTP_GATE_SMALL_RESERVE];
static atomic_size_t kept_count;

static void
read_age(struct load_readings *readings, int64_t at_ns, void *arg)
{
    (void)at_ns;
    (void)arg;
    load_note(readings, LOAD_QUEUE_AGE, age_ms);
}

/* Long enough for any grade to be left. */
static void
set_age(uint64_t wanted_ms)
{
    age_ms = wanted_ms;
    for (int i = 0; i < 3; i++) {
        now_ns += 2 * LOAD_LEAVE_MS * CLOCK_NS_PER_MS;
        load_read(load, now_ns);
    }
}

/* ---- /data..., /small..., /control...; ...-held waits on a worker, ...-kept for the test ---- */

static enum load_class
classify(struct http_exchange *exchange, void *arg)
{
    struct bytes path = http_exchange_request(exchange)->path;

    (void)arg;
    atomic_fetch_add(&classified_count, 1);
    return bytes_has_prefix(path, BYTES_LITERAL("/data"))      ? LOAD_DATA
           : bytes_has_prefix(path, BYTES_LITERAL("/control")) ? LOAD_CONTROL
                                                               : LOAD_SMALL;
}

static void
answer_ok(struct http_exchange *exchange)
{
    test_respond(exchange, 200, "ok");
}

static void
answer_held(struct http_exchange *exchange)
{
    test_gate_pass(&gate);
    answer_ok(exchange);
}

static void
answer_body(struct http_exchange *exchange, enum status st, struct bytes body)
{
    (void)body;
    test_respond(exchange, st == ST_OK ? 200 : 400, "ok");
}

static void
handle_admitted(struct http_exchange *exchange, void *arg)
{
    struct bytes path = http_exchange_request(exchange)->path;

    (void)arg;
    if (bytes_has_suffix(path, BYTES_LITERAL("-held"))) {
        http_exchange_run_on_worker(exchange, answer_held);
    } else if (bytes_has_suffix(path, BYTES_LITERAL("-kept"))) {
        kept[atomic_load(&kept_count)] = exchange;
        atomic_fetch_add(&kept_count, 1);
    } else if (http_exchange_request(exchange)->has_body) {
        http_exchange_read_body(exchange, 1 << 20, answer_body);
    } else {
        http_exchange_run_on_worker(exchange, answer_ok);
    }
}

static void
refuse(struct http_exchange *exchange, unsigned retry_after_s, const char *sentence, void *arg)
{
    (void)arg;
    EXPECT(retry_after_s >= 1 && retry_after_s <= 8);
    test_respond(exchange, 503, sentence);
}

static void
handle(struct http_exchange *exchange, void *arg)
{
    http_exchange_admit(exchange, &(struct http_admission){.classify = classify,
                                                           .handler = handle_admitted,
                                                           .refuse = refuse,
                                                           .arg = arg});
}

/* patience_ms: of those who wait. */
static void
start_all(uint64_t wanted_ms, uint32_t patience_ms, size_t body_memory_bytes)
{
    struct http_limits limits = HTTP_LIMITS_DEFAULT;

    limits.gate_ms = patience_ms;
    limits.gate_waiting = WAITING_PER_PLACE;
    gate = TEST_GATE_INIT;
    atomic_store(&kept_count, 0);
    atomic_store(&classified_count, 0);
    now_ns = CLOCK_NS_PER_S;
    load = load_create();
    load_add_source(load, read_age, NULL);
    set_age(wanted_ms);
    test_server_start(&server,
                      &(struct test_server_options){.handler = handle,
                                                    .load = load,
                                                    .limits = &limits,
                                                    .body_memory_bytes = body_memory_bytes});
    test_client_open(&client, server.port);
}

static void
start_with(uint64_t wanted_ms, uint32_t patience_ms)
{
    start_all(wanted_ms, patience_ms, 0);
}

/* The machine may be as slow as it likes. */
static void
start(uint64_t wanted_ms)
{
    start_with(wanted_ms, UINT32_C(600000));
}

static void
stop(void)
{
    test_client_close(&client);
    test_server_stop(&server);
    load_destroy(&load);
}

static void
ask(const char *method, const char *path, const char *rest, int status)
{
    char text[256];

    snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: h\r\n%s", method, path, rest);
    test_client_ask(&client, text, status, &response);
    test_response_release(&response);
}

static void
send_get(struct test_client *to, const char *path)
{
    char text[256];

    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path);
    test_client_open(to, server.port);
    test_client_send(to, text);
}

static void
expect_status(struct test_client *from, int status)
{
    test_client_read(from, false, &response);
    EXPECT_INT(status, response.status);
    test_response_release(&response);
    test_client_close(from);
}

/* How many wait, as the metric says. */
static void
await_waiting(int count)
{
    char line[64];
    bool is_there = false;

    snprintf(line, sizeof(line), "\nlode_load_waiting %d\n", count);
    while (!is_there) {
        struct buffer text = BUFFER_INIT;

        metrics_export(&text);
        is_there = bytes_find(buffer_bytes(&text), 0, bytes_of_string(line)) != SIZE_MAX;
        buffer_release(&text);
        sched_yield();
    }
}

/* The price of the gate where nothing is the matter: one look at the grade. */
TEST(nobody_is_asked_what_he_wants_before_something_is_high)
{
    start(AGE_MODERATE);

    ask("GET", "/data", "\r\n", 200);

    EXPECT_INT(0, atomic_load(&classified_count));
    stop();
}

/* Bodies take memory between two readings: that is seen at once. */
TEST(much_memory_in_bodies_is_high_before_the_next_reading)
{
    static char piece[60000];
    struct test_client sender;

    start_all(AGE_LOW, UINT32_C(600000), 65536);
    test_client_open(&sender, server.port);
    test_client_send(&sender, "PUT /small HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n");
    test_client_send_bytes(&sender, piece, sizeof(piece) - 1);

    while (atomic_load(&classified_count) == 0) {
        ask("GET", "/data", "\r\n", 200);
    }

    test_client_send_bytes(&sender, piece, 1);
    expect_status(&sender, 200);
    stop();
}

/* Refused before work; small things and control go on. */
TEST(at_a_critical_load_data_is_refused_and_the_rest_is_not)
{
    start(AGE_CRITICAL);

    ask("GET", "/data", "\r\n", 503);
    ask("GET", "/small", "\r\n", 200);
    ask("GET", "/control", "\r\n", 200);
    set_age(AGE_LOW);
    ask("GET", "/data", "\r\n", 200);
    stop();
}

/* SPEC: RFC 9110 10.1.1: who waits for 100 Continue gets the final answer instead. */
TEST(a_refused_body_is_not_asked_for)
{
    start(AGE_CRITICAL);

    test_client_ask(&client,
                    "PUT /data HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n"
                    "Expect: 100-continue\r\n\r\n",
                    503, &response);
    test_response_release(&response);
    stop();
}

/* SPEC: RFC 9112 9.3: the next request begins behind the body of the one before. */
TEST(behind_a_refused_body_that_has_come_the_connection_goes_on)
{
    start(AGE_CRITICAL);

    ask("PUT", "/data", "Content-Length: 5\r\n\r\n12345", 503);
    ask("GET", "/small", "\r\n", 200);
    stop();
}

/* SPEC: RFC 9112 9.6: an answer that came early can be read although the body is still sent. */
TEST(a_refused_body_that_is_on_its_way_is_thrown_away_and_the_connection_closed)
{
    char piece[65536];

    memset(piece, 'x', sizeof(piece));
    start(AGE_CRITICAL);

    test_client_send(&client, "PUT /data HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
    for (int i = 0; i < 4; i++) {
        test_client_send_bytes(&client, piece, sizeof(piece));
    }
    test_client_read(&client, false, &response);
    EXPECT_INT(503, response.status);
    EXPECT_BYTES(BYTES_LITERAL("close"), test_response_header(&response, "Connection"));
    test_response_release(&response);
    test_client_end_sending(&client);
    test_client_expect_end(&client);
    stop();
}

/* Every worker is held, and the operator is answered all the same. */
TEST(control_is_answered_while_every_worker_is_held)
{
    struct test_client held[TEST_SERVER_WORKERS];

    start(AGE_HIGH);
    for (size_t i = 0; i < ARRAY_COUNT(held); i++) {
        send_get(&held[i], "/small-held");
    }
    test_gate_wait_entered(&gate, ARRAY_COUNT(held));

    ask("GET", "/control", "\r\n", 200);

    test_gate_open(&gate);
    for (size_t i = 0; i < ARRAY_COUNT(held); i++) {
        expect_status(&held[i], 200);
    }
    stop();
}

/* As many as there are workers; who waits is served when one of them is done. */
TEST(at_a_high_load_data_waits_for_its_turn)
{
    struct test_client held[TEST_SERVER_WORKERS];
    struct test_client waiting;

    start(AGE_HIGH);
    for (size_t i = 0; i < ARRAY_COUNT(held); i++) {
        send_get(&held[i], "/data-held");
    }
    test_gate_wait_entered(&gate, ARRAY_COUNT(held));
    send_get(&waiting, "/data");
    await_waiting(1);

    test_gate_open(&gate);

    expect_status(&waiting, 200);
    await_waiting(0);
    for (size_t i = 0; i < ARRAY_COUNT(held); i++) {
        expect_status(&held[i], 200);
    }
    stop();
}

TEST(who_waits_goes_on_when_the_load_falls_and_is_refused_when_it_rises)
{
    struct test_client held[TEST_SERVER_WORKERS];
    struct test_client first;
    struct test_client second;

    start(AGE_HIGH);
    for (size_t i = 0; i < ARRAY_COUNT(held); i++) {
        send_get(&held[i], "/data-kept");
    }
    while (atomic_load(&kept_count) < ARRAY_COUNT(held)) {
        sched_yield();
    }
    send_get(&first, "/data");
    await_waiting(1);
    set_age(AGE_LOW);
    expect_status(&first, 200);

    set_age(AGE_HIGH);
    send_get(&second, "/data");
    await_waiting(1);
    set_age(AGE_CRITICAL);
    expect_status(&second, 503);

    for (size_t i = 0; i < ARRAY_COUNT(held); i++) {
        answer_ok(kept[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(held); i++) {
        expect_status(&held[i], 200);
    }
    stop();
}

/* More than that would wait longer than a client has patience: refused at once, without a wait. */
TEST(not_more_wait_than_can_be_served_in_time)
{
    struct test_client clients[TEST_SERVER_WORKERS * (1 + WAITING_PER_PLACE)];

    start(AGE_HIGH);
    for (size_t i = 0; i < TEST_SERVER_WORKERS; i++) {
        send_get(&clients[i], "/data-held");
    }
    test_gate_wait_entered(&gate, TEST_SERVER_WORKERS);
    for (size_t i = TEST_SERVER_WORKERS; i < ARRAY_COUNT(clients); i++) {
        send_get(&clients[i], "/data");
    }
    await_waiting((int)(TEST_SERVER_WORKERS * WAITING_PER_PLACE));

    ask("GET", "/data", "\r\n", 503);

    test_gate_open(&gate);
    for (size_t i = 0; i < ARRAY_COUNT(clients); i++) {
        expect_status(&clients[i], 200);
    }
    stop();
}

TEST(who_has_waited_as_long_as_clients_have_patience_is_refused)
{
    struct test_client held[TEST_SERVER_WORKERS];

    start_with(AGE_HIGH, 1);
    for (size_t i = 0; i < ARRAY_COUNT(held); i++) {
        send_get(&held[i], "/data-held");
    }
    test_gate_wait_entered(&gate, ARRAY_COUNT(held));

    ask("GET", "/data", "\r\n", 503);

    test_gate_open(&gate);
    for (size_t i = 0; i < ARRAY_COUNT(held); i++) {
        expect_status(&held[i], 200);
    }
    stop();
}

/* Nobody works for a client that is gone, and nobody waits behind it. */
TEST(who_went_away_while_it_waited_holds_nobody_up)
{
    struct test_client held[TEST_SERVER_WORKERS];
    struct test_client gone;
    struct test_client waiting;

    start(AGE_HIGH);
    for (size_t i = 0; i < ARRAY_COUNT(held); i++) {
        send_get(&held[i], "/data-held");
    }
    test_gate_wait_entered(&gate, ARRAY_COUNT(held));
    send_get(&gone, "/data");
    await_waiting(1);
    send_get(&waiting, "/data");
    await_waiting(2);
    test_client_abort(&gone);

    test_gate_open(&gate);

    expect_status(&waiting, 200);
    for (size_t i = 0; i < ARRAY_COUNT(held); i++) {
        expect_status(&held[i], 200);
    }
    stop();
}

TEST(at_a_critical_load_small_requests_have_a_reserve)
{
    static struct test_client clients[HTTP_GATE_SMALL_RESERVE];

    start(AGE_CRITICAL);
    for (size_t i = 0; i < ARRAY_COUNT(clients); i++) {
        send_get(&clients[i], "/small-kept");
    }
    while (atomic_load(&kept_count) < ARRAY_COUNT(clients)) {
        sched_yield();
    }

    ask("GET", "/small", "\r\n", 503);
    ask("GET", "/control", "\r\n", 200);

    for (size_t i = 0; i < ARRAY_COUNT(clients); i++) {
        answer_ok(kept[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(clients); i++) {
        expect_status(&clients[i], 200);
    }
    ask("GET", "/small", "\r\n", 200);
    stop();
}
