/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/cluster_model/protocol_history.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/memory.h"

#include "base/banned.h"

/* Configurations of one key: 2^writes orders, times values; far more than any scenario has. */
#define CONFIGS_MAX 4096
#define SETS_MAX 65535
#define TABLE_SIZE (1U << 18)

/* One configuration: which writes took effect, the value, and what each observer saw. */
#define CONFIG_DONE(number) (UINT32_C(1) << (number))
#define CONFIG_VALUE_SHIFT 8
#define CONFIG_VALUE_MASK (UINT32_C(7) << CONFIG_VALUE_SHIFT)
#define CONFIG_SEEN_SHIFT(observer) (16 + 8 * (observer))

struct config_set {
    uint8_t pending;   /* writes that may still take effect */
    uint8_t observing; /* observers that are under way */
    uint8_t kinds[HISTORY_WRITES_MAX];
    uint32_t count;
    uint32_t configs[]; /* ascending */
};

struct memo {
    uint32_t question;
    uint16_t history;
    uint16_t answer;
    bool is_used;
};

static struct config_set *sets[SETS_MAX + 1];
static unsigned int set_count = 1; /* 0 is HISTORY_IMPOSSIBLE */
static uint32_t set_table[TABLE_SIZE];
static struct memo memos[TABLE_SIZE];
static struct config_set *scratch;

static unsigned int
config_value(uint32_t config)
{
    return (config & CONFIG_VALUE_MASK) >> CONFIG_VALUE_SHIFT;
}

static size_t
set_size(const struct config_set *set)
{
    return sizeof(*set) + set->count * sizeof(set->configs[0]);
}

static int
config_compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

static void
sort_unique(struct config_set *set)
{
    uint32_t kept = 0;

    qsort(set->configs, set->count, sizeof(set->configs[0]), config_compare);
    for (uint32_t i = 0; i < set->count; i++) {
        if (kept == 0 || set->configs[kept - 1] != set->configs[i]) {
            set->configs[kept++] = set->configs[i];
        }
    }
    set->count = kept;
}

static void
add(struct config_set *set, uint32_t config)
{
    CHECK(set->count < CONFIGS_MAX);
    set->configs[set->count++] = config;
}

/* The configuration after the value changed: observers see it. */
static uint32_t
with_value(const struct config_set *set, uint32_t config, unsigned int value)
{
    config = (config & ~CONFIG_VALUE_MASK) | (value << CONFIG_VALUE_SHIFT);
    for (int observer = 0; observer < HISTORY_OBSERVERS; observer++) {
        if ((set->observing & (1U << observer)) != 0) {
            config |= UINT32_C(1) << (CONFIG_SEEN_SHIFT(observer) + (int)value);
        }
    }
    return config;
}

/* Any open write may take effect at any moment. */
static void
close_set(struct config_set *set)
{
    sort_unique(set);
    for (bool has_grown = true; has_grown;) {
        uint32_t count = set->count;

        for (uint32_t i = 0; i < count; i++) {
            uint32_t config = set->configs[i];

            for (unsigned int number = 0; number < HISTORY_WRITES_MAX; number++) {
                bool is_open = (set->pending & CONFIG_DONE(number)) != 0 &&
                               (config & CONFIG_DONE(number)) == 0;
                unsigned int value = number + 1;

                if (!is_open || (set->kinds[number] == HISTORY_PUT_IF_ABSENT &&
                                 config_value(config) != HISTORY_NOTHING)) {
                    continue;
                }
                if (set->kinds[number] == HISTORY_DELETE) {
                    value = HISTORY_NOTHING;
                }
                add(set, with_value(set, config, value) | CONFIG_DONE(number));
            }
        }
        sort_unique(set);
        has_grown = set->count > count;
    }
}

static uint16_t
intern(const struct config_set *set)
{
    struct bytes content = bytes_of((const char *)set, set_size(set));
    uint64_t slot = hash_bytes(content, 1) % TABLE_SIZE;

    if (set->count == 0) {
        return HISTORY_IMPOSSIBLE;
    }
    for (; set_table[slot] != 0; slot = (slot + 1) % TABLE_SIZE) {
        const struct config_set *other = sets[set_table[slot]];

        if (set_size(other) == content.size && memcmp(other, set, content.size) == 0) {
            return (uint16_t)set_table[slot];
        }
    }
    CHECK(set_count <= SETS_MAX);
    sets[set_count] = xmemdup(set, content.size);
    set_table[slot] = set_count;
    return (uint16_t)set_count++;
}

