/* SPDX-License-Identifier: Apache-2.0 */
/* Grades: entered at once, left late; what holds up whom.  docs/decisions/017-load-vector.md. */
#include "base/load.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define TICK_NS (CLOCK_NS_PER_S / LOAD_READINGS_PER_S)
#define BEGIN_NS (100 * CLOCK_NS_PER_S)

struct given {
    enum load_signal signal;
    uint64_t value;
    bool is_known;
};

static void
read_given(struct load_readings *readings, int64_t now_ns, void *arg)
{
    const struct given *given = arg;

    (void)now_ns;
    if (given->is_known) {
        load_note(readings, given->signal, given->value);
    }
}

static struct load *
create(struct given *given, enum load_signal signal)
{
    struct load *load = load_create();

    *given = (struct given){.signal = signal, .is_known = true};
    load_add_source(load, read_given, given);
    return load;
}

/* The grade after each round with that value. */
static enum load_grade
read_rounds(struct load *load, struct given *given, uint64_t value, int64_t *now_ns, int count,
            enum load_dimension dimension)
{
    given->value = value;
    for (int i = 0; i < count; i++) {
        *now_ns += TICK_NS;
        load_read(load, *now_ns);
    }
    return load_grade(load, dimension);
}

TEST(a_grade_is_entered_with_the_first_reading)
{
    struct given given;
    struct load *load = create(&given, LOAD_QUEUE_AGE);
    int64_t now_ns = BEGIN_NS;

    EXPECT_INT(LOAD_LOW, read_rounds(load, &given, 249, &now_ns, 1, LOAD_THREADS));
    EXPECT_INT(LOAD_MODERATE, read_rounds(load, &given, 250, &now_ns, 1, LOAD_THREADS));
    EXPECT_INT(LOAD_CRITICAL, read_rounds(load, &given, 5000, &now_ns, 1, LOAD_THREADS));
    EXPECT_INT(LOAD_CRITICAL, load_gate(load));
    EXPECT_INT(LOAD_THREADS, load_gate_dimension(load));
    load_destroy(&load);
}

/* Two seconds below the second threshold, and not a reading less. */
TEST(a_grade_is_left_after_two_seconds_below_the_second_threshold)
{
    struct given given;
    struct load *load = create(&given, LOAD_QUEUE_AGE);
    int64_t now_ns = BEGIN_NS;
    int rounds = LOAD_LEAVE_MS * LOAD_READINGS_PER_S / 1000;

    read_rounds(load, &given, 6000, &now_ns, 1, LOAD_THREADS);

    /* Below the first threshold, not below the second: for ever. */
    EXPECT_INT(LOAD_CRITICAL, read_rounds(load, &given, 4500, &now_ns, 50, LOAD_THREADS));
    EXPECT_INT(LOAD_CRITICAL, read_rounds(load, &given, 0, &now_ns, rounds, LOAD_THREADS));
    EXPECT_INT(LOAD_LOW, read_rounds(load, &given, 0, &now_ns, 1, LOAD_THREADS));
    EXPECT_INT(LOAD_LOW, load_gate(load));
    load_destroy(&load);
}

TEST(a_reading_above_it_begins_the_two_seconds_anew)
{
    struct given given;
    struct load *load = create(&given, LOAD_QUEUE_AGE);
    int64_t now_ns = BEGIN_NS;

    read_rounds(load, &given, 1000, &now_ns, 1, LOAD_THREADS);
    for (int i = 0; i < 10; i++) {
        EXPECT_INT(LOAD_HIGH, read_rounds(load, &given, 0, &now_ns, 7, LOAD_THREADS));
        EXPECT_INT(LOAD_HIGH, read_rounds(load, &given, 900, &now_ns, 1, LOAD_THREADS));
    }
    load_destroy(&load);
}

/* Of what is bad when it is small the second threshold is the higher one. */
TEST(what_is_left_is_bad_when_it_is_small)
{
    struct given given;
    struct load *load = create(&given, LOAD_MEMORY_LEFT);
    int64_t now_ns = BEGIN_NS;

    EXPECT_INT(LOAD_LOW, read_rounds(load, &given, 400, &now_ns, 1, LOAD_MEMORY));
    EXPECT_INT(LOAD_MODERATE, read_rounds(load, &given, 399, &now_ns, 1, LOAD_MEMORY));
    EXPECT_INT(LOAD_HIGH, read_rounds(load, &given, 199, &now_ns, 1, LOAD_MEMORY));
    EXPECT_INT(LOAD_CRITICAL, read_rounds(load, &given, 0, &now_ns, 1, LOAD_MEMORY));
    EXPECT_INT(LOAD_CRITICAL, read_rounds(load, &given, 124, &now_ns, 50, LOAD_MEMORY));
    EXPECT_INT(LOAD_HIGH, read_rounds(load, &given, 126, &now_ns, 50, LOAD_MEMORY));
    load_destroy(&load);
}

/* A kernel that does not say is no reason to refuse. */
TEST(what_nobody_reads_is_low)
{
    struct given given;
    struct load *load = create(&given, LOAD_MEMORY_LEFT);
    int64_t now_ns = BEGIN_NS;

    read_rounds(load, &given, 0, &now_ns, 1, LOAD_MEMORY);
    given.is_known = false;

    EXPECT_INT(LOAD_LOW, read_rounds(load, &given, 0, &now_ns, 50, LOAD_MEMORY));
    load_destroy(&load);
    EXPECT_INT(LOAD_LOW, load_gate(NULL));
    EXPECT_INT(LOAD_LOW, load_grade(NULL, LOAD_MEMORY));
}

