/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/memory.h"
#include "tests/linearizability/register_search.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* Few enough that all orders can be tried, so often that each rule meets each other. */
#define STEPS_MAX 6
#define BRUTE_ROUNDS 60000
#define LONG_STEPS 4000
#define CLIENTS 10

/* ---- all orders, one after the other: the definition, as slow as it is plain ---- */

struct brute {
    const struct register_step *steps;
    size_t count;
    unsigned int placed; /* a bit for each step */
};

/* No step that has not taken place returned before this one was called. */
static bool
may_be_next(const struct brute *brute, size_t step)
{
    for (size_t i = 0; i < brute->count; i++) {
        if (i != step && !(brute->placed >> i & 1) &&
            brute->steps[i].return_ns < brute->steps[step].call_ns) {
            return false;
        }
    }
    return true;
}

static bool brute_search(struct brute *brute, int32_t value);

static bool
brute_place(struct brute *brute, size_t i, int32_t value)
{
    const struct register_step *step = &brute->steps[i];
    bool is_found = false;

    brute->placed |= 1u << i;
    if (step->effect == EFFECT_CHOICE) {
        for (size_t choice = 0; choice < step->choice_count && !is_found; choice++) {
            is_found = brute_search(brute, step->choices[choice]);
        }
    } else {
        is_found = brute_search(brute, step->effect == EFFECT_SET ? step->result : value);
    }
    brute->placed &= ~(1u << i);
    return is_found;
}

static bool
brute_search(struct brute *brute, int32_t value)
{
    bool is_done = true;

    for (size_t i = 0; i < brute->count; i++) {
        is_done &= (brute->placed >> i & 1) || brute->steps[i].return_ns == NEVER;
    }
    if (is_done) {
        return true;
    }
    for (size_t i = 0; i < brute->count; i++) {
        if (!(brute->placed >> i & 1) && may_be_next(brute, i) &&
            register_step_fits(&brute->steps[i], value) && brute_place(brute, i, value)) {
            return true;
        }
    }
    return false;
}

static struct register_step
random_step(struct prng *prng, const int32_t *choices, size_t choice_count)
{
    struct register_step step = {.call_ns = (int64_t)prng_below(prng, 12)};

    step.return_ns = step.call_ns + (int64_t)prng_below(prng, 6);
    step.demand = (enum step_demand)prng_below(prng, 4);
    step.demanded = (int32_t)prng_below(prng, 4);
    step.result = (int32_t)prng_below(prng, 4);
    step.effect = prng_below(prng, 2) == 0 ? EFFECT_NONE : EFFECT_SET;
    if (step.effect == EFFECT_SET && prng_below(prng, 2) == 0) {
        step.demand = DEMAND_NOTHING;
    }
    if (prng_below(prng, 3) == 0) {
        step.return_ns = NEVER;
        if (prng_below(prng, 3) == 0) {
            /* The later it was called, the fewer values it may have copied. */
            step.effect = EFFECT_CHOICE;
            step.choice_count = choice_count - (size_t)step.call_ns * choice_count / 13;
            step.choices = choices + (choice_count - step.choice_count);
        }
    }
    return step;
}

/* The search accepts exactly what trying all orders accepts. */
TEST(search_agrees_with_all_orders)
{
    static const int32_t choices[] = {1, 2, 3};
    struct prng prng = test_prng();
    size_t accepted = 0;

    for (size_t round = 0; round < BRUTE_ROUNDS; round++) {
        struct register_step steps[STEPS_MAX];
        size_t count = 1 + prng_below(&prng, STEPS_MAX);
        for (size_t i = 0; i < count; i++) {
            steps[i] = random_step(&prng, choices, 3);
        }
        struct brute brute = {steps, count, 0};
        bool is_linearizable = brute_search(&brute, VALUE_ABSENT);
        struct search_result result = register_search(steps, count);
        EXPECT_INT(is_linearizable ? VERDICT_LINEARIZABLE : VERDICT_VIOLATION, result.verdict);
        accepted += is_linearizable;
    }

    EXPECT(accepted > BRUTE_ROUNDS / 10 && accepted < BRUTE_ROUNDS * 9 / 10);
}

/* ---- long histories of a real register ---- */

struct world {
    struct prng prng;
    struct register_step *steps;
    size_t count;
    int64_t free_ns[CLIENTS]; /* when each client may call again */
    int64_t *moment_ns;       /* when each step takes place, NEVER: not at all */
};

