/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   if   token at the revision known, guard's create revision, each value's revision as expected
 *   then the changes, token := the number of this commit
 *   else read token, guard, values
 *
 * No answer: the same transaction again, at another member, until the time is over.  Failed:
 *
 *   token moved and holds this commit's number -> an earlier copy took effect at the token's
 * revision token moved otherwise (first use; a copy of an abandoned commit arrived late) -> again
 * from there guard differs -> ST_MOVED; a value differs -> ST_CONFLICT, ST_NOT_FOUND
 *
 * One commit at a time.  When the time is over after a copy may have arrived, the outcome is
 * unknown to the caller; the next commit finds the token wherever that copy has left it.
 */
#include "control/etcd_commit.h"

#include <inttypes.h>
#include <stdatomic.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/entropy.h"
#include "base/memory.h"
#include "control/control_turn.h"
#include "control/etcd_json.h"

#include "base/banned.h"

#define SERIAL_BYTES 16 /* 64 random bits in hex */
/* How often a token may be found elsewhere: more means that two processes have one name. */
#define TOKEN_MOVED_MAX 8

struct etcd_committer {
    struct etcd_client *client;
    struct bytes prefix;
    struct bytes token_key;
    struct control_turn turn;
    uint64_t token_revision; /* whoever has the turn; 0: not there, as far as known */
    _Atomic int waiting_count;
};

/* One commit in progress; on its thread's stack. */
struct attempt {
    struct etcd_committer *committer;
    const struct control_change *changes;
    size_t count;
    const struct control_guard *guard;
    char serial[SERIAL_BYTES + 1];
    bool may_have_effect; /* a copy without answer may have arrived */
    unsigned token_moved_count;
    uint64_t revision; /* of the success, or the greatest of what differed */
};

struct etcd_committer *
etcd_committer_create(struct etcd_client *client, struct bytes prefix, struct bytes token_key)
{
    struct etcd_committer *committer = xcalloc(1, sizeof(*committer));

    committer->client = client;
    committer->prefix = prefix;
    committer->token_key = token_key;
    control_turn_init(&committer->turn);
    return committer;
}

/* ---- the transaction as JSON ---- */

static void
append_key(struct buffer *out, const char *before, struct bytes first, struct bytes second)
{
    buffer_append_string(out, before);
    buffer_append_string(out, "{\"key\":\"");
    etcd_append_base64(out, first, second);
    buffer_append_char(out, '"');
}

static void
append_compares(const struct attempt *attempt, struct buffer *out)
{
    struct bytes prefix = attempt->committer->prefix;

    append_key(out, "{\"compare\":[", attempt->committer->token_key, BYTES_NONE);
    buffer_printf(out, ",\"target\":\"MOD\",\"result\":\"EQUAL\",\"mod_revision\":\"%" PRIu64 "\"}",
                  attempt->committer->token_revision);
    if (attempt->guard != NULL) {
        append_key(out, ",", prefix, bytes_of_string(attempt->guard->key));
        buffer_printf(
            out, ",\"target\":\"CREATE\",\"result\":\"EQUAL\",\"create_revision\":\"%" PRIu64 "\"}",
            attempt->guard->create_revision);
    }
    for (size_t i = 0; i < attempt->count; i++) {
        const struct control_change *change = &attempt->changes[i];

        if (change->expected_revision != CONTROL_ANY_REVISION) {
            append_key(out, ",", prefix, change->key);
            buffer_printf(
                out, ",\"target\":\"MOD\",\"result\":\"EQUAL\",\"mod_revision\":\"%" PRIu64 "\"}",
                change->expected_revision);
        } else if (change->action == CONTROL_DELETE) {
            append_key(out, ",", prefix, change->key);
            buffer_append_string(
                out, ",\"target\":\"VERSION\",\"result\":\"GREATER\",\"version\":\"0\"}");
        }
    }
}

static void
append_changes(const struct attempt *attempt, struct buffer *out)
{
    struct bytes prefix = attempt->committer->prefix;

    append_key(out, "],\"success\":[{\"request_put\":", attempt->committer->token_key, BYTES_NONE);
    buffer_append_string(out, ",\"value\":\"");
    etcd_append_base64(out, bytes_of_string(attempt->serial), BYTES_NONE);
    buffer_append_string(out, "\"}}");
    for (size_t i = 0; i < attempt->count; i++) {
        const struct control_change *change = &attempt->changes[i];

        if (change->action == CONTROL_PUT) {
            append_key(out, ",{\"request_put\":", prefix, change->key);
            buffer_append_string(out, ",\"value\":\"");
            etcd_append_base64(out, change->value, BYTES_NONE);
            buffer_printf(out, "\",\"lease\":\"%" PRIu64 "\"}}", change->lease);
        } else if (change->action == CONTROL_DELETE) {
            append_key(out, ",{\"request_delete_range\":", prefix, change->key);
            buffer_append_string(out, "}}");
        }
    }
}

