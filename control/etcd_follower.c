/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread:
 *
 *   watch from the view's revision + 1 -> events are applied revision by revision
 *   the watch broke -> the next member, from where the view is; nothing is missed
 *   that revision is compacted, or an answer made no sense -> read all, tell of the differences
 *
 * A member that lost its cluster ends the watch itself (hasleader); one that hangs is found by a
 * probe now and then, or by a change that does not come back.  A member that knows less than this
 * node is left for another: it lags, or etcd was restored from an older copy.  In the latter case
 * none is good enough: what was known stays in use and each round says so.
 */
#include "control/etcd_follower.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "control/etcd_frames.h"
#include "control/etcd_metrics.h"
#include "control/etcd_values.h"

#include "base/banned.h"

#define TICK_MS 500
/* The member behind the watch is asked for something in this interval (ms) ... */
#define PROBE_INTERVAL_MS 5000
/* ... and left when it does not answer in this time (ms). */
#define PROBE_TIMEOUT_MS 2500
/* A change that etcd has made comes back by the watch in a few ms; then the watch is replaced. */
#define ECHO_TIMEOUT_MS 2000
/* A watch that lived this long was a good one. */
#define STEADY_NS CLOCK_NS_PER_S
/* Of what is not a stream: an error's sentence (bytes). */
#define ERROR_BYTES_MAX ((size_t)64 << 10)

struct etcd_follower {
    struct etcd_client *client;
    struct control_view *view;
    struct bytes prefix;
    uint64_t cluster_id; /* of the first answer; all others must come from there too */
    struct http_client_stopper *stopper;
    pthread_t thread;
    bool must_read;            /* the thread: the watch cannot go on from the view */
    bool has_heard;            /* the thread: something came in this round */
    bool is_lost;              /* the thread: and the log knows */
    size_t member;             /* the thread: behind the watch */
    int64_t next_probe_ns;     /* the thread */
    struct etcd_frames frames; /* the thread */
    _Atomic bool must_replace_watch;
    pthread_mutex_t lock;
    pthread_cond_t wake; /* monotonic clock */
    bool is_ending;      /* guarded by lock */
};

static uint64_t
view_revision(struct etcd_follower *follower)
{
    struct control_snapshot *snapshot = control_view_snapshot(follower->view);
    uint64_t revision = snapshot->revision;

    control_snapshot_unref(snapshot);
    return revision;
}

static enum status
check_header(const struct etcd_follower *follower, const struct etcd_header *header,
             struct error *err)
{
    if (follower->cluster_id != 0 && header->cluster_id != follower->cluster_id) {
        return fail(err, ST_UNAVAILABLE, "a member belongs to another etcd cluster than before");
    }
    return ST_OK;
}

/* ---- all values ---- */

static enum status
read_all(struct etcd_follower *follower, int64_t timeout_ms, struct error *err)
{
    struct control_snapshot *snapshot = NULL;
    struct etcd_header header;
    uint64_t known = view_revision(follower);
    enum status st =
        etcd_values_read(follower->client, follower->prefix, timeout_ms, &snapshot, &header, err);

    if (st == ST_OK) {
        st = check_header(follower, &header, err);
    }
    if (st == ST_OK && header.revision < known) {
        st = fail(err, ST_UNAVAILABLE,
                  "etcd is at revision %" PRIu64 ", behind %" PRIu64
                  " which this node has seen; was it restored from an older copy?",
                  header.revision, known);
    }
    if (st != ST_OK) {
        if (snapshot != NULL) {
            control_snapshot_unref(snapshot);
        }
        return st;
    }
    metric_add(&etcd_metrics[ETCD_READS], 1);
    follower->cluster_id = header.cluster_id;
    etcd_values_replace(follower->view, snapshot);
    return ST_OK;
}

/* ---- the watch ---- */

static enum status
frame_found(struct bytes text, void *arg, struct error *err)
{
    struct etcd_follower *follower = arg;
    struct arena arena = ARENA_INIT;
    struct etcd_watch_frame frame;
    enum status st = etcd_json_watch(text, &arena, &frame, err);

    if (st == ST_OK && frame.is_canceled) {
        follower->must_read = follower->must_read || frame.compact_revision != 0;
        st = fail(err, ST_CLOSED, "etcd ended the watch%s%.*s",
                  frame.compact_revision != 0 ? ": compacted" : ": ", BYTES_ARGS(frame.reason));
    }
    if (st == ST_OK) {
        st = check_header(follower, &frame.header, err);
    }
    if (st == ST_OK && frame.is_created && frame.header.revision < view_revision(follower)) {
        st = fail(err, ST_UNAVAILABLE,
                  "a member of etcd is at revision %" PRIu64
                  ", behind what this node has seen; it lags, or was restored from an older copy",
                  frame.header.revision);
    }
    if (st == ST_OK) {
        follower->has_heard = true;
        metric_set(&etcd_metrics[ETCD_CONNECTED], 1);
        if (follower->is_lost) {
            follower->is_lost = false;
            log_info(NULL, "etcd_found", "changes of control values come from %s again",
                     etcd_client_url(follower->client, follower->member));
        }
        st = etcd_values_apply(follower->view, follower->prefix, frame.events, frame.count, err);
    }
    if (st == ST_CORRUPT) {
        follower->must_read = true;
    }
    arena_release(&arena);
    return st;
}