static struct config_set *
scratch_clear(void)
{
    size_t size = sizeof(*scratch) + CONFIGS_MAX * sizeof(scratch->configs[0]);

    if (scratch == NULL) {
        scratch = xmalloc(size);
    }
    memset(scratch, 0, sizeof(*scratch));
    return scratch;
}

uint16_t
history_start(bool has_value)
{
    struct config_set *set = scratch_clear();

    add(set, (uint32_t)(has_value ? HISTORY_INITIAL : HISTORY_NOTHING) << CONFIG_VALUE_SHIFT);
    return intern(set);
}

/* Keeps the configurations in which the event is possible, as they are after it. */
static void
filter(struct config_set *out, const struct config_set *in, enum history_event event,
       unsigned int a, unsigned int b)
{
    for (uint32_t i = 0; i < in->count; i++) {
        uint32_t config = in->configs[i];
        bool is_done = a < HISTORY_WRITES_MAX && (config & CONFIG_DONE(a)) != 0;
        uint32_t seen = UINT32_C(0xff) << CONFIG_SEEN_SHIFT(a % HISTORY_OBSERVERS);

        switch (event) {
        case HISTORY_BEGIN_WRITE:
            add(out, config & ~CONFIG_DONE(a));
            break;
        case HISTORY_END_WRITE:
            if (is_done) {
                add(out, config & ~CONFIG_DONE(a));
            }
            break;
        case HISTORY_FAIL_WRITE:
            if (!is_done && config_value(config) != HISTORY_NOTHING) {
                add(out, config);
            }
            break;
        case HISTORY_BEGIN_OBSERVE:
            add(out, with_value(out, config & ~seen, config_value(config)));
            break;
        case HISTORY_END_OBSERVE:
            if ((config & (UINT32_C(1) << (CONFIG_SEEN_SHIFT(a) + (int)b))) != 0) {
                add(out, config & ~seen);
            }
            break;
        case HISTORY_DROP_OBSERVE:
            add(out, config & ~seen);
            break;
        case HISTORY_SEE:
            if (config_value(config) == a) {
                add(out, config);
            }
            break;
        case HISTORY_GIVE_UP:
            for (unsigned int value = 0; value <= HISTORY_INITIAL; value++) {
                add(out, with_value(out, config, value));
            }
            break;
        }
    }
}

static uint16_t
apply(uint16_t history, enum history_event event, unsigned int a, unsigned int b)
{
    const struct config_set *in = sets[history];
    struct config_set *out = scratch_clear();

    out->pending = in->pending;
    out->observing = in->observing;
    memcpy(out->kinds, in->kinds, sizeof(out->kinds));
    switch (event) {
    case HISTORY_BEGIN_WRITE:
        CHECK(a < HISTORY_WRITES_MAX && (in->pending & CONFIG_DONE(a)) == 0);
        out->pending |= (uint8_t)CONFIG_DONE(a);
        out->kinds[a] = (uint8_t)b;
        break;
    case HISTORY_END_WRITE:
    case HISTORY_FAIL_WRITE:
        out->pending &= (uint8_t)~CONFIG_DONE(a);
        out->kinds[a] = 0;
        break;
    case HISTORY_BEGIN_OBSERVE:
        out->observing |= (uint8_t)(1U << a);
        break;
    case HISTORY_END_OBSERVE:
    case HISTORY_DROP_OBSERVE:
        out->observing &= (uint8_t) ~(1U << a);
        break;
    case HISTORY_SEE:
    case HISTORY_GIVE_UP:
        break;
    }
    filter(out, in, event, a, b);
    close_set(out);
    return intern(out);
}

uint16_t
history_apply(uint16_t history, enum history_event event, unsigned int a, unsigned int b)
{
    uint32_t question = (uint32_t)event << 16 | a << 8 | b;
    uint64_t mixed = ((uint64_t)history << 32 | question) * UINT64_C(0x9e3779b97f4a7c15);
    struct memo *memo = &memos[(mixed >> 32) % TABLE_SIZE];

    CHECK(history != HISTORY_IMPOSSIBLE && history < set_count);
    if (!memo->is_used || memo->history != history || memo->question != question) {
        uint16_t answer = apply(history, event, a, b);

        *memo = (struct memo){question, history, answer, true};
    }
    return memo->answer;
}

unsigned int
history_values(uint16_t history)
{
    unsigned int values = 0;

    for (uint32_t i = 0; i < sets[history]->count; i++) {
        values |= 1U << config_value(sets[history]->configs[i]);
    }
    return values;
}

unsigned int
history_count(void)
{
    return set_count;
}
