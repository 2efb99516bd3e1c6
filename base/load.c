/* SPDX-License-Identifier: Apache-2.0 */
#include "base/load.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/entropy.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"

#include "base/banned.h"

/* Who has readings: the system, the store, the pool of workers. */
#define SOURCE_MAX 8

enum direction { RISING, FALLING };
enum effect { GATES, ORDERS, SHOWN };

struct rule {
    enum load_dimension dimension;
    const char *name;
    const char *help;
    enum direction direction;
    uint64_t thresholds[LOAD_CRITICAL]; /* of moderate, high, critical */
    enum effect effect;
};

static const struct rule RULES[LOAD_SIGNAL_COUNT] = {
#define RULE(signal, dimension, name, help, direction, moderate, high, critical, effect)           \
    [signal] = {dimension, name, help, direction, {moderate, high, critical}, effect},
    LOAD_SIGNAL_LIST(RULE)
#undef RULE
};

static const char *const DIMENSIONS[LOAD_DIMENSION_COUNT] = {"memory", "cpu", "disk", "threads",
                                                             "descriptors"};
static const char *const GRADES[] = {"low", "moderate", "high", "critical"};
static const char *const CLASSES[LOAD_CLASS_COUNT] = {"small", "control", "data", "background"};

/* One signal in time; the vector's thread only. */
struct state {
    enum load_grade grade;
    int64_t better_since_ns; /* 0: it is not */
};

struct load {
    struct {
        load_source_fn *read;
        void *arg;
    } sources[SOURCE_MAX];
    size_t source_count;
    struct state states[LOAD_SIGNAL_COUNT];
    atomic_int grades[LOAD_DIMENSION_COUNT];
    atomic_int space; /* grade of LOAD_DISK_SPACE */
    atomic_int gate;
    atomic_int gate_dimension;
    atomic_int order;
    _Atomic int64_t gate_since_ns; /* the present grade of the gate */
    _Atomic uint64_t memory_left_bytes;
    _Atomic uint64_t memory_total_bytes;
    atomic_flag has_turn; /* somebody works in the background at a high grade */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t has_read; /* a round is over, or the end is near */
    uint64_t round_count;    /* guarded by lock */
    bool is_stopping;        /* guarded by lock */
};

static struct metric grade_metrics[LOAD_DIMENSION_COUNT];
static struct metric reading_metrics[LOAD_SIGNAL_COUNT];
static char metric_labels[LOAD_DIMENSION_COUNT + LOAD_SIGNAL_COUNT][64];
static pthread_once_t metrics_once = PTHREAD_ONCE_INIT;

static void
register_metrics(void)
{
    for (size_t i = 0; i < LOAD_DIMENSION_COUNT; i++) {
        snprintf(metric_labels[i], sizeof(metric_labels[i]), "dimension=\"%s\"", DIMENSIONS[i]);
        grade_metrics[i].kind = METRIC_GAUGE;
        grade_metrics[i].name = "lode_load_grade";
        grade_metrics[i].help = "How loaded the node is: 0 low, 1 moderate, 2 high, 3 critical.";
        grade_metrics[i].labels = metric_labels[i];
        metric_register(&grade_metrics[i]);
    }
    for (size_t i = 0; i < LOAD_SIGNAL_COUNT; i++) {
        char *labels = metric_labels[LOAD_DIMENSION_COUNT + i];

        snprintf(labels, sizeof(metric_labels[0]), "signal=\"%s\"", RULES[i].name);
        reading_metrics[i].kind = METRIC_GAUGE;
        reading_metrics[i].name = "lode_load_reading";
        reading_metrics[i].help = "What the grades rest on; -1: this system does not say.";
        reading_metrics[i].labels = labels;
        reading_metrics[i].value = -1;
        metric_register(&reading_metrics[i]);
    }
}

