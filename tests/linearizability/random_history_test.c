/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Histories of a store that behaves: each operation takes place at moments inside its interval (a
 * copy reads, then writes; a page reads each key at a moment of its own), and some answers get
 * lost.  All of them must be accepted, and none of them after something true was taken out or
 * something false put in.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/memory.h"
#include "tests/linearizability/history_judge.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define KEYS 5
#define CLIENTS 8
#define OPS 400
/* Behind them: each key is put once more, and all is looked at. */
#define LAST_READS (OPS + KEYS)
#define LAST_PAGE (LAST_READS + KEYS)
#define OPS_MAX (LAST_PAGE + 1)
#define ROUNDS 60
/* Operations without an answer take place within this, or never. */
#define LATE_NS 3000
#define QUIET_NS 1000000

enum verb { VERB_PUT, VERB_CREATE, VERB_REPLACE, VERB_DELETE, VERB_GET, VERB_COPY, VERB_PAGE };

struct deed {
    enum verb verb;
    int key;
    int source;
    int after; /* of a page: behind this key, -1: from the first */
    size_t limit;
    int64_t call_ns;
    int64_t return_ns;
    bool is_open;
    bool is_gone; /* left out of the text */
    /* what was seen */
    const char *result;
    int value;    /* 0: nothing */
    int expected; /* VERB_REPLACE */
    int seen[KEYS];
};

/* Something that happens at one moment. */
struct moment {
    int64_t time_ns;
    size_t deed;
    int key;
    bool is_write;
};

struct world {
    struct prng prng;
    struct deed deeds[OPS_MAX];
    size_t count;
    struct moment moments[OPS_MAX * KEYS];
    size_t moment_count;
    int held[KEYS];
    int recent[KEYS]; /* a value that a client may believe to be there */
};

static int64_t
inside(struct world *world, int64_t from, int64_t to)
{
    return from + (int64_t)prng_below(&world->prng, (uint64_t)(to - from + 1));
}

static void
add_moment(struct world *world, size_t deed, int key, int64_t time_ns, bool is_write)
{
    world->moments[world->moment_count++] = (struct moment){time_ns, deed, key, is_write};
}

static void
plan_moments(struct world *world, size_t i)
{
    struct deed *deed = &world->deeds[i];
    int64_t first = inside(world, deed->call_ns, deed->return_ns);
    int64_t last = inside(world, first, deed->return_ns);
    bool is_lost = deed->is_open && prng_below(&world->prng, 3) == 0;

    if (deed->is_open) {
        last += (int64_t)prng_below(&world->prng, LATE_NS);
    }
    if (deed->verb == VERB_PAGE) {
        for (int key = deed->after + 1; key < KEYS; key++) {
            add_moment(world, i, key, inside(world, deed->call_ns, deed->return_ns), false);
        }
        return;
    }
    if (deed->verb == VERB_COPY) {
        add_moment(world, i, deed->source, first, false);
    }
    if (!is_lost) {
        add_moment(world, i, deed->key, last, deed->verb != VERB_GET);
    }
}

static void
plan(struct world *world, unsigned int open_percent)
{
    int64_t free_ns[CLIENTS] = {0};

    for (size_t i = 0; i < OPS; i++) {
        struct deed *deed = &world->deeds[world->count++];
        size_t client = prng_below(&world->prng, CLIENTS);
        deed->verb = (enum verb)prng_below(&world->prng, VERB_PAGE + 1);
        deed->key = (int)prng_below(&world->prng, KEYS);
        deed->source = (deed->key + 1 + (int)prng_below(&world->prng, KEYS - 1)) % KEYS;
        deed->after = (int)prng_below(&world->prng, KEYS) - 1;
        deed->limit = 1 + prng_below(&world->prng, KEYS + 1);
        deed->call_ns = free_ns[client] + inside(world, 0, 30);
        deed->return_ns = deed->call_ns + inside(world, 1, 150);
        deed->is_open = deed->verb != VERB_GET && deed->verb != VERB_PAGE &&
                        prng_below(&world->prng, 100) < open_percent;
        free_ns[client] = deed->return_ns + 1;
        plan_moments(world, i);
    }
    for (size_t i = OPS; i < OPS_MAX; i++) {
        struct deed *deed = &world->deeds[world->count++];
        int64_t begin_ns = QUIET_NS + (int64_t)i * 10;
        *deed = (struct deed){.verb = i < LAST_READS  ? VERB_PUT
                                      : i < LAST_PAGE ? VERB_GET
                                                      : VERB_PAGE,
                              .key = (int)(i - OPS) % KEYS,
                              .after = -1,
                              .limit = KEYS + 1,
                              .call_ns = begin_ns,
                              .return_ns = begin_ns + 5};
        plan_moments(world, i);
    }
}