/* A busy CPU refuses nobody: background work gives way, and only where there are clients. */
TEST(cpu_only_orders)
{
    struct given given;
    struct load *load = create(&given, LOAD_CPU_STALL);
    int64_t now_ns = BEGIN_NS;

    EXPECT_INT(LOAD_HIGH, read_rounds(load, &given, 100, &now_ns, 1, LOAD_CPU));
    EXPECT_INT(LOAD_LOW, load_gate(load));
    EXPECT_INT(LOAD_LOW, load_order(load, false));
    EXPECT_INT(LOAD_HIGH, load_order(load, true));
    load_destroy(&load);
}

/* At the floor writes get 507 by themselves: reads, deletes and the collector go on. */
TEST(a_full_disk_is_shown_and_holds_up_nobody)
{
    struct given given;
    struct load *load = create(&given, LOAD_DISK_SPACE);
    int64_t now_ns = BEGIN_NS;

    EXPECT_INT(LOAD_CRITICAL, read_rounds(load, &given, 100, &now_ns, 1, LOAD_DISK));
    EXPECT_INT(LOAD_LOW, load_gate(load));
    EXPECT_INT(LOAD_LOW, load_order(load, true));
    load_destroy(&load);
}

TEST(of_several_readings_the_worst_counts)
{
    struct load_readings readings = {.is_known = {false}};

    load_note(&readings, LOAD_COMMIT_AGE, 3);
    load_note(&readings, LOAD_COMMIT_AGE, 9);
    load_note(&readings, LOAD_COMMIT_AGE, 5);
    load_note_left(&readings, LOAD_DISK_SPACE, 300, 100);
    load_note_left(&readings, LOAD_DISK_SPACE, 120, 100);
    load_note_left(&readings, LOAD_DISK_SPACE, UINT64_MAX, 100);
    load_note_left(&readings, LOAD_MEMORY_LEFT, 1, 0);

    EXPECT_INT(9, readings.values[LOAD_COMMIT_AGE]);
    EXPECT_INT(120, readings.values[LOAD_DISK_SPACE]);
    EXPECT(!readings.is_known[LOAD_MEMORY_LEFT]);
}

/* 1 s to 8 s: more the longer the grade lasts, and not the same for all. */
TEST(refused_clients_stay_away_longer_and_do_not_return_together)
{
    struct given given;
    struct load *load;
    int64_t now_ns;
    unsigned seen[16] = {0};

    clock_use_virtual(BEGIN_NS);
    now_ns = clock_monotonic_ns();
    load = create(&given, LOAD_QUEUE_AGE);
    read_rounds(load, &given, 6000, &now_ns, 1, LOAD_THREADS);
    for (int i = 0; i < 200; i++) {
        seen[load_retry_after_s(load)]++;
    }
    EXPECT(seen[1] > 0 && seen[2] > 0);
    EXPECT_INT(200, seen[1] + seen[2]);

    clock_advance(60 * CLOCK_NS_PER_S);
    for (int i = 0; i < 200; i++) {
        seen[load_retry_after_s(load)]++;
    }
    EXPECT_INT(200, seen[7] + seen[8]);
    clock_use_system();
    load_destroy(&load);
}

TEST(grades_and_readings_are_metrics)
{
    struct given given;
    struct load *load = create(&given, LOAD_QUEUE_AGE);
    struct buffer text = BUFFER_INIT;
    struct buffer json = BUFFER_INIT;
    int64_t now_ns = BEGIN_NS;

    read_rounds(load, &given, 1234, &now_ns, 1, LOAD_THREADS);
    metrics_export(&text);
    load_append_json(load, &json);

    EXPECT(bytes_find(buffer_bytes(&text), 0,
                      BYTES_LITERAL("lode_load_grade{dimension=\"threads\"} 2\n")) != SIZE_MAX);
    EXPECT(bytes_find(buffer_bytes(&text), 0,
                      BYTES_LITERAL("lode_load_grade{dimension=\"cpu\"} 0\n")) != SIZE_MAX);
    EXPECT(bytes_find(buffer_bytes(&text), 0,
                      BYTES_LITERAL("lode_load_reading{signal=\"queue_age_ms\"} 1234\n")) !=
           SIZE_MAX);
    EXPECT(bytes_find(buffer_bytes(&text), 0,
                      BYTES_LITERAL("lode_load_reading{signal=\"commit_age_ms\"} -1\n")) !=
           SIZE_MAX);
    EXPECT_BYTES(BYTES_LITERAL("{\"memory\":\"low\",\"cpu\":\"low\",\"disk\":\"low\","
                               "\"threads\":\"high\",\"descriptors\":\"low\"}"),
                 buffer_bytes(&json));
    buffer_release(&text);
    buffer_release(&json);
    load_destroy(&load);
}

/* Nobody is held up by a vector that reads no more. */
TEST(a_stopped_vector_is_low)
{
    struct given given;
    struct load *load = create(&given, LOAD_QUEUE_AGE);

    given.value = 6000;
    load_start(load);
    while (load_gate(load) != LOAD_CRITICAL) {
        load_await(load, 1000);
    }
    load_stop(load);

    EXPECT_INT(LOAD_LOW, load_gate(load));
    EXPECT_INT(LOAD_LOW, load_grade(load, LOAD_THREADS));
    load_destroy(&load);
}
