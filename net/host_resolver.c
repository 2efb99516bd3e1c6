/* SPDX-License-Identifier: Apache-2.0 */
#include "net/host_resolver.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <time.h>

#include "base/affinity.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "net/event_loop.h"

#include "base/banned.h"

struct host_entry {
    struct list node;       /* of the resolver's names; what was asked for last is first */
    struct list queue_node; /* of its queue */
    bool is_running;
    size_t waiter_count;             /* threads in host_resolver_wait */
    struct list questions;           /* of loops */
    uint64_t lookup_count;           /* that have ended */
    int64_t looked_up_ns;            /* monotonic */
    struct host_addresses addresses; /* the last that were found; count 0: none yet */
    char failure[160];               /* of the last look-up; empty: it went well */
    uint16_t port;
    char host[HOST_NAME_BYTES_MAX + 1];
};

struct host_resolver {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    host_lookup_fn *lookup;
    struct list names; /* guarded by lock, as what follows and all entries */
    size_t name_count;
    struct list queue;
    int thread_count;
    bool is_destroyed; /* the last thread frees it */
};

struct host_question {
    struct loop_message message;
    struct list node; /* of its entry, while it waits; guarded by the resolver's lock */
    struct host_resolver *resolver;
    struct host_entry *entry; /* while it waits */
    struct event_loop *loop;
    host_answer_fn *answer; /* NULL: cancelled after it was posted */
    void *arg;
    struct host_addresses addresses;
    char failure[160];
};

/* ---- names ---- */

static bool
is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

/* A name, which a number is not. */
static enum status
split(struct bytes text, struct bytes *ret_host, uint16_t *ret_port, struct error *err)
{
    size_t colon = text.size;
    uint64_t port = 0;
    bool is_number = true;
    bool is_name;

    while (colon > 0 && text.data[colon - 1] != ':') {
        colon--;
    }
    is_name = colon > 1 && colon - 1 <= HOST_NAME_BYTES_MAX && text.data[0] != '-' &&
              text.data[0] != '.' &&
              bytes_parse_u64(bytes_slice(text, colon, text.size), UINT16_MAX, &port) == ST_OK &&
              port != 0;
    for (size_t i = 0; is_name && i + 1 < colon; i++) {
        is_name = is_host_char(text.data[i]);
        is_number =
            text.data[i] == '.' || (is_number && text.data[i] >= '0' && text.data[i] <= '9');
    }
    /* What ends with a number is meant as one. */
    is_name &= !is_number;
    if (!is_name) {
        return fail(err, ST_INVALID, "'%.*s' is not an address with a port, such as node-1:7480",
                    BYTES_ARGS(text));
    }
    *ret_host = bytes_slice(text, 0, colon - 1);
    *ret_port = (uint16_t)port;
    return ST_OK;
}

enum status
host_address_check(struct bytes text, struct error *err)
{
    struct socket_address address;
    struct bytes host;
    uint16_t port;

    return socket_address_parse(text, &address, NULL) == ST_OK ? ST_OK
                                                               : split(text, &host, &port, err);
}

static enum status
look_up_in_system(const char *host, uint16_t port, struct host_addresses *ret_addresses,
                  struct error *err)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char service[8];
    int result;

    snprintf(service, sizeof(service), "%u", port);
    /* In the order of RFC 6724: what this machine reaches best is first. */
    result = getaddrinfo(host, service, &hints, &list);
    if (result != 0) {
        return fail(err, ST_UNAVAILABLE, "The name %s cannot be looked up: %s", host,
                    result == EAI_SYSTEM ? strerror(errno) : gai_strerror(result));
    }
    ret_addresses->count = 0;
    for (struct addrinfo *one = list; one != NULL; one = one->ai_next) {
        struct socket_address *address;

        if (ret_addresses->count == HOST_ADDRESSES_MAX) {
            break;
        }
        address = &ret_addresses->list[ret_addresses->count++];
        memset(address, 0, sizeof(*address));
        memcpy(&address->storage, one->ai_addr, one->ai_addrlen);
        address->size = one->ai_addrlen;
    }
    freeaddrinfo(list);
    return ST_OK;
}

