/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/peer_client.h"

#include <stdio.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "cluster/peer_patience.h"
#include "net/http_caller.h"

#include "base/banned.h"

/* An answer is read in pieces of this size. */
#define READ_BYTES ((size_t)64 << 10)

/* Signature and length of the head. */
#define HEADER_COUNT 2

struct peer_client {
    struct peer_identity *identity;
    struct peer_patience *patience;
    struct http_caller *caller;
    struct host_resolver *resolver;
    struct tls_context *tls;
    bool is_clear_allowed;
    void (*catch_up)(void *arg, uint64_t revision);
    void *arg;
};

struct peer_client *
peer_client_create(const struct peer_client_options *options)
{
    struct peer_client *client = xcalloc(1, sizeof(*client));

    client->identity = options->identity;
    client->patience = peer_patience_create(options->waiting_max, PEER_RETRY_INTERVAL_MS);
    client->caller = http_caller_create();
    client->resolver = host_resolver_create(NULL);
    client->tls = options->tls;
    client->is_clear_allowed = options->is_clear_allowed;
    client->catch_up = options->catch_up;
    client->arg = options->arg;
    return client;
}

void
peer_client_destroy(struct peer_client **take_client)
{
    struct peer_client *client = *take_client;

    if (client == NULL) {
        return;
    }
    *take_client = NULL;
    http_caller_destroy(&client->caller);
    host_resolver_destroy(&client->resolver);
    peer_patience_destroy(&client->patience);
    free(client);
}

/* Address, path, head and its signature, as both kinds of request send them. */
struct envelope {
    struct wire_options wire;
    struct bytes path;
    struct bytes prefix;
    struct http_header headers[HEADER_COUNT];
};

static enum status
prepare(struct peer_client *client, const char *verb, struct bytes address,
        const struct peer_head *head, struct arena *arena, struct envelope *ret_envelope,
        struct error *err)
{
    struct buffer prefix = BUFFER_INIT;
    enum status st = host_address_check(address, err);

    if (st != ST_OK) {
        return st;
    }
    ret_envelope->wire = (struct wire_options){.host = address,
                                               .resolver = client->resolver,
                                               .tls = client->tls,
                                               .is_local_only = !client->is_clear_allowed};
    peer_head_write(head, &prefix);
    ret_envelope->prefix = arena_copy(arena, buffer_bytes(&prefix));
    buffer_release(&prefix);
    if (ret_envelope->prefix.size > PEER_HEAD_BYTES_MAX) {
        return fail(err, ST_TOO_LARGE, "The head for a peer has %zu bytes, the limit is %zu",
                    ret_envelope->prefix.size, PEER_HEAD_BYTES_MAX);
    }
    ret_envelope->path = arena_printf_bytes(arena, PEER_PATH_PREFIX "%s", verb);
    ret_envelope->headers[0].name = BYTES_LITERAL(PEER_SIGNATURE_HEADER);
    ret_envelope->headers[1].name = BYTES_LITERAL(PEER_HEAD_HEADER);
    ret_envelope->headers[1].value = arena_printf_bytes(arena, "%zu", ret_envelope->prefix.size);
    return peer_sign(client->identity, ret_envelope->path, ret_envelope->prefix, arena,
                     &ret_envelope->headers[0].value, err);
}

/* Once for many requests that fail for the same reason.  An answer ends it. */
static void
complain(struct peer_client *client, struct bytes node_id, enum status st, const char *sentence)
{
    bool is_closed = st == ST_CLOSED;

    if (sentence != NULL && (st == ST_UNAVAILABLE || st == ST_INVALID || is_closed) &&
        peer_patience_may_complain(client->patience, node_id, sentence,
                                   PEER_COMPLAINT_INTERVAL_MS)) {
        log_warn(NULL, "peer_unreachable", "Node %.*s: %s%s", BYTES_ARGS(node_id), sentence,
                 is_closed && client->tls == NULL ? " (Does it demand TLS?)" : "");
    }
}

/* ---- calls ---- */