struct load *
load_create(void)
{
    struct load *load = xcalloc(1, sizeof(*load));
    pthread_condattr_t attributes;

    CHECK(pthread_once(&metrics_once, register_metrics) == 0);
    CHECK(pthread_mutex_init(&load->lock, NULL) == 0);
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&load->has_read, &attributes) == 0);
    pthread_condattr_destroy(&attributes);
    return load;
}

void
load_destroy(struct load **take_load)
{
    struct load *load = *take_load;

    if (load == NULL) {
        return;
    }
    load_stop(load);
    pthread_cond_destroy(&load->has_read);
    pthread_mutex_destroy(&load->lock);
    free(load);
    *take_load = NULL;
}

void
load_add_source(struct load *load, load_source_fn *read, void *arg)
{
    CHECK(!load->has_thread && load->source_count < SOURCE_MAX);
    load->sources[load->source_count].read = read;
    load->sources[load->source_count].arg = arg;
    load->source_count++;
}

/* ---- readings and grades ---- */

void
load_note(struct load_readings *readings, enum load_signal signal, uint64_t value)
{
    uint64_t known = readings->values[signal];
    bool is_worse = RULES[signal].direction == RISING ? value > known : value < known;

    if (!readings->is_known[signal] || is_worse) {
        readings->values[signal] = value;
        readings->is_known[signal] = true;
    }
}

void
load_note_left(struct load_readings *readings, enum load_signal signal, uint64_t left,
               uint64_t reserve)
{
    if (reserve > 0) {
        /* Beyond a thousand times the reserve nobody counts. */
        load_note(readings, signal,
                  left / reserve >= 1000 ? UINT64_C(100000) : left * 100 / reserve);
    }
}

/* is_leaving: by the thresholds that a grade is left by. */
static enum load_grade
grade_of(const struct rule *rule, uint64_t value, bool is_leaving)
{
    enum load_grade grade = LOAD_CRITICAL;

    for (; grade > LOAD_LOW; grade--) {
        uint64_t threshold = rule->thresholds[grade - 1];

        if (rule->direction == RISING ? threshold == LOAD_NEVER_ABOVE
                                      : threshold == LOAD_NEVER_BELOW) {
            continue;
        }
        if (is_leaving) {
            threshold = rule->direction == RISING ? threshold * LOAD_LEAVE_PERCENT / 100
                                                  : threshold * 100 / LOAD_LEAVE_PERCENT;
        }
        if (rule->direction == RISING ? value >= threshold : value < threshold) {
            break;
        }
    }
    return grade;
}

static void
follow(struct state *state, const struct rule *rule, const struct load_readings *readings,
       enum load_signal signal, int64_t now_ns)
{
    bool is_known = readings->is_known[signal];
    enum load_grade entered = is_known ? grade_of(rule, readings->values[signal], false) : LOAD_LOW;
    enum load_grade left = is_known ? grade_of(rule, readings->values[signal], true) : LOAD_LOW;

    if (entered >= state->grade) {
        state->grade = entered;
        state->better_since_ns = 0;
    } else if (left >= state->grade) {
        state->better_since_ns = 0;
    } else if (state->better_since_ns == 0) {
        state->better_since_ns = now_ns;
    } else if (now_ns - state->better_since_ns >= LOAD_LEAVE_MS * CLOCK_NS_PER_MS) {
        state->grade = left;
        state->better_since_ns = 0;
    }
}

static void
publish(struct load *load, enum load_dimension dimension, enum load_grade grade)
{
    enum load_grade before = (enum load_grade)atomic_exchange(&load->grades[dimension], (int)grade);

    metric_set(&grade_metrics[dimension], grade);
    if (grade == before) {
        return;
    }
    /* A busy CPU is nothing that anybody has to act on. */
    if (dimension != LOAD_CPU && (grade >= LOAD_HIGH || before >= LOAD_HIGH)) {
        log_warn(NULL, "load_grade", "Load of %s: %s, was %s", DIMENSIONS[dimension], GRADES[grade],
                 GRADES[before]);
    } else {
        log_debug(NULL, "load_grade", "Load of %s: %s, was %s", DIMENSIONS[dimension],
                  GRADES[grade], GRADES[before]);
    }
}