/* ---- entries; all of it with the lock held ---- */

static struct host_entry *
find_locked(struct host_resolver *resolver, struct bytes host, uint16_t port)
{
    for (struct list *node = resolver->names.next; node != &resolver->names; node = node->next) {
        struct host_entry *entry = CONTAINER_OF(struct host_entry, node, node);

        if (entry->port == port && bytes_equal_string(host, entry->host)) {
            list_remove(&entry->node);
            list_prepend(&resolver->names, &entry->node);
            return entry;
        }
    }
    return NULL;
}

static bool
is_idle(const struct host_entry *entry)
{
    return !entry->is_running && !list_is_linked(&entry->queue_node) && entry->waiter_count == 0 &&
           list_is_empty(&entry->questions);
}

static void
evict_locked(struct host_resolver *resolver)
{
    for (struct list *node = resolver->names.previous; node != &resolver->names;
         node = node->previous) {
        struct host_entry *entry = CONTAINER_OF(struct host_entry, node, node);

        if (is_idle(entry)) {
            list_remove(&entry->node);
            free(entry);
            resolver->name_count--;
            return;
        }
    }
}

static struct host_entry *
get_locked(struct host_resolver *resolver, struct bytes host, uint16_t port)
{
    struct host_entry *entry = find_locked(resolver, host, port);

    if (entry != NULL) {
        return entry;
    }
    if (resolver->name_count >= HOST_NAMES_MAX) {
        evict_locked(resolver);
    }
    entry = xcalloc(1, sizeof(*entry));
    memcpy(entry->host, host.data, host.size);
    entry->port = port;
    list_init(&entry->questions);
    list_prepend(&resolver->names, &entry->node);
    resolver->name_count++;
    return entry;
}

static bool
is_fresh(const struct host_entry *entry)
{
    return entry->lookup_count != 0 &&
           clock_monotonic_ns() - entry->looked_up_ns < HOST_FRESH_MS * CLOCK_NS_PER_MS;
}

static enum status
give(const struct host_entry *entry, struct host_addresses *ret_addresses, struct error *err)
{
    if (entry->addresses.count == 0) {
        return fail(err, ST_UNAVAILABLE, "%s", entry->failure);
    }
    *ret_addresses = entry->addresses;
    return ST_OK;
}

/* ---- look-ups ---- */

static void
answer_questions_locked(struct host_entry *entry)
{
    struct list *node;

    while ((node = list_take_first(&entry->questions)) != NULL) {
        struct host_question *question = CONTAINER_OF(struct host_question, node, node);

        question->addresses = entry->addresses;
        memcpy(question->failure, entry->failure, sizeof(question->failure));
        question->entry = NULL;
        event_loop_post(question->loop, &question->message);
    }
}

static void
take_result_locked(struct host_entry *entry, enum status st, const struct host_addresses *addresses,
                   const struct error *err)
{
    bool was_well = entry->failure[0] == '\0';

    entry->failure[0] = '\0';
    if (st == ST_OK && addresses->count > 0) {
        entry->addresses = *addresses;
    } else {
        snprintf(entry->failure, sizeof(entry->failure), "%.150s",
                 st != ST_OK ? err->text : "The name has no address");
        if (was_well) {
            log_warn(NULL, "host_not_found", "%s%s", entry->failure,
                     entry->addresses.count != 0 ? "; its last addresses are used" : "");
        }
    }
    entry->is_running = false;
    entry->lookup_count++;
    entry->looked_up_ns = clock_monotonic_ns();
    answer_questions_locked(entry);
}

