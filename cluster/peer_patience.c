/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/peer_patience.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/memory.h"

#include "base/banned.h"

struct peer_record {
    struct list node;
    size_t waiting_count;
    bool is_silent;
    int64_t next_try_ms; /* if silent */
    int64_t told_ms;     /* when the log had a line about it; 0: not since it answered */
    char told[128];      /* that line, or its beginning */
    size_t id_size;
    char id[];
};

struct peer_patience {
    pthread_mutex_t lock;
    size_t waiting_max;
    int64_t retry_interval_ms;
    struct list peers; /* guarded by lock; those with something to remember */
};

struct peer_patience *
peer_patience_create(size_t waiting_max, int64_t retry_interval_ms)
{
    struct peer_patience *patience = xcalloc(1, sizeof(*patience));

    CHECK(waiting_max > 0);
    CHECK(pthread_mutex_init(&patience->lock, NULL) == 0);
    patience->waiting_max = waiting_max;
    patience->retry_interval_ms = retry_interval_ms;
    list_init(&patience->peers);
    return patience;
}

void
peer_patience_destroy(struct peer_patience **take_patience)
{
    struct peer_patience *patience = *take_patience;
    struct list *node;

    if (patience == NULL) {
        return;
    }
    *take_patience = NULL;
    while ((node = list_take_first(&patience->peers)) != NULL) {
        free(CONTAINER_OF(struct peer_record, node, node));
    }
    pthread_mutex_destroy(&patience->lock);
    free(patience);
}

static struct peer_record *
find_locked(struct peer_patience *patience, struct bytes id)
{
    for (struct list *node = patience->peers.next; node != &patience->peers; node = node->next) {
        struct peer_record *peer = CONTAINER_OF(struct peer_record, node, node);

        if (bytes_equal(bytes_of(peer->id, peer->id_size), id)) {
            return peer;
        }
    }
    return NULL;
}

static struct peer_record *
add_locked(struct peer_patience *patience, struct bytes id)
{
    struct peer_record *peer = xcalloc(1, sizeof(*peer) + id.size);

    peer->id_size = id.size;
    memcpy(peer->id, id.data, id.size);
    list_append(&patience->peers, &peer->node);
    return peer;
}

enum status
peer_patience_enter(struct peer_patience *patience, struct bytes node_id, bool is_waiting,
                    struct error *err)
{
    int64_t now_ms = clock_monotonic_ns() / CLOCK_NS_PER_MS;
    enum status st = ST_OK;

    WITH_LOCK (&patience->lock) {
        struct peer_record *peer = find_locked(patience, node_id);

        if (peer != NULL && peer->is_silent && now_ms < peer->next_try_ms) {
            st = ST_UNAVAILABLE;
        } else if (peer != NULL && is_waiting && peer->waiting_count >= patience->waiting_max) {
            st = ST_BUSY;
        } else if (is_waiting || (peer != NULL && peer->is_silent)) {
            if (peer == NULL) {
                peer = add_locked(patience, node_id);
            }
            peer->waiting_count += is_waiting;
            peer->next_try_ms = now_ms + patience->retry_interval_ms;
        }
    }
    if (st == ST_UNAVAILABLE) {
        return fail(err, st, "Node %.*s does not answer", BYTES_ARGS(node_id));
    }
    if (st == ST_BUSY) {
        return fail(err, st, "%zu requests wait for node %.*s already", patience->waiting_max,
                    BYTES_ARGS(node_id));
    }
    return st;
}

void
peer_patience_leave(struct peer_patience *patience, struct bytes node_id, bool is_waiting,
                    enum status outcome)
{
    int64_t now_ms = clock_monotonic_ns() / CLOCK_NS_PER_MS;

    WITH_LOCK (&patience->lock) {
        struct peer_record *peer = find_locked(patience, node_id);

        if (peer == NULL && outcome == ST_TIMEOUT) {
            peer = add_locked(patience, node_id);
        }
        if (peer != NULL) {
            CHECK(!is_waiting || peer->waiting_count > 0);
            peer->waiting_count -= is_waiting;
            if (outcome == ST_TIMEOUT) {
                peer->is_silent = true;
                peer->next_try_ms = now_ms + patience->retry_interval_ms;
            } else if (outcome == ST_OK) {
                peer->is_silent = false;
                peer->told_ms = 0;
            }
            if (peer->waiting_count == 0 && !peer->is_silent && peer->told_ms == 0) {
                list_remove(&peer->node);
                free(peer);
            }
        }
    }
}

bool
peer_patience_may_complain(struct peer_patience *patience, struct bytes node_id,
                           const char *sentence, int64_t interval_ms)
{
    char line[sizeof(((struct peer_record *)NULL)->told)];
    int64_t now_ms = clock_monotonic_ns() / CLOCK_NS_PER_MS;
    bool is_time = false;

    snprintf(line, sizeof(line), "%s", sentence);
    WITH_LOCK (&patience->lock) {
        struct peer_record *peer = find_locked(patience, node_id);

        if (peer == NULL) {
            peer = add_locked(patience, node_id);
        }
        is_time = peer->told_ms == 0 || now_ms - peer->told_ms >= interval_ms ||
                  strcmp(peer->told, line) != 0;
        if (is_time) {
            peer->told_ms = now_ms;
            memcpy(peer->told, line, sizeof(line));
        }
    }
    return is_time;
}