/* Reads of what was compared, in the order of report_failure. */
static void
append_reads(const struct attempt *attempt, struct buffer *out)
{
    struct bytes prefix = attempt->committer->prefix;

    append_key(out, "],\"failure\":[{\"request_range\":", attempt->committer->token_key,
               BYTES_NONE);
    buffer_append_string(out, "}}");
    if (attempt->guard != NULL) {
        append_key(out, ",{\"request_range\":", prefix, bytes_of_string(attempt->guard->key));
        buffer_append_string(out, ",\"keys_only\":true}}");
    }
    for (size_t i = 0; i < attempt->count; i++) {
        append_key(out, ",{\"request_range\":", prefix, attempt->changes[i].key);
        buffer_append_string(out, ",\"keys_only\":true}}");
    }
    buffer_append_string(out, "]}");
}

/* ---- its answer ---- */

static const struct etcd_kv *
first_of(const struct etcd_range *range)
{
    return range->count > 0 ? &range->kvs[0] : NULL;
}

static enum status
report_change(const struct control_change *change, const struct etcd_kv *kv, struct error *err)
{
    uint64_t revision = kv != NULL ? kv->mod_revision : CONTROL_MUST_NOT_EXIST;

    if (change->expected_revision == CONTROL_ANY_REVISION) {
        return change->action == CONTROL_DELETE && kv == NULL
                   ? fail(err, ST_NOT_FOUND, "there is no such control value")
                   : ST_OK;
    }
    return revision == change->expected_revision
               ? ST_OK
               : fail(err, ST_CONFLICT,
                      "the control value is at revision %" PRIu64 ", expected was %" PRIu64,
                      revision, change->expected_revision);
}

/* What differed?  ST_MOVED, ST_CONFLICT or ST_NOT_FOUND. */
static enum status
report_failure(struct attempt *attempt, const struct etcd_txn *txn, struct error *err)
{
    const struct etcd_range *range = &txn->ranges[1];
    enum status st = ST_OK;

    for (size_t i = 1; i < txn->range_count; i++) {
        const struct etcd_kv *kv = first_of(&txn->ranges[i]);

        attempt->revision = kv != NULL && kv->mod_revision > attempt->revision ? kv->mod_revision
                                                                               : attempt->revision;
    }
    if (attempt->guard != NULL) {
        const struct etcd_kv *leader = first_of(range++);

        if (leader == NULL || leader->create_revision != attempt->guard->create_revision) {
            return fail(err, ST_MOVED, "this node does not hold %s any more", attempt->guard->key);
        }
    }
    for (size_t i = 0; st == ST_OK && i < attempt->count; i++) {
        st = report_change(&attempt->changes[i], first_of(range + i), err);
    }
    return st != ST_OK ? st : fail(err, ST_CONFLICT, "a control value was changed meanwhile");
}

/* The transaction failed.  ST_WOULD_WAIT: again, with the token's revision that is known now. */
static enum status
judge_failure(struct attempt *attempt, const struct etcd_txn *txn, struct error *err)
{
    size_t guard_count = attempt->guard != NULL ? 1 : 0;
    const struct etcd_kv *token;
    uint64_t token_revision;

    if (txn->range_count != 1 + guard_count + attempt->count) {
        return fail(err, ST_UNAVAILABLE, "etcd did not answer what it was asked");
    }
    token = first_of(&txn->ranges[0]);
    token_revision = token != NULL ? token->mod_revision : 0;
    if (token_revision == attempt->committer->token_revision) {
        return report_failure(attempt, txn, err);
    }
    attempt->committer->token_revision = token_revision;
    if (token != NULL && bytes_equal_string(token->value, attempt->serial)) {
        attempt->revision = token_revision;
        return ST_OK;
    }
    if (++attempt->token_moved_count > TOKEN_MOVED_MAX) {
        return fail(err, ST_UNAVAILABLE,
                    "another process makes changes under this node's name; is the same node "
                    "running twice?");
    }
    return ST_WOULD_WAIT;
}

static enum status
judge(struct attempt *attempt, struct bytes text, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct etcd_txn txn;
    enum status st = etcd_json_txn(text, &arena, &txn, err);

    if (st == ST_OK && txn.has_succeeded && txn.header.revision == 0) {
        st = fail(err, ST_CORRUPT, "etcd made a change at no revision");
    }
    if (st == ST_CORRUPT) {
        attempt->may_have_effect = true;
        st = ST_UNAVAILABLE;
    } else if (st == ST_OK && txn.has_succeeded) {
        attempt->revision = txn.header.revision;
        attempt->committer->token_revision = txn.header.revision;
    } else if (st == ST_OK) {
        st = judge_failure(attempt, &txn, err);
    }
    arena_release(&arena);
    return st;
}