static void
free_resolver(struct host_resolver *resolver)
{
    struct list *node;

    while ((node = list_take_first(&resolver->names)) != NULL) {
        free(CONTAINER_OF(struct host_entry, node, node));
    }
    pthread_cond_destroy(&resolver->answered);
    pthread_mutex_destroy(&resolver->lock);
    free(resolver);
}

static struct host_entry *
take_queued(struct host_resolver *resolver, bool *ret_is_last)
{
    struct host_entry *entry = NULL;

    WITH_LOCK (&resolver->lock) {
        struct list *node = resolver->is_destroyed ? NULL : list_take_first(&resolver->queue);

        if (node != NULL) {
            entry = CONTAINER_OF(struct host_entry, queue_node, node);
            entry->is_running = true;
        } else {
            resolver->thread_count--;
            *ret_is_last = resolver->is_destroyed && resolver->thread_count == 0;
        }
    }
    return entry;
}

static void *
lookup_main(void *arg)
{
    struct host_resolver *resolver = arg;
    struct host_entry *entry;
    bool is_last = false;

    affinity_set(AFFINITY_WORKER, "lode-names");
    while ((entry = take_queued(resolver, &is_last)) != NULL) {
        struct host_addresses addresses = {.count = 0};
        struct error err = ERROR_INIT;
        enum status st = resolver->lookup(entry->host, entry->port, &addresses, &err);

        WITH_LOCK (&resolver->lock) {
            take_result_locked(entry, st, &addresses, &err);
            CHECK(pthread_cond_broadcast(&resolver->answered) == 0);
        }
    }
    if (is_last) {
        free_resolver(resolver);
    }
    return NULL;
}

static void
start_thread_locked(struct host_resolver *resolver)
{
    pthread_attr_t attributes;
    pthread_t thread;

    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0);
    CHECK(pthread_create(&thread, &attributes, lookup_main, resolver) == 0);
    CHECK(pthread_attr_destroy(&attributes) == 0);
    resolver->thread_count++;
}

static void
begin_lookup_locked(struct host_resolver *resolver, struct host_entry *entry)
{
    if (entry->is_running || list_is_linked(&entry->queue_node)) {
        return;
    }
    list_append(&resolver->queue, &entry->queue_node);
    if (resolver->thread_count < HOST_LOOKUPS_MAX) {
        start_thread_locked(resolver);
    }
}

/* ---- the interface ---- */

struct host_resolver *
host_resolver_create(host_lookup_fn *lookup)
{
    struct host_resolver *resolver = xcalloc(1, sizeof(*resolver));
    pthread_condattr_t attributes;

    CHECK(pthread_mutex_init(&resolver->lock, NULL) == 0);
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&resolver->answered, &attributes) == 0);
    CHECK(pthread_condattr_destroy(&attributes) == 0);
    resolver->lookup = lookup != NULL ? lookup : look_up_in_system;
    list_init(&resolver->names);
    list_init(&resolver->queue);
    return resolver;
}

void
host_resolver_destroy(struct host_resolver **take_resolver)
{
    struct host_resolver *resolver = *take_resolver;
    bool is_last = false;

    if (resolver == NULL) {
        return;
    }
    *take_resolver = NULL;
    WITH_LOCK (&resolver->lock) {
        resolver->is_destroyed = true;
        is_last = resolver->thread_count == 0;
    }
    if (is_last) {
        free_resolver(resolver);
    }
}

enum status
host_resolver_find(struct host_resolver *resolver, struct bytes text,
                   struct host_addresses *ret_addresses, struct error *err)
{
    enum status st = ST_WOULD_WAIT;
    struct socket_address number;
    struct bytes host;
    uint16_t port;

