/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/peer_replay.h"

#include "base/list.h"
#include "base/lock.h"
#include "base/memory.h"

#include "base/banned.h"

struct session {
    struct list node;
    unsigned char id[16];
    uint64_t highest;
    int64_t seen_ms;
    uint64_t window[PEER_REPLAY_WINDOW / 64]; /* bit of count modulo the window: taken */
};

struct peer_replay {
    pthread_mutex_t lock;
    int64_t forget_ms;
    struct list sessions; /* guarded by lock; seen last first */
    size_t session_count; /* guarded by lock */
};

struct peer_replay *
peer_replay_create(int64_t forget_ms)
{
    struct peer_replay *replay = xcalloc(1, sizeof(*replay));

    CHECK(pthread_mutex_init(&replay->lock, NULL) == 0);
    replay->forget_ms = forget_ms;
    list_init(&replay->sessions);
    return replay;
}

void
peer_replay_destroy(struct peer_replay **take_replay)
{
    struct peer_replay *replay = *take_replay;
    struct list *node;

    if (replay == NULL) {
        return;
    }
    *take_replay = NULL;
    while ((node = list_take_first(&replay->sessions)) != NULL) {
        free(CONTAINER_OF(struct session, node, node));
    }
    pthread_mutex_destroy(&replay->lock);
    free(replay);
}

static struct session *
find_locked(struct peer_replay *replay, const unsigned char id[16])
{
    for (struct list *node = replay->sessions.next; node != &replay->sessions; node = node->next) {
        struct session *session = CONTAINER_OF(struct session, node, node);

        if (memcmp(session->id, id, sizeof(session->id)) == 0) {
            return session;
        }
    }
    return NULL;
}

/* Only what is behind the newest: those that are alive are in front. */
static void
forget_locked(struct peer_replay *replay, int64_t now_ms)
{
    while (!list_is_empty(&replay->sessions)) {
        struct session *oldest = CONTAINER_OF(struct session, node, replay->sessions.previous);

        if (now_ms - oldest->seen_ms <= replay->forget_ms) {
            return;
        }
        list_remove(&oldest->node);
        replay->session_count--;
        free(oldest);
    }
}

static struct session *
add_locked(struct peer_replay *replay, const unsigned char id[16])
{
    struct session *session;

    if (replay->session_count == PEER_REPLAY_SESSIONS_MAX) {
        return NULL;
    }
    session = xcalloc(1, sizeof(*session));
    memcpy(session->id, id, sizeof(session->id));
    list_init(&session->node);
    replay->session_count++;
    return session;
}

static uint64_t
bit_of(uint64_t count)
{
    return UINT64_C(1) << (count % 64);
}

static uint64_t *
word_of(struct session *session, uint64_t count)
{
    return &session->window[count % PEER_REPLAY_WINDOW / 64];
}

static void
advance(struct session *session, uint64_t count)
{
    if (count - session->highest >= PEER_REPLAY_WINDOW) {
        memset(session->window, 0, sizeof(session->window));
    } else {
        for (uint64_t at = session->highest + 1; at <= count; at++) {
            *word_of(session, at) &= ~bit_of(at);
        }
    }
    session->highest = count;
}

static enum status
take(struct session *session, uint64_t count)
{
    if (count > session->highest) {
        advance(session, count);
    } else if (session->highest - count >= PEER_REPLAY_WINDOW) {
        return ST_BUSY;
    } else if ((*word_of(session, count) & bit_of(count)) != 0) {
        return ST_DENIED;
    }
    *word_of(session, count) |= bit_of(count);
    return ST_OK;
}

enum status
peer_replay_take(struct peer_replay *replay, const unsigned char session_id[16], uint64_t count,
                 int64_t now_ms, struct error *err)
{
    enum status st = ST_BUSY;
    bool is_full = false;

    if (count == 0 || count > UINT64_MAX - PEER_REPLAY_WINDOW) {
        return fail(err, ST_INVALID, "the number of a peer's message is out of range");
    }
    WITH_LOCK (&replay->lock) {
        struct session *session = find_locked(replay, session_id);

        if (session == NULL) {
            forget_locked(replay, now_ms);
            session = add_locked(replay, session_id);
        } else {
            list_remove(&session->node);
        }
        is_full = session == NULL;
        if (session != NULL) {
            st = take(session, count);
            session->seen_ms = now_ms;
            list_prepend(&replay->sessions, &session->node);
        }
    }
    if (st == ST_DENIED) {
        return fail(err, st, "a peer's message came twice");
    }
    if (st == ST_BUSY) {
        return fail(err, st,
                    is_full ? "more than %llu processes have sent messages lately"
                            : "a peer's message was overtaken by more than %llu others",
                    is_full ? (unsigned long long)PEER_REPLAY_SESSIONS_MAX
                            : (unsigned long long)PEER_REPLAY_WINDOW);
    }
    return st;
}

size_t
peer_replay_session_count(struct peer_replay *replay)
{
    size_t count = 0;

    WITH_LOCK (&replay->lock) {
        count = replay->session_count;
    }
    return count;
}
