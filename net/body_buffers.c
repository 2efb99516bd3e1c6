/* SPDX-License-Identifier: Apache-2.0 */
#include "net/body_buffers.h"

#include <sys/mman.h>

#include "base/check.h"
#include "base/memory.h"
#include "net/http_limits.h"

#include "base/banned.h"

static const size_t CAPACITY[BODY_BUFFER_KIND_COUNT] = {BODY_BUFFER_SMALL_BYTES, BODY_BUFFER_BYTES};

bool
body_budget_take(struct body_budget *budget, size_t size)
{
    size_t used = atomic_load_explicit(&budget->used_bytes, memory_order_relaxed);

    do {
        if (size > budget->max_bytes || used > budget->max_bytes - size) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&budget->used_bytes, &used, used + size,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

void
body_budget_overdraw(struct body_budget *budget, size_t size)
{
    atomic_fetch_add_explicit(&budget->used_bytes, size, memory_order_relaxed);
}

bool
body_budget_is_spent(struct body_budget *budget)
{
    return atomic_load_explicit(&budget->used_bytes, memory_order_relaxed) >= budget->max_bytes;
}

void
body_budget_give(struct body_budget *budget, size_t size)
{
    size_t used = atomic_fetch_sub_explicit(&budget->used_bytes, size, memory_order_relaxed);

    CHECK(used >= size);
}

/* Mapped, not from the heap: what is freed goes back to the system at once and entirely. */
static char *
map_data(size_t capacity)
{
#ifdef __SANITIZE_ADDRESS__
    return xmalloc_aligned(capacity); /* with red zones */
#else
    void *data = mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return data == MAP_FAILED ? NULL : data;
#endif
}

static void
unmap_data(char *data, size_t capacity)
{
#ifdef __SANITIZE_ADDRESS__
    free(data);
#else
    CHECK(munmap(data, capacity) == 0);
#endif
}

static void
destroy_buffer(struct body_buffers *buffers, struct body_buffer *buffer)
{
    body_budget_give(buffers->budget, buffer->capacity);
    unmap_data(buffer->data, buffer->capacity);
    free(buffer);
}

static struct body_buffer *
create_buffer(struct body_buffers *buffers, size_t capacity)
{
    struct body_buffer *buffer;
    char *data;

    if (!body_budget_take(buffers->budget, capacity)) {
        return NULL;
    }
    data = map_data(capacity);
    if (data == NULL) {
        body_budget_give(buffers->budget, capacity);
        return NULL;
    }
    buffer = xcalloc(1, sizeof(*buffer));
    buffer->data = data;
    buffer->capacity = capacity;
    return buffer;
}

void
body_buffers_init(struct body_buffers *buffers, struct body_budget *budget)
{
    memset(buffers, 0, sizeof(*buffers));
    buffers->budget = budget;
    for (size_t kind = 0; kind < BODY_BUFFER_KIND_COUNT; kind++) {
        list_init(&buffers->kinds[kind].kept);
    }
}

static void
free_kept(struct body_buffers *buffers, enum body_buffer_kind kind, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        /* From the far end: those used last are warm. */
        struct list *node = buffers->kinds[kind].kept.previous;

        list_remove(node);
        buffers->kinds[kind].kept_count--;
        destroy_buffer(buffers, CONTAINER_OF(struct body_buffer, node, node));
    }
}

void
body_buffers_release(struct body_buffers *buffers)
{
    for (size_t kind = 0; kind < BODY_BUFFER_KIND_COUNT; kind++) {
        free_kept(buffers, kind, buffers->kinds[kind].kept_count);
    }
}

static struct body_buffer *
get_kind(struct body_buffers *buffers, enum body_buffer_kind kind)
{
    struct list *node = list_take_first(&buffers->kinds[kind].kept);
    struct body_buffer *buffer;

    if (node == NULL) {
        return create_buffer(buffers, CAPACITY[kind]);
    }
    buffers->kinds[kind].kept_count--;
    if (buffers->kinds[kind].kept_min > buffers->kinds[kind].kept_count) {
        buffers->kinds[kind].kept_min = buffers->kinds[kind].kept_count;
    }
    buffer = CONTAINER_OF(struct body_buffer, node, node);
    buffer->size = 0;
    return buffer;
}

struct body_buffer *
body_buffers_get(struct body_buffers *buffers, uint64_t wanted)
{
    struct body_buffer *buffer = NULL;

    if (wanted > BODY_BUFFER_SMALL_BYTES) {
        buffer = get_kind(buffers, BODY_BUFFER_LARGE);
    }
    if (buffer == NULL) {
        buffer = get_kind(buffers, BODY_BUFFER_SMALL);
    }
    if (buffer == NULL && buffers->kinds[BODY_BUFFER_LARGE].kept_count != 0) {
        buffer = get_kind(buffers, BODY_BUFFER_LARGE);
    }
    return buffer;
}

void
body_buffers_put(struct body_buffers *buffers, struct body_buffer **take_buffer)
{
    struct body_buffer *buffer = *take_buffer;
    enum body_buffer_kind kind;

    if (buffer == NULL) {
        return;
    }
    *take_buffer = NULL;
    kind = buffer->capacity == BODY_BUFFER_BYTES ? BODY_BUFFER_LARGE : BODY_BUFFER_SMALL;
    if (buffers->kinds[kind].kept_count >= BODY_BUFFERS_KEPT_MAX) {
        destroy_buffer(buffers, buffer);
        return;
    }
    list_prepend(&buffers->kinds[kind].kept, &buffer->node);
    buffers->kinds[kind].kept_count++;
}

bool
body_buffers_trim(struct body_buffers *buffers)
{
    bool is_any_kept = false;

    for (size_t kind = 0; kind < BODY_BUFFER_KIND_COUNT; kind++) {
        free_kept(buffers, kind, buffers->kinds[kind].kept_min);
        buffers->kinds[kind].kept_min = buffers->kinds[kind].kept_count;
        is_any_kept |= buffers->kinds[kind].kept_count != 0;
    }
    return is_any_kept;
}