    if (socket_address_parse(text, &number, NULL) == ST_OK) {
        *ret_addresses = (struct host_addresses){.count = 1, .list = {number}};
        return ST_OK;
    }
    if (split(text, &host, &port, err) != ST_OK) {
        return ST_INVALID;
    }
    WITH_LOCK (&resolver->lock) {
        const struct host_entry *entry = find_locked(resolver, host, port);

        if (entry != NULL && is_fresh(entry)) {
            st = give(entry, ret_addresses, err);
        }
    }
    return st;
}

/* On the loop: cancelled questions end here, too. */
static void
run_answer(struct loop_message *message)
{
    struct host_question *question = CONTAINER_OF(struct host_question, message, message);

    if (question->answer != NULL) {
        question->answer(question->addresses.count != 0 ? &question->addresses : NULL,
                         question->failure, question->arg);
    }
    free(question);
}

struct host_question *
host_resolver_ask(struct host_resolver *resolver, struct bytes text, struct event_loop *loop,
                  host_answer_fn *answer, void *arg)
{
    struct host_question *question = xcalloc(1, sizeof(*question));
    struct bytes host;
    uint16_t port;

    assert_on_loop();
    CHECK(split(text, &host, &port, NULL) == ST_OK);
    question->message.run = run_answer;
    question->resolver = resolver;
    question->loop = loop;
    question->answer = answer;
    question->arg = arg;
    WITH_LOCK (&resolver->lock) {
        question->entry = get_locked(resolver, host, port);
        list_append(&question->entry->questions, &question->node);
        begin_lookup_locked(resolver, question->entry);
    }
    return question;
}

bool
host_question_cancel(struct host_question **take_question, struct host_addresses *ret_addresses)
{
    struct host_question *question = *take_question;
    struct host_addresses known = {.count = 0};
    bool is_waiting = false;

    assert_on_loop();
    *take_question = NULL;
    WITH_LOCK (&question->resolver->lock) {
        is_waiting = question->entry != NULL;
        if (is_waiting) {
            known = question->entry->addresses;
            list_remove(&question->node);
        }
    }
    if (is_waiting) {
        free(question);
    } else {
        question->answer = NULL; /* it is on its way to this loop */
    }
    if (known.count != 0 && ret_addresses != NULL) {
        *ret_addresses = known;
    }
    return known.count != 0;
}

static struct timespec
deadline_after(int64_t timeout_ms)
{
    struct timespec deadline;

    CHECK(clock_gettime(CLOCK_MONOTONIC, &deadline) == 0);
    deadline.tv_sec += timeout_ms / 1000;
    deadline.tv_nsec += timeout_ms % 1000 * CLOCK_NS_PER_MS;
    if (deadline.tv_nsec >= CLOCK_NS_PER_S) {
        deadline.tv_nsec -= CLOCK_NS_PER_S;
        deadline.tv_sec++;
    }
    return deadline;
}

enum status
host_resolver_wait(struct host_resolver *resolver, struct bytes text, int64_t timeout_ms,
                   struct host_addresses *ret_addresses, struct error *err)
{
    struct timespec deadline = deadline_after(timeout_ms);
    enum status st = host_resolver_find(resolver, text, ret_addresses, err);
    struct bytes host;
    uint16_t port;

    assert_on_worker();
    if (st != ST_WOULD_WAIT) {
        return st;
    }
    CHECK(split(text, &host, &port, NULL) == ST_OK);
    WITH_LOCK (&resolver->lock) {
        struct host_entry *entry = get_locked(resolver, host, port);
        uint64_t before = entry->lookup_count;
        int result = 0;

        begin_lookup_locked(resolver, entry);
        entry->waiter_count++;
        while (result == 0 && entry->lookup_count == before) {
            result = pthread_cond_timedwait(&resolver->answered, &resolver->lock, &deadline);
        }
        entry->waiter_count--;
        if (entry->addresses.count == 0 && entry->failure[0] == '\0') {
            st = fail(err, ST_UNAVAILABLE, "The name %s was not looked up in time", entry->host);
        } else {
            st = give(entry, ret_addresses, err);
        }
    }
    return st;
}