void
load_read(struct load *load, int64_t now_ns)
{
    struct load_readings readings = {.is_known = {false}};
    enum load_grade grades[LOAD_DIMENSION_COUNT] = {LOAD_LOW};
    enum load_grade gate = LOAD_LOW;
    enum load_grade order = LOAD_LOW;
    enum load_dimension gate_dimension = LOAD_MEMORY;

    for (size_t i = 0; i < load->source_count; i++) {
        load->sources[i].read(&readings, now_ns, load->sources[i].arg);
    }
    for (size_t i = 0; i < LOAD_SIGNAL_COUNT; i++) {
        const struct rule *rule = &RULES[i];
        struct state *state = &load->states[i];

        follow(state, rule, &readings, (enum load_signal)i, now_ns);
        metric_set(&reading_metrics[i], readings.is_known[i] ? (int64_t)readings.values[i] : -1);
        if (state->grade > grades[rule->dimension]) {
            grades[rule->dimension] = state->grade;
        }
        if (rule->effect == GATES && state->grade > gate) {
            gate = state->grade;
            gate_dimension = rule->dimension;
        }
        if (rule->effect != SHOWN && state->grade > order) {
            order = state->grade;
        }
    }
    atomic_store(&load->memory_left_bytes, readings.memory_left_bytes);
    atomic_store(&load->memory_total_bytes, readings.memory_total_bytes);
    for (size_t i = 0; i < LOAD_DIMENSION_COUNT; i++) {
        publish(load, (enum load_dimension)i, grades[i]);
    }
    if ((int)gate != atomic_load(&load->gate)) {
        atomic_store(&load->gate_since_ns, now_ns);
    }
    atomic_store(&load->space, (int)load->states[LOAD_DISK_SPACE].grade);
    atomic_store(&load->gate_dimension, (int)gate_dimension);
    atomic_store(&load->order, (int)order);
    atomic_store(&load->gate, (int)gate);
    WITH_LOCK (&load->lock) {
        load->round_count++;
        CHECK(pthread_cond_broadcast(&load->has_read) == 0);
    }
}

/* Nothing holds anybody up any more. */
static void
load_forget(struct load *load)
{
    atomic_store(&load->gate, LOAD_LOW);
    atomic_store(&load->order, LOAD_LOW);
    for (size_t i = 0; i < LOAD_DIMENSION_COUNT; i++) {
        atomic_store(&load->grades[i], LOAD_LOW);
    }
}

/* ---- the thread ---- */

static void
deadline_in(int64_t timeout_ms, struct timespec *ret_deadline)
{
    CHECK(clock_gettime(CLOCK_MONOTONIC, ret_deadline) == 0);
    ret_deadline->tv_sec += timeout_ms / 1000;
    ret_deadline->tv_nsec += timeout_ms % 1000 * CLOCK_NS_PER_MS;
    if (ret_deadline->tv_nsec >= CLOCK_NS_PER_S) {
        ret_deadline->tv_nsec -= CLOCK_NS_PER_S;
        ret_deadline->tv_sec++;
    }
}

static bool
wait_for_turn(struct load *load)
{
    struct timespec deadline;
    bool is_stopping = false;
    int result = 0;

    deadline_in(1000 / LOAD_READINGS_PER_S, &deadline);
    WITH_LOCK (&load->lock) {
        while (!load->is_stopping && result == 0) {
            result = pthread_cond_timedwait(&load->has_read, &load->lock, &deadline);
        }
        is_stopping = load->is_stopping;
    }
    return !is_stopping;
}

static void *
load_main(void *arg)
{
    struct load *load = arg;

    (void)pthread_setname_np(pthread_self(), "lode-load");
    do {
        load_read(load, clock_monotonic_ns());
    } while (wait_for_turn(load));
    return NULL;
}

void
load_start(struct load *load)
{
    CHECK(!load->has_thread);
    load->has_thread = true;
    CHECK(pthread_create(&load->thread, NULL, load_main, load) == 0);
}