static void
plan_steps(struct world *world, unsigned int open_percent)
{
    for (size_t i = 0; i < world->count; i++) {
        size_t client = prng_below(&world->prng, CLIENTS);
        struct register_step *step = &world->steps[i];
        *step = (struct register_step){.op = (uint32_t)i};
        step->call_ns = world->free_ns[client] + (int64_t)prng_below(&world->prng, 50);
        step->return_ns = step->call_ns + 1 + (int64_t)prng_below(&world->prng, 200);
        world->free_ns[client] = step->return_ns + 1;
        world->moment_ns[i] =
            step->call_ns +
            (int64_t)prng_below(&world->prng, (uint64_t)(step->return_ns - step->call_ns));
        step->effect = prng_below(&world->prng, 2) == 0 ? EFFECT_NONE : EFFECT_SET;
        step->result = prng_below(&world->prng, 4) == 0 ? VALUE_ABSENT : (int32_t)i + 1;
        if (step->effect == EFFECT_SET && prng_below(&world->prng, 100) < open_percent) {
            step->return_ns = NEVER; /* and it takes place late, or never */
            world->moment_ns[i] =
                prng_below(&world->prng, 3) == 0
                    ? NEVER
                    : world->moment_ns[i] + (int64_t)prng_below(&world->prng, 5000);
        }
    }
}

static int
compare_moments(const void *a, const void *b, void *moments)
{
    int64_t one = ((int64_t *)moments)[*(const size_t *)a];
    int64_t other = ((int64_t *)moments)[*(const size_t *)b];

    return one < other ? -1 : one > other;
}

/* Each step takes place at its moment; some of the writes are conditional, and see whether they
 * may. */
static void
carry_out(struct world *world)
{
    size_t *order = xmalloc(world->count * sizeof(*order));
    int32_t value = VALUE_ABSENT;

    for (size_t i = 0; i < world->count; i++) {
        order[i] = i;
    }
    qsort_r(order, world->count, sizeof(*order), compare_moments, world->moment_ns);
    for (size_t i = 0; i < world->count; i++) {
        struct register_step *step = &world->steps[order[i]];
        bool is_conditional = prng_below(&world->prng, 4) == 0;
        if (world->moment_ns[order[i]] == NEVER) {
            continue;
        }
        if (step->effect == EFFECT_NONE || is_conditional) {
            step->demand = DEMAND_VALUE;
            step->demanded = value;
        }
        if (step->effect == EFFECT_SET && is_conditional && prng_below(&world->prng, 2) == 0) {
            step->effect = EFFECT_NONE; /* it was refused */
            step->demand = value == VALUE_ABSENT ? DEMAND_NOT_VALUE : DEMAND_PRESENT;
            step->demanded = (int32_t)world->count + 5;
        }
        value = step->effect == EFFECT_SET ? step->result : value;
    }
    free(order);
}

static struct world
make_world(struct prng prng, size_t count, unsigned int open_percent)
{
    struct world world = {.prng = prng, .count = count};

    world.steps = xcalloc(count, sizeof(*world.steps));
    world.moment_ns = xcalloc(count, sizeof(*world.moment_ns));
    plan_steps(&world, open_percent);
    carry_out(&world);
    return world;
}

static void
release_world(struct world *world)
{
    free(world->steps);
    free(world->moment_ns);
}

/* What a register did is accepted, whatever was open, and quickly. */
TEST(long_histories_of_a_register_are_accepted)
{
    static const unsigned int open_percents[] = {0, 1, 3, 8};
    struct prng prng = test_prng();

    for (size_t i = 0; i < sizeof(open_percents) / sizeof(open_percents[0]); i++) {
        struct world world = make_world(prng_init(prng_u64(&prng)), LONG_STEPS, open_percents[i]);
        struct search_result result = register_search(world.steps, world.count);
        printf("# %u%% open: at most %zu configurations\n", open_percents[i],
               result.configuration_count_max);
        EXPECT_INT(VERDICT_LINEARIZABLE, result.verdict);
        release_world(&world);
    }
}

/* A read that claims a value which another write had replaced before the read began is found
 * anywhere in a long history. */
TEST(one_stale_read_in_a_long_history_is_found)
{
    struct prng prng = test_prng();
    size_t found = 0;

    for (size_t round = 0; round < 40; round++) {
        struct world world = make_world(prng_init(prng_u64(&prng)), LONG_STEPS / 4, 3);
        size_t victim = prng_below(&prng, world.count);
        struct register_step *read = &world.steps[victim];
        struct register_step *write = NULL;
        for (size_t i = 0; i < world.count; i++) {
            struct register_step *old = &world.steps[i];
            bool is_write = old->effect == EFFECT_SET && old->result != VALUE_ABSENT;
            if (is_write && old->return_ns < read->call_ns - 2000) {
                write = old; /* some 70 writes of ten clients lie between */
            }
        }
        if (read->effect == EFFECT_NONE && read->return_ns != NEVER && write != NULL) {
            read->demand = DEMAND_VALUE;
            read->demanded = write->result;
            struct search_result result = register_search(world.steps, world.count);
            EXPECT_INT(VERDICT_VIOLATION, result.verdict);
            found++;
        }
        release_world(&world);
    }

    EXPECT(found > 5);
}