/* A write at its moment: decides its condition and says what became of it. */
static void
write_key(struct world *world, struct deed *deed, size_t index)
{
    int *held = &world->held[deed->key];

    deed->result = "ok";
    switch (deed->verb) {
    case VERB_CREATE:
        if (*held != 0) {
            deed->result = "failed";
            return;
        }
        break;
    case VERB_REPLACE:
        if (*held != deed->expected) {
            deed->result = *held == 0 ? "absent" : "failed";
            return;
        }
        break;
    case VERB_DELETE:
        *held = 0;
        return;
    case VERB_COPY:
        if (deed->value == 0) {
            deed->result = "absent";
        } else {
            *held = deed->value;
        }
        return;
    default:
        break;
    }
    *held = deed->value = (int)index + 1;
    world->recent[deed->key] = deed->value;
}

static int
compare_moments(const void *a, const void *b)
{
    const struct moment *one = a;
    const struct moment *other = b;

    if (one->time_ns != other->time_ns) {
        return one->time_ns < other->time_ns ? -1 : 1;
    }
    if (one->deed != other->deed) {
        return one->deed < other->deed ? -1 : 1;
    }
    return (int)one->is_write - (int)other->is_write; /* a copy reads first */
}

static void
carry_out(struct world *world)
{
    qsort(world->moments, world->moment_count, sizeof(*world->moments), compare_moments);
    for (size_t i = 0; i < world->moment_count; i++) {
        const struct moment *moment = &world->moments[i];
        struct deed *deed = &world->deeds[moment->deed];
        if (moment->is_write) {
            if (deed->verb == VERB_REPLACE) {
                deed->expected = prng_below(&world->prng, 2) == 0 ? world->held[deed->key]
                                                                  : world->recent[deed->key];
                deed->expected = deed->expected == 0 ? OPS_MAX : deed->expected;
            }
            write_key(world, deed, moment->deed);
        } else {
            deed->seen[moment->key] = world->held[moment->key];
            deed->value = world->held[moment->key];
            deed->result = deed->verb != VERB_PAGE && deed->value == 0 ? "absent" : "ok";
        }
    }
}

static void
print_page(const struct deed *deed, struct buffer *text)
{
    size_t count = 0;
    bool is_truncated = false;

    buffer_printf(text, ",\"walk\":%" PRId64 ",\"after\":\"", deed->call_ns);
    if (deed->after >= 0) {
        buffer_printf(text, "k%d", deed->after);
    }
    buffer_append_string(text, "\",\"entries\":[");
    for (int key = deed->after + 1; key < KEYS; key++) {
        if (deed->seen[key] == 0) {
            continue;
        }
        if (count == deed->limit) {
            is_truncated = true;
            break;
        }
        buffer_printf(text, "%s[\"k%d\",\"v%d\"]", count++ > 0 ? "," : "", key, deed->seen[key]);
    }
    buffer_printf(text, "],\"truncated\":%s", is_truncated ? "true" : "false");
}

static void
print_deed(const struct deed *deed, size_t index, struct buffer *text)
{
    static const char *const names[] = {"put", "put", "put", "delete", "get", "copy", "page"};
    int value = deed->verb <= VERB_REPLACE ? (int)index + 1 : deed->value;
    bool is_value_known = deed->verb <= VERB_REPLACE || (deed->value != 0 && !deed->is_open);

    buffer_printf(text, "{\"op\":\"%s\",\"call\":%" PRId64, names[deed->verb], deed->call_ns);
    if (deed->is_open) {
        buffer_append_string(text, ",\"result\":\"unknown\"");
    } else {
        buffer_printf(text, ",\"return\":%" PRId64 ",\"result\":\"%s\"", deed->return_ns,
                      deed->result);
    }
    if (deed->verb == VERB_PAGE) {
        print_page(deed, text);
    } else {
        buffer_printf(text, ",\"key\":\"k%d\"", deed->key);
        if (is_value_known && deed->verb != VERB_DELETE) {
            buffer_printf(text, ",\"value\":\"v%d\"", value);
        }
    }
    if (deed->verb == VERB_COPY) {
        buffer_printf(text, ",\"source\":\"k%d\"", deed->source);
    } else if (deed->verb == VERB_CREATE) {
        buffer_append_string(text, ",\"if_none_match\":\"*\"");
    } else if (deed->verb == VERB_REPLACE) {
        buffer_printf(text, ",\"if_match\":\"v%d\"",
                      deed->expected == 0 ? OPS_MAX : deed->expected);
    }
    buffer_append_string(text, "}\n");
}