void
load_stop(struct load *load)
{
    if (!load->has_thread) {
        return;
    }
    WITH_LOCK (&load->lock) {
        load->is_stopping = true;
        CHECK(pthread_cond_broadcast(&load->has_read) == 0);
    }
    CHECK(pthread_join(load->thread, NULL) == 0);
    load->has_thread = false;
    load->source_count = 0;
    load_forget(load);
}

/* ---- what everybody sees ---- */

const char *
load_dimension_name(enum load_dimension dimension)
{
    CHECK(dimension < LOAD_DIMENSION_COUNT);
    return DIMENSIONS[dimension];
}

const char *
load_grade_name(enum load_grade grade)
{
    CHECK(grade <= LOAD_CRITICAL);
    return GRADES[grade];
}

const char *
load_class_name(enum load_class load_class)
{
    CHECK(load_class < LOAD_CLASS_COUNT);
    return CLASSES[load_class];
}

static enum load_grade
grade_in(const atomic_int *grade)
{
    return (enum load_grade)atomic_load_explicit(grade, memory_order_relaxed);
}

enum load_grade
load_grade(const struct load *load, enum load_dimension dimension)
{
    CHECK(dimension < LOAD_DIMENSION_COUNT);
    return load != NULL ? grade_in(&load->grades[dimension]) : LOAD_LOW;
}

enum load_grade
load_grade_of_space(const struct load *load)
{
    return load != NULL ? grade_in(&load->space) : LOAD_LOW;
}

enum load_grade
load_gate(const struct load *load)
{
    return load != NULL ? grade_in(&load->gate) : LOAD_LOW;
}

enum load_dimension
load_gate_dimension(const struct load *load)
{
    return load != NULL ? (enum load_dimension)atomic_load(&load->gate_dimension) : LOAD_MEMORY;
}

enum load_grade
load_order(const struct load *load, bool has_clients)
{
    return !has_clients || load == NULL ? load_gate(load) : grade_in(&load->order);
}

unsigned
load_retry_after_s(const struct load *load)
{
    int64_t age_ns = load != NULL ? clock_monotonic_ns() - atomic_load(&load->gate_since_ns) : 0;
    int64_t wait_s = LOAD_RETRY_S_MIN + age_ns / (LOAD_RETRY_GROWS_S * CLOCK_NS_PER_S);

    if (wait_s > LOAD_RETRY_S_MAX) {
        wait_s = LOAD_RETRY_S_MAX;
    }
    return (unsigned)wait_s + (unsigned)(entropy_u64() & 1);
}

void
load_await(struct load *load, int64_t timeout_ms)
{
    struct timespec deadline;
    uint64_t before;
    int result = 0;

    deadline_in(timeout_ms, &deadline);
    WITH_LOCK (&load->lock) {
        before = load->round_count;
        while (load->round_count == before && result == 0) {
            result = pthread_cond_timedwait(&load->has_read, &load->lock, &deadline);
        }
    }
}

bool
load_take_turn(struct load *load)
{
    return !atomic_flag_test_and_set(&load->has_turn);
}

void
load_give_turn(struct load *load)
{
    atomic_flag_clear(&load->has_turn);
}

void
load_memory(const struct load *load, uint64_t *ret_left_bytes, uint64_t *ret_total_bytes)
{
    *ret_left_bytes = load != NULL ? atomic_load(&load->memory_left_bytes) : 0;
    *ret_total_bytes = load != NULL ? atomic_load(&load->memory_total_bytes) : 0;
}

void
load_append_json(const struct load *load, struct buffer *out)
{
    buffer_append_char(out, '{');
    for (size_t i = 0; i < LOAD_DIMENSION_COUNT; i++) {
        buffer_printf(out, "%s\"%s\":\"%s\"", i > 0 ? "," : "", DIMENSIONS[i],
                      GRADES[load_grade(load, (enum load_dimension)i)]);
    }
    buffer_append_char(out, '}');
}
