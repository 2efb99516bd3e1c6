/* SPDX-License-Identifier: Apache-2.0 */
#include "net/event_loop.h"

#include "tests/unit/test.h"

#include "base/banned.h"

#define THREAD_COUNT 4
#define MESSAGE_COUNT 20000

struct counted {
    struct event_loop loop;
    int began_count;
    int ended_count;
    size_t message_count; /* loop only, read after stop */
    size_t turn_count;
    struct loop_task task;
};

static struct counted counted;

static void
begin(struct event_loop *loop)
{
    CONTAINER_OF(struct counted, loop, loop)->began_count++;
}

static bool
end(struct event_loop *loop)
{
    CONTAINER_OF(struct counted, loop, loop)->ended_count++;
    return true;
}

static void
set_up(void)
{
    struct error err = ERROR_INIT;

    memset(&counted, 0, sizeof(counted));
    EXPECT_OK(event_loop_init(&counted.loop, "lode-test", &err), &err);
    counted.loop.begin = begin;
    counted.loop.end = end;
}

struct numbered {
    struct loop_message message;
    size_t thread;
    size_t number;
};

static size_t last_number[THREAD_COUNT];
static bool is_out_of_order;

static void
count_message(struct loop_message *message)
{
    struct numbered *numbered = CONTAINER_OF(struct numbered, message, message);

    counted.message_count++;
    is_out_of_order |= numbered->number != last_number[numbered->thread] + 1;
    last_number[numbered->thread] = numbered->number;
}

static struct numbered messages[THREAD_COUNT][MESSAGE_COUNT];

static void *
post_all(void *arg)
{
    size_t thread = (size_t)(uintptr_t)arg;

    for (size_t i = 0; i < MESSAGE_COUNT; i++) {
        messages[thread][i] =
            (struct numbered){{.run = count_message}, .thread = thread, .number = i + 1};
        event_loop_post(&counted.loop, &messages[thread][i].message);
    }
    return NULL;
}

/* Every message runs once, those of one thread in their order. */
TEST(messages_of_many_threads_all_arrive)
{
    pthread_t threads[THREAD_COUNT];

    set_up();
    memset(last_number, 0, sizeof(last_number));
    is_out_of_order = false;
    event_loop_start(&counted.loop);
    for (size_t i = 0; i < THREAD_COUNT; i++) {
        EXPECT(pthread_create(&threads[i], NULL, post_all, (void *)(uintptr_t)i) == 0);
    }
    for (size_t i = 0; i < THREAD_COUNT; i++) {
        EXPECT(pthread_join(threads[i], NULL) == 0);
    }
    event_loop_stop(&counted.loop);
    event_loop_release(&counted.loop);

    EXPECT_INT(THREAD_COUNT * MESSAGE_COUNT, counted.message_count);
    EXPECT(!is_out_of_order);
    EXPECT_INT(1, counted.began_count);
    EXPECT_INT(1, counted.ended_count);
}

static void
defer_again(struct loop_task *task)
{
    if (++counted.turn_count < 3) {
        event_loop_defer(&counted.loop, task);
    }
}

static void
defer_task(struct loop_message *message)
{
    counted.task.run = defer_again;
    event_loop_defer(&counted.loop, &counted.task);
    event_loop_defer(&counted.loop, &counted.task); /* once is enough */
}

static void
cancel_task(struct loop_message *message)
{
    counted.task.run = defer_again;
    event_loop_defer(&counted.loop, &counted.task);
    event_loop_cancel(&counted.task);
}

static void
run_message(void (*run)(struct loop_message *message))
{
    struct loop_message message = {.run = run};

    set_up();
    event_loop_post(&counted.loop, &message);
    event_loop_start(&counted.loop);
    /* Stopping is a message too, and comes later; but it does not wait for what was deferred. */
    event_loop_stop(&counted.loop);
    event_loop_release(&counted.loop);
}

/* A task that defers itself runs once per turn, not for ever in one. */
TEST(deferred_tasks_run_in_the_next_turn)
{
    run_message(defer_task);
    EXPECT(counted.turn_count >= 1 && counted.turn_count <= 3);
}

TEST(cancelled_tasks_do_not_run)
{
    run_message(cancel_task);
    EXPECT_INT(0, counted.turn_count);
}

static void
note_current(struct loop_message *message)
{
    counted.message_count += event_loop_is_current(&counted.loop);
}

TEST(a_loop_knows_its_thread)
{
    run_message(note_current);
    EXPECT_INT(1, counted.message_count);
    EXPECT(!event_loop_is_current(&counted.loop));
}