static enum verdict
judge_world(const struct world *world, bool is_shown)
{
    struct buffer text = BUFFER_INIT;
    struct op_history history;
    struct error err = ERROR_INIT;
    struct judgement judgement;
    enum status st;

    for (size_t i = 0; i < world->count; i++) {
        if (!world->deeds[i].is_gone) {
            print_deed(&world->deeds[i], i, &text);
        }
    }
    op_history_init(&history);
    st = op_history_add_text(&history, buffer_bytes(&text), &err);
    buffer_release(&text);
    EXPECT_OK(st, &err);
    judge_history(&history, &judgement);
    if (is_shown && judgement.verdict != VERDICT_LINEARIZABLE) {
        printf("# %.*s\n", BYTES_ARGS(buffer_bytes(&judgement.text)));
    }
    buffer_release(&judgement.text);
    op_history_release(&history);
    return judgement.verdict;
}

static struct world *
make_world(uint64_t seed, unsigned int open_percent)
{
    struct world *world = xcalloc(1, sizeof(*world));

    world->prng = prng_init(seed);
    plan(world, open_percent);
    carry_out(world);
    return world;
}

static bool
is_seen(const struct world *world, int value)
{
    for (size_t i = 0; i < world->count; i++) {
        const struct deed *deed = &world->deeds[i];
        if (deed->verb == VERB_GET && deed->value == value) {
            return true;
        }
    }
    return false;
}

/* What a store that behaves does is accepted, with and without lost answers. */
TEST(histories_of_a_store_that_behaves_are_accepted)
{
    static const unsigned int open_percents[] = {0, 2, 10};
    struct prng prng = test_prng();

    for (size_t round = 0; round < ROUNDS; round++) {
        struct world *world = make_world(prng_u64(&prng), open_percents[round % 3]);
        enum verdict verdict = judge_world(world, true);
        free(world);
        EXPECT_INT(VERDICT_LINEARIZABLE, verdict);
    }
}

/* Without a put whose value was read, the same history is refused. */
TEST(read_value_without_its_put_is_caught)
{
    struct prng prng = test_prng();
    size_t tried = 0;

    for (size_t round = 0; round < ROUNDS; round++) {
        struct world *world = make_world(prng_u64(&prng), 5);
        enum verdict verdict = VERDICT_VIOLATION;
        for (size_t i = 0; i < OPS && tried <= round; i++) {
            if (world->deeds[i].verb <= VERB_REPLACE && is_seen(world, (int)i + 1)) {
                world->deeds[i].is_gone = true;
                verdict = judge_world(world, false);
                tried++;
            }
        }
        free(world);
        EXPECT_INT(VERDICT_VIOLATION, verdict);
    }
    EXPECT(tried > ROUNDS / 2);
}

/* When all is quiet, what is there is read and listed: neither may say otherwise. */
TEST(last_look_that_misses_a_key_is_caught)
{
    struct prng prng = test_prng();

    for (size_t round = 0; round < ROUNDS; round++) {
        struct world *world = make_world(prng_u64(&prng), 0);
        bool is_page = round % 2 == 0;
        int key = (int)prng_below(&prng, KEYS);
        struct deed *deed = &world->deeds[is_page ? LAST_PAGE : LAST_READS + key];
        deed->seen[key] = 0;
        deed->value = 0;
        deed->result = is_page ? "ok" : "absent";
        enum verdict verdict = judge_world(world, false);
        free(world);
        EXPECT_INT(VERDICT_VIOLATION, verdict);
    }
}

/* The same for a value that was replaced. */
TEST(last_look_at_an_older_value_is_caught)
{
    struct prng prng = test_prng();
    size_t tried = 0;

    for (size_t round = 0; round < ROUNDS; round++) {
        struct world *world = make_world(prng_u64(&prng), 0);
        enum verdict verdict = VERDICT_VIOLATION;
        for (size_t i = 0; i < OPS; i++) {
            const struct deed *put = &world->deeds[i];
            struct deed *last = &world->deeds[LAST_READS + put->key];
            if (put->verb == VERB_PUT) {
                last->value = (int)i + 1;
                last->result = "ok";
                verdict = judge_world(world, false);
                tried++;
                break;
            }
        }
        free(world);
        EXPECT_INT(VERDICT_VIOLATION, verdict);
    }
    EXPECT(tried > ROUNDS / 2);
}
