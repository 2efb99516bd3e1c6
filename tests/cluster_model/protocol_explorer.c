/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/cluster_model/protocol_explorer.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"

#include "base/banned.h"

#define NOWHERE UINT32_MAX

struct node {
    uint32_t parent;
    uint32_t healing; /* successor by the least rank; itself: none */
    struct protocol_act act;
    uint8_t rank;
};

struct explorer {
    const struct model *model;
    struct state *states;
    struct node *nodes;
    uint32_t *table; /* index + 1 */
    uint32_t table_mask;
    uint32_t count;
    uint32_t max;
    uint32_t from;
    uint32_t violating;
    uint64_t step_count;
    bool is_full;
};

static void
explorer_grow(struct explorer *self, uint32_t capacity)
{
    self->states = xrealloc_array(self->states, capacity, sizeof(self->states[0]));
    self->nodes = xrealloc_array(self->nodes, capacity, sizeof(self->nodes[0]));
    free(self->table);
    self->table_mask = 2 * capacity - 1;
    self->table = xcalloc((size_t)2 * capacity, sizeof(self->table[0]));
    for (uint32_t i = 0; i < self->count; i++) {
        uint64_t hash =
            hash_bytes(bytes_of((const char *)&self->states[i], sizeof(struct state)), 0);
        uint32_t slot = (uint32_t)hash & self->table_mask;

        while (self->table[slot] != 0) {
            slot = (slot + 1) & self->table_mask;
        }
        self->table[slot] = i + 1;
    }
}

/* The state's index; a new one is added. */
static uint32_t
explorer_add(struct explorer *self, const struct state *state, struct protocol_act act)
{
    uint64_t hash = hash_bytes(bytes_of((const char *)state, sizeof(*state)), 0);
    uint32_t slot = (uint32_t)hash & self->table_mask;

    for (; self->table[slot] != 0; slot = (slot + 1) & self->table_mask) {
        uint32_t index = self->table[slot] - 1;

        if (memcmp(&self->states[index], state, sizeof(*state)) == 0) {
            return index;
        }
    }
    if (self->count == self->max) {
        self->is_full = true;
        return NOWHERE;
    }
    self->states[self->count] = *state;
    self->nodes[self->count] = (struct node){self->from, self->count, act, UINT8_MAX};
    self->table[slot] = ++self->count;
    return self->count - 1;
}

static void
visit(void *arg, struct state *next, struct protocol_act act)
{
    struct explorer *self = arg;
    unsigned int rank = protocol_action_rank(act.action);
    uint32_t index = explorer_add(self, next, act);

    self->step_count++;
    if (index == NOWHERE) {
        return;
    }
    if (next->violation != VIOLATION_NONE && self->violating == NOWHERE) {
        self->violating = index;
    }
    if (rank != 0 && index != self->from && rank < self->nodes[self->from].rank) {
        self->nodes[self->from].rank = (uint8_t)rank;
        self->nodes[self->from].healing = index;
    }
}

/* All is there, the placement is finished, and nothing of it is left. */
static bool
is_settled(const struct model *model, const struct state *state)
{
    if (state->pending != 0 || !has_bit(state->finished, state->placement)) {
        return false;
    }
    for (unsigned int target = 0; target < PROTOCOL_TARGETS; target++) {
        const struct target *self = &state->targets[target];

        if (!model_is_member(model, state->placement, target)) {
            continue;
        }
        for (unsigned int key = 0; key < PROTOCOL_KEYS; key++) {
            bool is_own = model_owner(model, state->placement, key) == target;
            unsigned int kind = self->cells[key].kind;

            bool is_stray = kind == CELL_RECORD && state->stray == target + 1;

            if (kind != CELL_NONE && !(kind == CELL_RECORD && is_own) && !is_stray) {
                return false;
            }
        }
    }
    return true;
}

/* The first state from which healthy nodes do not come to an end: a path that stops early, or that
 * meets itself.  Each walk has a number, so each state is passed once. */
static uint32_t
find_stuck(struct explorer *self)
{
    uint32_t *walks = xcalloc(self->count, sizeof(walks[0]));
    uint32_t stuck = NOWHERE;

    for (uint32_t start = 0; start < self->count && stuck == NOWHERE; start++) {
        uint32_t index = start;

        while (walks[index] == 0 && self->nodes[index].healing != index) {
            walks[index] = start + 1;
            index = self->nodes[index].healing;
        }
        if (walks[index] == start + 1 ||
            (walks[index] == 0 && !is_settled(self->model, &self->states[index]))) {
            stuck = index;
        }
        walks[index] = start + 1;
    }
    free(walks);
    return stuck;
}

static void
fill_trace(const struct explorer *self, uint32_t index, struct explorer_result *result)
{
    size_t size = 0;

    result->last = self->states[index];
    for (uint32_t i = index; i != 0; i = self->nodes[i].parent) {
        size++;
    }
    CHECK(size <= EXPLORER_TRACE_MAX);
    result->trace_size = size;
    for (uint32_t i = index; i != 0; i = self->nodes[i].parent) {
        result->trace[--size] = self->nodes[i].act;
    }
}

static unsigned int
depth_of(const struct explorer *self, uint32_t index)
{
    unsigned int depth = 0;

    for (uint32_t i = index; i != 0; i = self->nodes[i].parent) {
        depth++;
    }
    return depth;
}

void
explore(const struct model *model, uint32_t state_max, struct explorer_result *ret_result)
{
    struct explorer self = {.model = model, .max = state_max, .violating = NOWHERE};
    int64_t start_ns = clock_monotonic_ns();
    uint32_t capacity = 1U << 16;
    struct state first;
    uint32_t stuck;

    memset(ret_result, 0, sizeof(*ret_result));
    explorer_grow(&self, capacity);
    state_start(model, &first);
    explorer_add(&self, &first, (struct protocol_act){0});
    for (self.from = 0; self.from < self.count && self.violating == NOWHERE; self.from++) {
        struct state from;

        if (self.count + 4096 > capacity) {
            capacity *= 2;
            explorer_grow(&self, capacity);
        }
        from = self.states[self.from];
        step_all(model, &from, visit, &self);
    }
    ret_result->is_complete = !self.is_full && self.violating == NOWHERE;
    ret_result->depth =
        depth_of(&self, self.violating != NOWHERE ? self.violating : self.count - 1);
    if (self.violating != NOWHERE) {
        fill_trace(&self, self.violating, ret_result);
        ret_result->violation = (enum violation)ret_result->last.violation;
    } else if (ret_result->is_complete && (stuck = find_stuck(&self)) != NOWHERE) {
        fill_trace(&self, stuck, ret_result);
        ret_result->violation = VIOLATION_STUCK;
    }
    ret_result->state_count = self.count;
    ret_result->step_count = self.step_count;
    ret_result->time_ns = clock_monotonic_ns() - start_ns;
    free(self.states);
    free(self.nodes);
    free(self.table);
}

void
explorer_print_trace(const struct explorer_result *result, FILE *file)
{
    for (size_t i = 0; i < result->trace_size; i++) {
        const struct protocol_act *act = &result->trace[i];

        fprintf(file, "#   %2zu %-24s T%u %u\n", i + 1, protocol_action_name(act->action),
                act->target, act->what);
    }
}
