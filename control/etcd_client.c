/* SPDX-License-Identifier: Apache-2.0 */
#include "control/etcd_client.h"

#include <stdatomic.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/entropy.h"
#include "base/memory.h"
#include "control/etcd_json.h"
#include "control/etcd_metrics.h"

#include "base/banned.h"

/* grpc/codes.proto */
enum {
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_NOT_FOUND = 5,
    GRPC_PERMISSION_DENIED = 7,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_OUT_OF_RANGE = 11,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_UNAUTHENTICATED = 16
};

struct etcd_client {
    struct http_client *http;
    char *urls[ETCD_ENDPOINT_COUNT_MAX];
    size_t count;
    _Atomic size_t member;
    _Atomic int64_t hurried_ns;      /* monotonic, since when there is hurry; 0: none */
    _Atomic size_t hurried_failures; /* since then, one after the other */
};

/* Pauses are slept in steps, and requests looked after so often, to notice the hurry. */
#define PAUSE_STEP_NS (50 * CLOCK_NS_PER_MS)
#define HURRY_TICK_MS 100

/* ---- endpoints ---- */

static bool
is_loopback(struct bytes host)
{
    return bytes_equal_ignore_case(host, "localhost") || bytes_equal_string(host, "[::1]") ||
           (bytes_has_prefix(host, BYTES_LITERAL("127.")) &&
            bytes_find(host, 0, BYTES_LITERAL("..")) == SIZE_MAX &&
            strspn(host.data, "0123456789.") >= host.size);
}

/* "http://127.0.0.1:2379" or the like: scheme, host and port alone. */
static enum status
check_endpoint(struct bytes url, bool is_insecure_allowed, struct error *err)
{
    bool is_plain = bytes_has_prefix(url, BYTES_LITERAL("http://"));
    bool is_tls = bytes_has_prefix(url, BYTES_LITERAL("https://"));
    struct bytes rest = bytes_slice(url, is_plain ? 7 : is_tls ? 8 : 0, url.size);
    struct bytes host = rest;
    size_t port = bytes_find_char(rest, 0, ':');

    if (bytes_has_prefix(rest, BYTES_LITERAL("["))) {
        size_t end = bytes_find_char(rest, 0, ']');

        host = bytes_slice(rest, 0, end < rest.size ? end + 1 : 0);
    } else if (port < rest.size) {
        host = bytes_slice(rest, 0, port);
    }
    if ((!is_plain && !is_tls) || host.size == 0 || bytes_find_char(rest, 0, '/') < rest.size ||
        bytes_find_char(rest, 0, '@') < rest.size) {
        return fail(err, ST_INVALID,
                    "'%.*s' is no address of etcd; it is of the form https://HOST:PORT",
                    BYTES_ARGS(url));
    }
    if (is_plain && !is_loopback(host) && !is_insecure_allowed) {
        return fail(err, ST_INVALID,
                    "%.*s is plain HTTP to another machine: whoever can read or change etcd's "
                    "traffic owns the cluster; use https://, or allow it with --insecure-etcd",
                    BYTES_ARGS(url));
    }
    return ST_OK;
}

static enum status
read_endpoints(struct etcd_client *client, const struct control_etcd_options *options,
               struct error *err)
{
    struct bytes rest = bytes_of_string(options->endpoints);

    while (rest.size > 0) {
        struct bytes url = bytes_trim(bytes_cut(&rest, ','));
        enum status st;

        while (bytes_has_suffix(url, BYTES_LITERAL("/")) &&
               !bytes_has_suffix(url, BYTES_LITERAL("//"))) {
            url.size--;
        }
        st = check_endpoint(url, options->is_insecure_allowed, err);
        if (st != ST_OK) {
            return st;
        }
        if (client->count == ETCD_ENDPOINT_COUNT_MAX) {
            return fail(err, ST_INVALID, "more than %d addresses of etcd", ETCD_ENDPOINT_COUNT_MAX);
        }
        client->urls[client->count++] = bytes_to_string(url);
    }
    return client->count > 0 ? ST_OK : fail(err, ST_INVALID, "no address of etcd is given");
}

enum status
etcd_client_create(const struct control_etcd_options *options, struct etcd_client **ret_client,
                   struct error *err)
{
    struct etcd_client *client = xcalloc(1, sizeof(*client));
    struct http_client_options http = {.ca_file = options->ca_file,
                                       .certificate_file = options->certificate_file,
                                       .key_file = options->key_file};
    enum status st = read_endpoints(client, options, err);

