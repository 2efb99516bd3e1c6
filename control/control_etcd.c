/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver: control/etcd_follower.h keeps the values, control/etcd_commit.h changes them, leases
 * are calls of their own.  A commit returns when its revision came back by the watch, so that what
 * a node changed is what it reads.
 */
#include "control/control_etcd.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/entropy.h"
#include "base/lock.h"
#include "base/memory.h"
#include "control/control_driver.h"
#include "control/etcd_commit.h"
#include "control/etcd_follower.h"
#include "control/etcd_json.h"
#include "control/etcd_metrics.h"

#include "base/banned.h"

struct control_etcd {
    struct control_driver driver;
    struct etcd_client *client;
    struct etcd_committer *committer;
    struct etcd_follower *follower;
    char *prefix;
    char *token_key;
    bool must_remove_token;
    pthread_mutex_t lock;
    int64_t refresh_second; /* guarded by lock; of the monotonic clock */
    int refresh_count;      /* guarded by lock; in that second */
};

static struct control_etcd *
etcd_from(struct control_driver *driver)
{
    return CONTAINER_OF(struct control_etcd, driver, driver);
}

static int64_t
deadline_of(int64_t timeout_ms)
{
    return clock_monotonic_ns() + timeout_ms * CLOCK_NS_PER_MS;
}

static enum status
etcd_commit(struct control_driver *driver, const struct control_change *changes, size_t count,
            const struct control_guard *guard, int64_t timeout_ms, uint64_t *ret_revision,
            struct error *err)
{
    struct control_etcd *etcd = etcd_from(driver);
    int64_t began_ns = clock_monotonic_ns();
    int64_t deadline_ns = deadline_of(timeout_ms);
    uint64_t revision = 0;
    enum status st =
        etcd_committer_run(etcd->committer, changes, count, guard, deadline_ns, &revision, err);

    if (st != ST_OK) {
        /* Who gets the value again after a conflict is to find what it conflicted with. */
        (void)etcd_follower_wait(etcd->follower, revision, deadline_ns);
        return st;
    }
    if (!etcd_follower_wait(etcd->follower, revision, deadline_ns)) {
        return fail(err, ST_UNAVAILABLE,
                    "the change was made at revision %" PRIu64 ", but did not come back from etcd",
                    revision);
    }
    metric_observe_ns(&etcd_metrics[ETCD_CHANGES], clock_monotonic_ns() - began_ns);
    *ret_revision = revision;
    return ST_OK;
}

/* ---- reading through ---- */

static bool
may_refresh(struct control_etcd *etcd)
{
    int64_t second = clock_monotonic_ns() / CLOCK_NS_PER_S;
    bool may = false;

    WITH_LOCK (&etcd->lock) {
        if (second != etcd->refresh_second) {
            etcd->refresh_second = second;
            etcd->refresh_count = 0;
        }
        may = etcd->refresh_count < CONTROL_REFRESH_PER_S_MAX;
        etcd->refresh_count += may ? 1 : 0;
    }
    return may;
}

/* Bytes that make no sense, or no right to read: for the caller, etcd is of no use. */
static enum status
unusable_is_unavailable(enum status st)
{
    return st == ST_DENIED || st == ST_CORRUPT || st == ST_INVALID || st == ST_PRECONDITION
               ? ST_UNAVAILABLE
               : st;
}

static enum status
etcd_refresh(struct control_driver *driver, struct bytes key, int64_t timeout_ms, struct error *err)
{
    struct control_etcd *etcd = etcd_from(driver);
    int64_t deadline_ns = deadline_of(timeout_ms);
    struct buffer body = BUFFER_INIT;
    struct buffer answer = BUFFER_INIT;
    struct arena arena = ARENA_INIT;
    struct etcd_range range;
    bool has_come = true;
    enum status st;

    if (!may_refresh(etcd)) {
        return fail(err, ST_BUSY, "more than %d unknown names a second are asked for",
                    CONTROL_REFRESH_PER_S_MAX);
    }
    buffer_append_string(&body, "{\"key\":\"");
    etcd_append_base64(&body, bytes_of_string(etcd->prefix), key);
    buffer_append_string(&body, "\",\"keys_only\":true}");
    st = etcd_client_call(etcd->client, "/v3/kv/range", buffer_bytes(&body), timeout_ms, &answer,
                          err);
    if (st == ST_OK) {
        st = etcd_json_range(buffer_bytes(&answer), &arena, &range, err);
    }
    if (st == ST_OK && range.count > 0) {
        has_come = etcd_follower_wait(etcd->follower, range.kvs[0].mod_revision, deadline_ns);
    } else if (st == ST_OK) {
        has_come = control_view_wait_gone(driver->view, key, range.header.revision, deadline_ns);
    }
    if (st == ST_OK && !has_come) {
        st = fail(err, ST_UNAVAILABLE, "changes of control values do not come from etcd");
    }
    arena_release(&arena);
    buffer_release(&answer);
    buffer_release(&body);
    return unusable_is_unavailable(st);
}

/* ---- leases ---- */

static enum status
call_lease(struct control_etcd *etcd, const char *path, const char *body, int64_t timeout_ms,
           struct etcd_lease *ret_lease, struct error *err)
{
    struct buffer answer = BUFFER_INIT;
    struct arena arena = ARENA_INIT;
    enum status st =
        etcd_client_call(etcd->client, path, bytes_of_string(body), timeout_ms, &answer, err);

    if (st == ST_OK && ret_lease != NULL) {
        st = etcd_json_lease(buffer_bytes(&answer), &arena, ret_lease, err);
    }
    arena_release(&arena);
    buffer_release(&answer);
    return unusable_is_unavailable(st);
}