/* ---- attempts ---- */

static enum status
try_once(struct attempt *attempt, int64_t deadline_ns, struct error *err)
{
    struct etcd_client *client = attempt->committer->client;
    int64_t left_ms = (deadline_ns - clock_monotonic_ns()) / CLOCK_NS_PER_MS + 1;
    struct buffer body = BUFFER_INIT;
    struct buffer answer = BUFFER_INIT;
    bool may_have_effect = false;
    enum status st;

    append_compares(attempt, &body);
    append_changes(attempt, &body);
    append_reads(attempt, &body);
    st = etcd_client_try(client, etcd_client_member(client), "/v3/kv/txn", buffer_bytes(&body),
                         left_ms < ETCD_ATTEMPT_TIMEOUT_MS ? left_ms : ETCD_ATTEMPT_TIMEOUT_MS,
                         &answer, &may_have_effect, err);
    if (st == ST_OK) {
        st = judge(attempt, buffer_bytes(&answer), err);
    } else if (st == ST_UNAVAILABLE || st == ST_DENIED) {
        attempt->may_have_effect = attempt->may_have_effect || may_have_effect;
        st = ST_UNAVAILABLE;
    } else if (st == ST_NOT_FOUND) { /* of a lease */
        st = fail(err, ST_UNAVAILABLE, "the lease of this node has ended");
        attempt->token_moved_count = TOKEN_MOVED_MAX + 1; /* not again */
    }
    memory_wipe(body.data, body.size);
    buffer_release(&body);
    buffer_release(&answer);
    return st;
}

/* has_turn */
static enum status
run_attempts(struct attempt *attempt, int64_t deadline_ns, struct error *err)
{
    struct error reason = ERROR_INIT;
    enum status st;
    unsigned n = 0;

    do {
        st = try_once(attempt, deadline_ns, &reason);
        while (st == ST_WOULD_WAIT) {
            st = try_once(attempt, deadline_ns, &reason);
        }
    } while (st == ST_UNAVAILABLE && attempt->token_moved_count <= TOKEN_MOVED_MAX &&
             etcd_client_pause(attempt->committer->client, n++, deadline_ns));
    if (st == ST_OK) {
        return ST_OK;
    }
    if (st == ST_UNAVAILABLE && attempt->may_have_effect) {
        return fail(err, st, "etcd did not answer; outcome unknown: %s", reason.text);
    }
    return fail(err, st, "%s", reason.text);
}

enum status
etcd_committer_run(struct etcd_committer *committer, const struct control_change *changes,
                   size_t count, const struct control_guard *guard, int64_t deadline_ns,
                   uint64_t *ret_revision, struct error *err)
{
    struct attempt attempt = {
        .committer = committer, .changes = changes, .count = count, .guard = guard};
    unsigned char noise[SERIAL_BYTES / 2];
    enum status st;

    if (atomic_fetch_add(&committer->waiting_count, 1) >= ETCD_COMMIT_WAITING_MAX) {
        atomic_fetch_sub(&committer->waiting_count, 1);
        return fail(err, ST_BUSY, "%d changes wait for etcd already", ETCD_COMMIT_WAITING_MAX);
    }
    entropy_fill(noise, sizeof(noise));
    encode_hex(bytes_of(noise, sizeof(noise)), attempt.serial);
    if (control_turn_take_until(&committer->turn, deadline_ns)) {
        st = run_attempts(&attempt, deadline_ns, err);
        control_turn_give(&committer->turn);
    } else {
        st = fail(err, ST_UNAVAILABLE, "earlier changes still wait for etcd");
    }
    atomic_fetch_sub(&committer->waiting_count, 1);
    *ret_revision = attempt.revision;
    return st;
}

void
etcd_committer_destroy(struct etcd_committer **take_committer, bool must_remove_token)
{
    struct etcd_committer *committer = *take_committer;
    struct buffer body = BUFFER_INIT;
    struct buffer answer = BUFFER_INIT;

    if (committer == NULL) {
        return;
    }
    if (must_remove_token && committer->token_revision != 0) {
        append_key(&body, "", committer->token_key, BYTES_NONE);
        buffer_append_char(&body, '}');
        /* A few bytes stay behind if this fails. */
        if (etcd_client_call(committer->client, "/v3/kv/deleterange", buffer_bytes(&body),
                             ETCD_BACKOFF_MAX_MS, &answer, NULL) == ST_OK) {
            buffer_release(&answer);
        }
    }
    buffer_release(&body);
    control_turn_release(&committer->turn);
    free(committer);
    *take_committer = NULL;
}