/* The binary answer in front of the body. */
static enum status
read_answer(const struct http_call_result *http, struct arena *arena,
            struct peer_answer *ret_answer, struct error *err)
{
    uint64_t size = 0;
    char *bytes;
    size_t at = 0;

    if (bytes_parse_u64(http_answer_header(&http->head, PEER_ANSWER_HEADER), PEER_HEAD_BYTES_MAX,
                        &size) != ST_OK ||
        size == 0 || http->body == NULL) {
        /* 503: its listener is full, or the node is about to end.  Never the client's fault. */
        return fail(err, ST_UNAVAILABLE,
                    http->head.status == 503
                        ? "The node takes no requests now (status %d)"
                        : "What answers with status %d is no node of a cluster",
                    http->head.status);
    }
    bytes = arena_alloc(arena, (size_t)size);
    while (at < size) {
        size_t part = 0;
        enum status st =
            source_read(http->body, READ_MAY_WAIT, bytes + at, (size_t)size - at, &part, err);

        if (st == ST_OK && part == 0) {
            st = fail(err, ST_CLOSED, "The answer of a node is cut");
        }
        if (st != ST_OK) {
            return st;
        }
        at += part;
    }
    return peer_answer_read(bytes_of(bytes, (size_t)size), ret_answer, err);
}

struct peer_pending {
    struct peer_client *client;
    struct http_call *call;
    bool is_counted; /* among those that wait */
    size_t id_size;
    char id[];
};

static enum status
send_call(struct peer_client *client, const struct peer_call_options *options, struct arena *arena,
          struct http_call **ret_call, struct error *err)
{
    struct peer_head head = options->head;
    struct http_call_options call_options = {
        .header_count = HEADER_COUNT,
        .rest = options->body,
        .payload = options->payload,
        .payload_size = options->payload_size,
        .timeout_ms = options->timeout_ms != 0 ? options->timeout_ms : PEER_CALL_TIMEOUT_MS,
    };
    struct envelope envelope;
    enum status st;

    head.to = options->node_id;
    head.has_payload = options->payload != NULL || options->body.size != 0;
    head.deadline_ms = (uint64_t)call_options.timeout_ms;
    st = prepare(client, options->verb, options->address, &head, arena, &envelope, err);
    if (st != ST_OK) {
        return st;
    }
    call_options.wire = envelope.wire;
    call_options.path = envelope.path;
    call_options.headers = envelope.headers;
    call_options.prefix = envelope.prefix;
    return http_caller_begin(client->caller, &call_options, arena, ret_call, err);
}

enum status
peer_call_begin(struct peer_client *client, const struct peer_call_options *options,
                struct arena *arena, struct peer_pending **ret_pending, struct error *err)
{
    struct peer_pending *pending;
    struct http_call *call = NULL;
    bool is_counted = !options->is_apart;
    enum status st;

    assert_on_worker();
    if (options->head.bucket_revision == PEER_BUCKET_GONE) {
        return fail(err, ST_NO_SUCH_BUCKET, "the bucket was deleted meanwhile");
    }
    st = peer_patience_enter(client->patience, options->node_id, is_counted, err);
    if (st != ST_OK) {
        return st;
    }
    st = send_call(client, options, arena, &call, err);
    if (st != ST_OK) {
        complain(client, options->node_id, st, err != NULL ? err->text : NULL);
        peer_patience_leave(client->patience, options->node_id, is_counted, st);
        return st;
    }
    pending = xcalloc(1, sizeof(*pending) + options->node_id.size);
    pending->client = client;
    pending->call = call;
    pending->is_counted = is_counted;
    pending->id_size = options->node_id.size;
    memcpy(pending->id, options->node_id.data, pending->id_size);
    *ret_pending = pending;
    return ST_OK;
}

static void
end_pending(struct peer_pending **take_pending, enum status outcome)
{
    struct peer_pending *pending = *take_pending;

    *take_pending = NULL;
    http_caller_cancel(&pending->call);
    peer_patience_leave(pending->client->patience, bytes_of(pending->id, pending->id_size),
                        pending->is_counted, outcome);
    free(pending);
}

