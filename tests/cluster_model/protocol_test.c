/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: protocol_test [--scenario N] [--long N] [--without RULE]... [--states N]
 *
 * Explores the protocol of docs/cluster-protocol.md: every scenario with all rules, in which
 * nothing may go wrong, then without one rule, where the explorer must find what does.  With
 * arguments only the scenario named, without the rules named, and the trace of what was found. With
 * LODE_TEST_LONG the scenarios are larger.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "tests/cluster_model/protocol_explorer.h"
#include "tests/cluster_model/protocol_scenarios.h"

#include "base/banned.h"

/* Twice what the largest short scenario needs: one that grows beyond it is to be cut, not to be
 * explored by half.  A state takes some 200 bytes. */
#define STATES_SHORT_MAX 5000000
#define STATES_LONG_MAX 12000000

static unsigned int test_count;
static unsigned int failure_count;
static struct explorer_result result;

static void
print_result(const char *what)
{
    printf("# %s: %u states, %llu steps, depth %u, %.2f s, %s\n", what, result.state_count,
           (unsigned long long)result.step_count, result.depth, (double)result.time_ns / 1e9,
           result.violation != VIOLATION_NONE ? violation_text(result.violation)
           : result.is_complete               ? "clean, complete"
                                              : "clean as far as explored");
}

static void
print_outcome(bool is_good, const char *what, const char *name)
{
    test_count++;
    failure_count += !is_good;
    printf("%sok %u - %s: %s\n", is_good ? "" : "not ", test_count, what, name);
    fflush(stdout);
}

static bool
explore_and_print(const struct scenario *scenario, uint64_t rules_off, bool keeps_tombstones,
                  uint32_t states_max, const char *what)
{
    struct model model = {scenario, rules_off, keeps_tombstones};

    explore(&model, states_max, &result);
    print_result(what);
    return result.violation == VIOLATION_NONE;
}

static void
test_scenario(const struct scenario *scenario, uint32_t states_max, bool is_complete)
{
    bool is_clean = explore_and_print(scenario, 0, false, states_max, "all rules");

    if (!is_clean) {
        explorer_print_trace(&result, stdout);
    }
    print_outcome(is_clean && (result.is_complete || !is_complete), "nothing goes wrong",
                  scenario->name);
}

/* Of a rule and its partner each may be missing, for the other one is there. */
static bool
is_spared(const struct scenario *scenario, const struct mutant *mutant)
{
    return explore_and_print(scenario, PROTOCOL_RULE_BIT(mutant->rule), false, STATES_SHORT_MAX,
                             "without this rule alone") &&
           (mutant->is_implied ||
            explore_and_print(scenario, mutant->partner, mutant->keeps_tombstones, STATES_SHORT_MAX,
                              "without its partner alone"));
}

static void
test_mutant(const struct mutant *mutant)
{
    const struct scenario *scenario = &SCENARIOS[mutant->scenario];
    bool is_good = true;

    printf("# rule %s, %s: %s\n#   scenario: %s\n", protocol_rule_section(mutant->rule),
           protocol_rule_name(mutant->rule), protocol_rule_text(mutant->rule), scenario->name);
    for (unsigned int rule = 0; rule < PROTOCOL_RULE_COUNT; rule++) {
        if ((mutant->partner & PROTOCOL_RULE_BIT(rule)) != 0) {
            printf("#   partner: %s\n", protocol_rule_name((enum protocol_rule)rule));
        }
    }
    if (mutant->partner != 0) {
        is_good = is_spared(scenario, mutant);
    }
    is_good = !explore_and_print(scenario, PROTOCOL_RULE_BIT(mutant->rule) | mutant->partner,
                                 mutant->keeps_tombstones, STATES_SHORT_MAX, "without it") &&
              is_good;
    explorer_print_trace(&result, stdout);
    print_outcome(is_good, "its absence is found out", protocol_rule_name(mutant->rule));
}

static void
test_each_rule_has_a_mutant(void)
{
    uint64_t seen = 0;

    for (size_t i = 0; i < MUTANT_COUNT; i++) {
        seen |= PROTOCOL_RULE_BIT(MUTANTS[i].rule);
    }
    print_outcome(seen == UINT64_MAX >> (64 - PROTOCOL_RULE_COUNT), "each rule is taken away",
                  "all");
}

static uint64_t
parse_rule(const char *name)
{
    for (unsigned int rule = 0; rule < PROTOCOL_RULE_COUNT; rule++) {
        if (strcmp(protocol_rule_name((enum protocol_rule)rule), name) == 0) {
            return PROTOCOL_RULE_BIT(rule);
        }
    }
    fprintf(stderr, "protocol_test: there is no rule %s\n", name);
    exit(2);
}

/* One scenario as the arguments say. */
static int
run_one(int argc, char **argv)
{
    const struct scenario *scenario = &SCENARIOS[0];
    uint64_t rules_off = 0;
    uint32_t states_max = STATES_LONG_MAX;

    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        size_t number = strtoul(value, NULL, 10);

        if (strcmp(argv[i], "--scenario") == 0 && number < SCENARIO_COUNT) {
            scenario = &SCENARIOS[number];
        } else if (strcmp(argv[i], "--long") == 0 && number < SCENARIO_LONG_COUNT) {
            scenario = &SCENARIOS_LONG[number];
        } else if (strcmp(argv[i], "--without") == 0) {
            rules_off |= parse_rule(value);
        } else if (strcmp(argv[i], "--states") == 0) {
            states_max = (uint32_t)number;
        } else {
            fprintf(stderr, "protocol_test: what is %s %s?\n", argv[i], value);
            return 2;
        }
    }
    explore_and_print(scenario, rules_off, false, states_max, scenario->name);
    explorer_print_trace(&result, stdout);
    return result.violation != VIOLATION_NONE;
}

int
main(int argc, char **argv)
{
    if (argc > 1) {
        return run_one(argc, argv);
    }
    for (size_t i = 0; i < SCENARIO_COUNT; i++) {
        test_scenario(&SCENARIOS[i], STATES_SHORT_MAX, true);
    }
    for (size_t i = 0; i < SCENARIO_LONG_COUNT && getenv("LODE_TEST_LONG") != NULL; i++) {
        test_scenario(&SCENARIOS_LONG[i], STATES_LONG_MAX, false);
    }
    for (size_t i = 0; i < MUTANT_COUNT; i++) {
        test_mutant(&MUTANTS[i]);
    }
    test_each_rule_has_a_mutant();
    printf("1..%u\n", test_count);
    return failure_count != 0;
}