    if (st == ST_OK && (options->certificate_file == NULL) != (options->key_file == NULL)) {
        st = fail(err, ST_INVALID, "certificate and key for etcd must be given together");
    }
    if (st == ST_OK) {
        st = http_client_create(&http, &client->http, err);
    }
    if (st != ST_OK) {
        etcd_client_destroy(&client);
        return st;
    }
    *ret_client = client;
    return ST_OK;
}

void
etcd_client_destroy(struct etcd_client **take_client)
{
    struct etcd_client *client = *take_client;

    if (client == NULL) {
        return;
    }
    http_client_destroy(&client->http);
    for (size_t i = 0; i < client->count; i++) {
        free(client->urls[i]);
    }
    free(client);
    *take_client = NULL;
}

struct http_client *
etcd_client_http(struct etcd_client *client)
{
    return client->http;
}

size_t
etcd_client_member(struct etcd_client *client)
{
    return atomic_load(&client->member);
}

const char *
etcd_client_url(struct etcd_client *client, size_t member)
{
    CHECK(member < client->count);
    return client->urls[member];
}

size_t
etcd_client_member_count(const struct etcd_client *client)
{
    return client->count;
}

void
etcd_client_leave(struct etcd_client *client, size_t member)
{
    size_t expected = member;

    atomic_compare_exchange_strong(&client->member, &expected, (member + 1) % client->count);
}

/* ---- calls ---- */

static enum status
translate_error(struct bytes body, const char *path, struct error *err)
{
    static const struct bytes TOO_LARGE = {"large", 5};
    static const struct bytes NO_SPACE = {"space", 5};
    struct arena arena = ARENA_INIT;
    struct etcd_error error;
    enum status st = ST_UNAVAILABLE;

    etcd_json_error(body, &arena, &error);
    switch (error.code) {
    case GRPC_NOT_FOUND:
        st = ST_NOT_FOUND;
        break;
    case GRPC_OUT_OF_RANGE:
        st = ST_PRECONDITION;
        break;
    case GRPC_PERMISSION_DENIED:
    case GRPC_UNAUTHENTICATED:
        st = ST_DENIED;
        break;
    case GRPC_INVALID_ARGUMENT:
    case GRPC_UNIMPLEMENTED:
        st = bytes_find(error.message, 0, TOO_LARGE) != SIZE_MAX ? ST_TOO_LARGE : ST_INVALID;
        break;
    case GRPC_RESOURCE_EXHAUSTED: /* also "too many requests": then again later */
        st = bytes_find(error.message, 0, NO_SPACE) != SIZE_MAX    ? ST_NO_SPACE
             : bytes_find(error.message, 0, TOO_LARGE) != SIZE_MAX ? ST_TOO_LARGE
                                                                   : ST_UNAVAILABLE;
        break;
    default:
        break;
    }
    st = fail(err, st, "etcd refused %s: %.*s", path, BYTES_ARGS(error.message));
    arena_release(&arena);
    return st;
}

/* Of a request that began before there was hurry. */
static bool
may_go_on(void *arg)
{
    const struct etcd_client *client = arg;
    int64_t hurried_ns = atomic_load(&client->hurried_ns);

    return hurried_ns == 0 ||
           clock_monotonic_ns() < hurried_ns + CONTROL_HURRY_MS * CLOCK_NS_PER_MS;
}

enum status
etcd_client_try(struct etcd_client *client, size_t member, const char *path, struct bytes body,
                int64_t timeout_ms, struct buffer *ret_body, bool *ret_may_have_effect,
                struct error *err)
{
    static const char *const HEADERS[] = {"Content-Type: application/json"};
    char *url = xasprintf("%s%s", client->urls[member], path);
    struct http_client_request request = {.url = url,
                                          .headers = HEADERS,
                                          .header_count = ARRAY_COUNT(HEADERS),
                                          .body = body,
                                          .timeout_ms = timeout_ms,
                                          .answer_bytes_max = ETCD_ANSWER_BYTES_MAX,
                                          .tick_ms = HURRY_TICK_MS,
                                          .arg = client};
    struct http_client_answer answer = HTTP_CLIENT_ANSWER_INIT;
    bool is_hurried = atomic_load(&client->hurried_ns) != 0;
    enum status st;