void
peer_call_cancel(struct peer_pending **take_pending)
{
    if (*take_pending != NULL) {
        end_pending(take_pending, ST_CANCELLED);
    }
}

/* The codes of dialects that verbs answer with; errors name static ones only. */
static const char *
code_of(struct bytes code)
{
    static const char *const CODES[] = {"InvalidRequest", "InvalidArgument", "InvalidPartNumber"};

    for (size_t i = 0; i < ARRAY_COUNT(CODES); i++) {
        if (bytes_equal_string(code, CODES[i])) {
            return CODES[i];
        }
    }
    return NULL;
}

/* Clocks, keys and ids of nodes are not the fault of the client whose request this is. */
static enum status
status_for_client(enum status st)
{
    return st == ST_DENIED ? ST_UNAVAILABLE : st;
}

/* Who is refused asks again, by then with what the other node knows. */
static void
catch_up(struct peer_client *client, const struct peer_answer *answer)
{
    if (answer->status == ST_MOVED && answer->bucket_revision != 0 && client->catch_up != NULL) {
        client->catch_up(client->arg, answer->bucket_revision);
    }
}

enum status
peer_call_finish(struct peer_pending **take_pending, struct arena *arena,
                 struct peer_call_result *ret_result, struct error *err)
{
    struct peer_call_result result = {.payload = NULL};
    struct http_call_result http = {.body = NULL};
    enum status st = http_caller_finish(&(*take_pending)->call, arena, &http, err);

    if (st == ST_OK) {
        st = read_answer(&http, arena, &result.answer, err);
    }
    if (st == ST_OK && result.answer.status == ST_OK) {
        result.payload = http.body;
        http.body = NULL;
    }
    source_release(&http.body);
    catch_up((*take_pending)->client, &result.answer);
    if (st != ST_OK) {
        complain((*take_pending)->client, bytes_of((*take_pending)->id, (*take_pending)->id_size),
                 st, err != NULL ? err->text : NULL);
    }
    end_pending(take_pending, st);
    if (st != ST_OK) {
        return st;
    }
    result.answer.status = status_for_client(result.answer.status);
    *ret_result = result;
    if (result.answer.status != ST_OK) {
        return fail_as(err, result.answer.status, code_of(result.answer.dialect_code), "%.*s",
                       BYTES_ARGS(result.answer.sentence));
    }
    return ST_OK;
}

enum status
peer_call_read_all(struct peer_call_result *result, size_t size_max, struct buffer *out,
                   struct error *err)
{
    size_t size = 1;

    while (result->payload != NULL && size != 0) {
        char *room = buffer_reserve(out, READ_BYTES);
        enum status st = source_read(result->payload, READ_MAY_WAIT, room, READ_BYTES, &size, err);

        if (st != ST_OK) {
            return st;
        }
        out->size += size;
        if (out->size > size_max) {
            return fail(err, ST_UNAVAILABLE, "The answer of a node is larger than any");
        }
    }
    return ST_OK;
}

enum status
peer_call(struct peer_client *client, const struct peer_call_options *options, struct arena *arena,
          struct peer_call_result *ret_result, struct error *err)
{
    struct peer_pending *pending;
    enum status st = peer_call_begin(client, options, arena, &pending, err);

    return st == ST_OK ? peer_call_finish(&pending, arena, ret_result, err) : st;
}

/* ---- relays ---- */

struct relay {
    struct peer_client *client;
    struct peer_relay_options options;
    peer_relay_fn *done;
    bool is_read; /* GET or HEAD: doing it twice does no harm */
    bool is_repeated;
};

static void
take_refusal(const struct http_answer_head *answer, struct peer_relay_result *result)
{
    struct bytes refusal = http_answer_header(answer, PEER_REFUSED_HEADER);

    if (refusal.data == NULL) {
        return;
    }
    result->status = status_for_client(status_of_name(refusal.data, refusal.size));
    if (result->status == ST_OK) {
        result->status = ST_INTERNAL;
    }
    result->sentence = "The node that has to answer refused the request.";
    result->answer = NULL;
    if (bytes_parse_u64(http_answer_header(answer, PEER_MAP_HEADER), UINT64_MAX,
                        &result->map_version) != ST_OK) {
        result->map_version = 0;
    }
    if (bytes_parse_u64(http_answer_header(answer, PEER_BUCKET_HEADER), UINT64_MAX,
                        &result->bucket_revision) != ST_OK) {
        result->bucket_revision = 0;
    }
}