static enum status
etcd_lease_grant(struct control_driver *driver, int64_t ttl_s, int64_t timeout_ms,
                 uint64_t *ret_lease, struct error *err)
{
    struct etcd_lease lease;
    char body[64];
    enum status st;

    snprintf(body, sizeof(body), "{\"TTL\":\"%" PRId64 "\"}", ttl_s);
    st = call_lease(etcd_from(driver), "/v3/lease/grant", body, timeout_ms, &lease, err);
    if (st == ST_OK) {
        *ret_lease = lease.id;
    }
    return st;
}

static enum status
etcd_lease_keep(struct control_driver *driver, uint64_t id, int64_t timeout_ms, struct error *err)
{
    struct etcd_lease lease;
    char body[64];
    enum status st;

    snprintf(body, sizeof(body), "{\"ID\":\"%" PRIu64 "\"}", id);
    st = call_lease(etcd_from(driver), "/v3/lease/keepalive", body, timeout_ms, &lease, err);
    if (st == ST_OK && lease.id != id) {
        st = fail(err, ST_UNAVAILABLE, "etcd answered for another lease");
    }
    return st == ST_OK && lease.ttl_s == 0 ? fail(err, ST_NOT_FOUND, "the lease has ended") : st;
}

static enum status
etcd_lease_revoke(struct control_driver *driver, uint64_t id, int64_t timeout_ms, struct error *err)
{
    char body[64];
    enum status st;

    snprintf(body, sizeof(body), "{\"ID\":\"%" PRIu64 "\"}", id);
    st = call_lease(etcd_from(driver), "/v3/lease/revoke", body, timeout_ms, NULL, err);
    return st == ST_NOT_FOUND ? ST_OK : st;
}

/* ---- opening and closing ---- */

static void
etcd_hurry(struct control_driver *driver)
{
    etcd_client_hurry(etcd_from(driver)->client);
    control_view_hurry(driver->view, CONTROL_HURRY_MS);
}

static void
etcd_close(struct control_driver *driver)
{
    struct control_etcd *etcd = etcd_from(driver);

    etcd_follower_close(&etcd->follower);
    etcd_committer_destroy(&etcd->committer, etcd->must_remove_token);
    etcd_client_destroy(&etcd->client);
    control_view_destroy(&driver->view);
    CHECK(pthread_mutex_destroy(&etcd->lock) == 0);
    free(etcd->prefix);
    free(etcd->token_key);
    free(etcd);
}

static const struct control_driver_ops ETCD_OPS = {
    .commit = etcd_commit,
    .refresh = etcd_refresh,
    .lease_grant = etcd_lease_grant,
    .lease_keep = etcd_lease_keep,
    .lease_revoke = etcd_lease_revoke,
    .hurry = etcd_hurry,
    .close = etcd_close,
};

/* Names become parts of keys. */
static enum status
check_name(const char *what, const char *name, struct error *err)
{
    size_t size = strlen(name);
    bool is_good = size > 0 && size <= CONTROL_CLUSTER_NAME_BYTES_MAX;

    for (size_t i = 0; i < size; i++) {
        is_good = is_good && (isalnum((unsigned char)name[i]) || strchr("_.-", name[i]) != NULL);
    }
    return is_good ? ST_OK
                   : fail(err, ST_INVALID,
                          "%s must have 1 to %d letters, digits, '_', '.' or '-', unlike '%s'",
                          what, CONTROL_CLUSTER_NAME_BYTES_MAX, name);
}

static enum status
set_keys(struct control_etcd *etcd, const struct control_etcd_options *options, struct error *err)
{
    unsigned char noise[16];
    char client_id[2 * sizeof(noise) + 1];
    enum status st = check_name("a cluster's name", options->cluster, err);

    if (st == ST_OK && options->client_id != NULL) {
        st = check_name("a node's id", options->client_id, err);
    }
    if (st != ST_OK) {
        return st;
    }
    entropy_fill(noise, sizeof(noise));
    encode_hex(bytes_of(noise, sizeof(noise)), client_id);
    etcd->must_remove_token = options->client_id == NULL;
    etcd->prefix = xasprintf("/lode/%s/value/", options->cluster);
    etcd->token_key = xasprintf("/lode/%s/commit/%s", options->cluster,
                                options->client_id != NULL ? options->client_id : client_id);
    return ST_OK;
}

enum status
control_open_etcd(const struct control_etcd_options *options, struct control **ret_control,
                  struct error *err)
{
    struct control_etcd *etcd = xcalloc(1, sizeof(*etcd));
    int64_t timeout_ms =
        options->open_timeout_ms != 0 ? options->open_timeout_ms : CONTROL_ETCD_OPEN_TIMEOUT_MS;
    enum status st;

    etcd_metrics_register();
    etcd->driver.ops = &ETCD_OPS;
    etcd->driver.change_timeout_ms = options->change_timeout_ms;
    etcd->driver.view = control_view_create();
    CHECK(pthread_mutex_init(&etcd->lock, NULL) == 0);
    st = set_keys(etcd, options, err);
    if (st == ST_OK) {
        st = etcd_client_create(options, &etcd->client, err);
    }
    if (st == ST_OK) {
        st = etcd_follower_open(etcd->client, etcd->driver.view, bytes_of_string(etcd->prefix),
                                timeout_ms, &etcd->follower, err);
    }
    if (st != ST_OK) {
        etcd_close(&etcd->driver);
        return st;
    }
    etcd->committer = etcd_committer_create(etcd->client, bytes_of_string(etcd->prefix),
                                            bytes_of_string(etcd->token_key));
    *ret_control = control_create(&etcd->driver);
    return ST_OK;
}