    if (is_hurried && atomic_load(&client->hurried_failures) >= client->count) {
        free(url);
        *ret_may_have_effect = false;
        return fail(err, ST_UNAVAILABLE, "this node ends, and etcd does not answer");
    }
    if (is_hurried) {
        request.timeout_ms = timeout_ms < CONTROL_HURRY_MS ? timeout_ms : CONTROL_HURRY_MS;
    } else {
        request.tick = may_go_on;
    }
    st = http_client_run(client->http, &request, &answer, err);
    metric_add(&etcd_metrics[ETCD_REQUESTS], 1);
    *ret_may_have_effect = !answer.was_never_sent;
    if (st == ST_OK && answer.code != 200) {
        st = translate_error(buffer_bytes(&answer.body), path, err);
    } else if (st == ST_TIMEOUT || st == ST_CLOSED || st == ST_CANCELLED) {
        st = ST_UNAVAILABLE;
    }
    if (st == ST_UNAVAILABLE && atomic_load(&client->hurried_ns) != 0) {
        atomic_fetch_add(&client->hurried_failures, 1);
    } else if (st != ST_UNAVAILABLE) {
        atomic_store(&client->hurried_failures, 0);
    }
    if (st == ST_UNAVAILABLE || st == ST_DENIED) {
        metric_add(&etcd_metrics[ETCD_FAILURES], 1);
        etcd_client_leave(client, member);
    }
    if (st == ST_OK) {
        *ret_body = answer.body;
    } else {
        buffer_release(&answer.body);
    }
    free(url);
    return st;
}

enum status
etcd_client_call(struct etcd_client *client, const char *path, struct bytes body,
                 int64_t timeout_ms, struct buffer *ret_body, struct error *err)
{
    int64_t deadline_ns = clock_monotonic_ns() + timeout_ms * CLOCK_NS_PER_MS;
    /* Even a short time should be enough for two members. */
    int64_t attempt_ms =
        timeout_ms / 2 < ETCD_ATTEMPT_TIMEOUT_MS ? timeout_ms / 2 + 1 : ETCD_ATTEMPT_TIMEOUT_MS;
    bool may_have_effect;
    enum status st;
    unsigned n = 0;

    do {
        st = etcd_client_try(client, etcd_client_member(client), path, body, attempt_ms, ret_body,
                             &may_have_effect, err);
        n++;
    } while ((st == ST_UNAVAILABLE || (st == ST_DENIED && n < client->count)) &&
             etcd_client_pause(client, n - 1, deadline_ns));
    return st;
}

int64_t
etcd_backoff_ms(unsigned n)
{
    int64_t pause_ms = ETCD_BACKOFF_MIN_MS;

    while (n-- > 0 && pause_ms < ETCD_BACKOFF_MAX_MS) {
        pause_ms *= 2;
    }
    if (pause_ms > ETCD_BACKOFF_MAX_MS) {
        pause_ms = ETCD_BACKOFF_MAX_MS;
    }
    return pause_ms / 2 + (int64_t)(entropy_u64() % (uint64_t)(pause_ms / 2 + 1));
}

bool
etcd_client_pause(const struct etcd_client *client, unsigned n, int64_t deadline_ns)
{
    int64_t left_ns = etcd_backoff_ms(n) * CLOCK_NS_PER_MS;

    if (clock_monotonic_ns() + left_ns >= deadline_ns) {
        return false;
    }
    while (left_ns > 0 && atomic_load(&client->hurried_ns) == 0) {
        clock_pause_ns(left_ns < PAUSE_STEP_NS ? left_ns : PAUSE_STEP_NS);
        left_ns -= PAUSE_STEP_NS;
    }
    /* In a hurry each member is asked once, without pauses. */
    return atomic_load(&client->hurried_ns) == 0 ||
           atomic_load(&client->hurried_failures) < client->count;
}

void
etcd_client_hurry(struct etcd_client *client)
{
    int64_t none = 0;

    atomic_compare_exchange_strong(&client->hurried_ns, &none, clock_monotonic_ns());
}

void
etcd_append_base64(struct buffer *out, struct bytes first, struct bytes second)
{
    struct buffer joined = BUFFER_INIT;
    char *place;

    buffer_append_bytes(&joined, first);
    buffer_append_bytes(&joined, second);
    place = buffer_reserve(out, ENCODE_BASE64_SIZE(joined.size) + 1);
    encode_base64(buffer_bytes(&joined), place);
    out->size += ENCODE_BASE64_SIZE(joined.size);
    if (joined.data != NULL) {
        memory_wipe(joined.data, joined.size);
    }
    buffer_release(&joined);
}