/* The outcome of an exchange that broke is unknown, unless it is a read, or its payload was never
 * asked for. */
static bool
may_repeat(const struct http_exchange *exchange, const struct relay *relay, enum status st)
{
    return http_exchange_may_relay_again(exchange) &&
           (relay->is_read || st == ST_UNAVAILABLE || http_exchange_request(exchange)->has_body);
}

static enum status start(struct relay *relay, struct http_exchange *exchange, struct error *err);

static void
on_answer(struct http_exchange *exchange, const struct http_relay_result *http)
{
    struct relay *relay = http->arg;
    struct peer_relay_result result = {
        .status = http->status,
        .sentence = http->sentence,
        .is_client_at_fault = http->is_client_at_fault,
        .answer = http->answer,
        .arg = relay->options.arg,
    };

    if (!http->is_client_at_fault) {
        peer_patience_leave(relay->client->patience, relay->options.node_id, false, http->status);
    }
    if (http->status == ST_OK) {
        take_refusal(http->answer, &result);
        result.may_repeat = result.status != ST_OK && http_exchange_may_relay_again(exchange);
    } else if (!http->is_client_at_fault) {
        result.may_repeat = may_repeat(exchange, relay, http->status);
    }
    /* A connection that was kept may have ended at the very moment. */
    if (http->status == ST_CLOSED && result.may_repeat && !relay->is_repeated) {
        relay->is_repeated = true;
        if (start(relay, exchange, NULL) == ST_OK) {
            return;
        }
    }
    if (!http->is_client_at_fault) {
        complain(relay->client, relay->options.node_id, http->status, http->sentence);
    }
    relay->done(exchange, &result);
}

static enum status
start(struct relay *relay, struct http_exchange *exchange, struct error *err)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct arena *arena = http_exchange_arena(exchange);
    struct peer_head head = relay->options.head;
    struct http_relay_options options = {
        .header_count = HEADER_COUNT,
        .is_fresh = relay->is_repeated,
        .arg = relay,
    };
    struct envelope *envelope = arena_calloc(arena, 1, sizeof(*envelope));
    enum status st;

    head.to = relay->options.node_id;
    head.has_payload = request->has_body;
    head.deadline_ms = PEER_CALL_TIMEOUT_MS;
    head.request_id = bytes_of_string(request->id);
    head.is_relay = true;
    head.relayed = (struct peer_relayed){
        .method = request->method,
        .path = request->path,
        .query = request->query,
        .host = request->host,
        .client_address = request->peer_address,
        .is_tls = request->is_tls,
        .headers = request->headers,
        .header_count = request->header_count,
    };
    st = peer_patience_enter(relay->client->patience, relay->options.node_id, false, err);
    if (st != ST_OK) {
        return st;
    }
    st = prepare(relay->client, "s3", relay->options.address, &head, arena, envelope, err);
    if (st != ST_OK) {
        complain(relay->client, relay->options.node_id, st, err != NULL ? err->text : NULL);
        return st;
    }
    options.wire = envelope->wire;
    options.path = envelope->path;
    options.headers = envelope->headers;
    options.prefix = envelope->prefix;
    http_exchange_relay(exchange, &options, on_answer);
    return ST_OK;
}

enum status
peer_relay(struct peer_client *client, struct http_exchange *exchange,
           const struct peer_relay_options *options, peer_relay_fn *done, struct error *err)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct relay *relay = arena_calloc(http_exchange_arena(exchange), 1, sizeof(*relay));

    relay->client = client;
    relay->options = *options;
    relay->done = done;
    relay->is_read =
        bytes_equal_string(request->method, "GET") || bytes_equal_string(request->method, "HEAD");
    return start(relay, exchange, err);
}