static enum status
part_came(struct bytes part, void *arg, struct error *err)
{
    struct etcd_follower *follower = arg;
    enum status st = etcd_frames_feed(&follower->frames, part, err);

    if (st == ST_TOO_LARGE) {
        follower->must_read = true;
    }
    return st;
}

/* A local read of one key: does the member still answer at all? */
static bool
probe(struct etcd_follower *follower)
{
    struct buffer body = BUFFER_INIT;
    struct buffer answer = BUFFER_INIT;
    bool may_have_effect;
    enum status st;

    buffer_append_string(&body, "{\"key\":\"");
    etcd_append_base64(&body, follower->prefix, BYTES_NONE);
    buffer_append_string(&body, "\",\"serializable\":true,\"keys_only\":true,\"limit\":\"1\"}");
    st = etcd_client_try(follower->client, follower->member, "/v3/kv/range", buffer_bytes(&body),
                         PROBE_TIMEOUT_MS, &answer, &may_have_effect, NULL);
    buffer_release(&body);
    buffer_release(&answer);
    return st == ST_OK;
}

static bool
watch_tick(void *arg)
{
    struct etcd_follower *follower = arg;

    if (atomic_exchange(&follower->must_replace_watch, false)) {
        return false;
    }
    if (clock_monotonic_ns() >= follower->next_probe_ns) {
        if (!probe(follower)) {
            return false;
        }
        follower->next_probe_ns = clock_monotonic_ns() + PROBE_INTERVAL_MS * CLOCK_NS_PER_MS;
    }
    return true;
}

static void
append_watch(const struct etcd_follower *follower, uint64_t revision, struct buffer *body)
{
    struct bytes prefix = follower->prefix;
    char last = (char)(prefix.data[prefix.size - 1] + 1);

    buffer_append_string(body, "{\"create_request\":{\"key\":\"");
    etcd_append_base64(body, prefix, BYTES_NONE);
    buffer_append_string(body, "\",\"range_end\":\"");
    etcd_append_base64(body, bytes_slice(prefix, 0, prefix.size - 1), bytes_of(&last, 1));
    buffer_printf(body, "\",\"start_revision\":\"%" PRIu64 "\"}}", revision);
}

/* One watch, until it ends one way or another: never ST_OK. */
static enum status
watch_once(struct etcd_follower *follower, struct error *err)
{
    static const char *const HEADERS[] = {"Content-Type: application/json",
                                          "Grpc-Metadata-hasleader: true"};
    struct buffer body = BUFFER_INIT;
    struct http_client_request request = {.headers = HEADERS,
                                          .header_count = ARRAY_COUNT(HEADERS),
                                          .answer_bytes_max = ERROR_BYTES_MAX,
                                          .part = part_came,
                                          .tick = watch_tick,
                                          .tick_ms = TICK_MS,
                                          .arg = follower,
                                          .stopper = follower->stopper};
    struct http_client_answer answer = HTTP_CLIENT_ANSWER_INIT;
    char *url;
    enum status st;

    follower->member = etcd_client_member(follower->client);
    follower->next_probe_ns = clock_monotonic_ns() + PROBE_INTERVAL_MS * CLOCK_NS_PER_MS;
    atomic_store(&follower->must_replace_watch, false);
    etcd_frames_init(&follower->frames, ETCD_FRAME_BYTES_MAX, frame_found, follower);
    url = xasprintf("%s/v3/watch", etcd_client_url(follower->client, follower->member));
    append_watch(follower, view_revision(follower) + 1, &body);
    request.url = url;
    request.body = buffer_bytes(&body);
    metric_add(&etcd_metrics[ETCD_WATCHES], 1);
    st = http_client_run(etcd_client_http(follower->client), &request, &answer, err);
    metric_set(&etcd_metrics[ETCD_CONNECTED], 0);
    if (st == ST_OK) {
        st = fail(err, ST_CLOSED, "%s ended the watch with code %ld", url, answer.code);
    }
    if (!follower->must_read) {
        etcd_client_leave(follower->client, follower->member);
    }
    etcd_frames_release(&follower->frames);
    buffer_release(&answer.body);
    buffer_release(&body);
    free(url);
    return st;
}

/* ---- the thread ---- */

/* False: the follower ends. */
static bool
wait_for_ms(struct etcd_follower *follower, int64_t ms)
{
    int64_t until_ns = clock_monotonic_ns() + ms * CLOCK_NS_PER_MS;
    struct timespec until = {.tv_sec = until_ns / CLOCK_NS_PER_S,
                             .tv_nsec = until_ns % CLOCK_NS_PER_S};
    bool is_ending = false;

    WITH_LOCK (&follower->lock) {
        int result = 0;

        while (!follower->is_ending && result == 0) {
            result = pthread_cond_timedwait(&follower->wake, &follower->lock, &until);
            CHECK(result == 0 || result == ETIMEDOUT);
        }
        is_ending = follower->is_ending;
    }
    return !is_ending;
}

static void *
follower_run(void *arg)
{
    struct etcd_follower *follower = arg;
    unsigned failure_count = 0;
    int64_t pause_ms = 0;

    affinity_set(AFFINITY_WORKER, "etcd-watch");
    while (wait_for_ms(follower, pause_ms)) {
        int64_t began_ns = clock_monotonic_ns();
        struct error err = ERROR_INIT;
        enum status st;

        follower->has_heard = false;
        if (follower->must_read) {
            st = read_all(follower, ETCD_ATTEMPT_TIMEOUT_MS, &err);
            follower->must_read = st != ST_OK;
        } else {
            st = watch_once(follower, &err);
        }
        if (st == ST_OK) {
            pause_ms = 0;
            continue;
        }
        /* A watch that is taken and ended at once, again and again, must not become a storm. */
        failure_count = follower->has_heard && clock_monotonic_ns() - began_ns > STEADY_NS
                            ? 0
                            : failure_count + 1;
        pause_ms = etcd_backoff_ms(failure_count);
        /* A single lost connection is daily life; that no member answers is not. */
        if (failure_count > etcd_client_member_count(follower->client) && !follower->has_heard &&
            !follower->is_lost) {
            follower->is_lost = true;
            log_warn(NULL, "etcd_lost", "no changes of control values come from etcd: %s",
                     err.text);
        }
    }
    return NULL;
}

enum status
etcd_follower_open(struct etcd_client *client, struct control_view *view, struct bytes prefix,
                   int64_t timeout_ms, struct etcd_follower **ret_follower, struct error *err)
{
    struct etcd_follower *follower = xcalloc(1, sizeof(*follower));
    pthread_condattr_t attributes;
    enum status st;

    CHECK(prefix.size > 0 && prefix.data[prefix.size - 1] == '/');
    follower->client = client;
    follower->view = view;
    follower->prefix = prefix;
    st = read_all(follower, timeout_ms, err);
    if (st != ST_OK) {
        free(follower);
        return st;
    }
    follower->stopper = http_client_stopper_create();
    CHECK(pthread_mutex_init(&follower->lock, NULL) == 0);
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&follower->wake, &attributes) == 0);
    CHECK(pthread_condattr_destroy(&attributes) == 0);
    CHECK(pthread_create(&follower->thread, NULL, follower_run, follower) == 0);
    *ret_follower = follower;
    return ST_OK;
}

void
etcd_follower_close(struct etcd_follower **take_follower)
{
    struct etcd_follower *follower = *take_follower;

    if (follower == NULL) {
        return;
    }
    WITH_LOCK (&follower->lock) {
        follower->is_ending = true;
        CHECK(pthread_cond_signal(&follower->wake) == 0);
    }
    http_client_stopper_stop(follower->stopper);
    CHECK(pthread_join(follower->thread, NULL) == 0);
    http_client_stopper_destroy(&follower->stopper);
    CHECK(pthread_mutex_destroy(&follower->lock) == 0);
    CHECK(pthread_cond_destroy(&follower->wake) == 0);
    free(follower);
    *take_follower = NULL;
}

bool
etcd_follower_wait(struct etcd_follower *follower, uint64_t revision, int64_t deadline_ns)
{
    int64_t echo_ns = clock_monotonic_ns() + ECHO_TIMEOUT_MS * CLOCK_NS_PER_MS;

    if (control_view_wait(follower->view, revision,
                          echo_ns < deadline_ns ? echo_ns : deadline_ns)) {
        return true;
    }
    atomic_store(&follower->must_replace_watch, true);
    return control_view_wait(follower->view, revision, deadline_ns);
}
