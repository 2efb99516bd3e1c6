/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_redirect.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "native/native_route.h"
#include "object/object_cluster.h"

#include "base/banned.h"

#define OBJECTS_PREFIX "/v1/objects/"

bool
native_redirect_is_probe(const struct native_call *call)
{
    return call->http->is_tls && call->route->body == NATIVE_BODY_STREAMED &&
           native_call_parameter(call, "utm").size == 0 &&
           bytes_equal_ignore_case(http_request_header(call->http, "connection"), "close");
}

bool
native_redirect_is_marked(const struct native_call *call)
{
    return call->native->redirects != NULL &&
           native_call_parameter(call, NATIVE_REDIRECT_PARAMETER).size > 0;
}

static void
put_text(struct buffer *out, struct bytes text)
{
    char size[4];

    encode_u32_be(size, (uint32_t)text.size);
    buffer_append(out, size, sizeof(size));
    buffer_append_bytes(out, text);
}

/* AIStore's SDK over HTTPS adds its own parameters to those of the URL that it was sent to, so that
 * each comes twice.  One that says the same as another before it says nothing: the first counts. */
static bool
is_said_before(const struct native_query *query, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (bytes_equal(query->parameters[i].name, query->parameters[at].name) &&
            bytes_equal(query->parameters[i].value, query->parameters[at].value)) {
            return true;
        }
    }
    return false;
}

/* What is vouched for: method, bucket, object and the parameters, all decoded, because clients may
 * write the same URL with other escapes; each with its length, so that one reading is left. */
static enum status
describe(struct native_call *call, struct buffer *out, struct error *err)
{
    struct bytes object = call->http->path;
    struct bytes bucket;
    struct bytes decoded;
    enum status st;

    if (!bytes_has_prefix(object, BYTES_LITERAL(OBJECTS_PREFIX))) {
        return fail(err, ST_INVALID, "only requests on objects are redirected");
    }
    object = bytes_slice(object, sizeof(OBJECTS_PREFIX) - 1, object.size);
    bucket = bytes_cut(&object, '/');
    put_text(out, call->http->method);
    st = native_decode(bucket, false, call->arena, &decoded, err);
    if (st == ST_OK) {
        put_text(out, decoded);
        st = native_decode(object, false, call->arena, &decoded, err);
    }
    if (st != ST_OK) {
        return st;
    }
    put_text(out, decoded);
    for (size_t i = 0; i < call->query.count; i++) {
        const struct native_parameter *parameter = &call->query.parameters[i];

        /* pid= and utm= are the sender's too, and say nothing here. */
        if (!bytes_equal_string(parameter->name, NATIVE_REDIRECT_PARAMETER) &&
            !bytes_equal_string(parameter->name, "pid") &&
            !bytes_equal_string(parameter->name, "utm") && !is_said_before(&call->query, i)) {
            put_text(out, parameter->name);
            put_text(out, parameter->value);
        }
    }
    return ST_OK;
}

/* ---- at the node that has the key ---- */

enum status
native_redirect_admit(struct native_call *call, struct error *err)
{
    struct bytes text = native_call_parameter(call, NATIVE_REDIRECT_PARAMETER);
    unsigned char computed[PEER_MAC_SIZE];
    struct redirect_mark *mark = &call->mark;
    struct authenticate_vouch vouch = {.mac = mark->mac, .computed = computed};
    struct buffer request = BUFFER_INIT;
    enum status st = redirect_parse(text, call->arena, mark, err);

    if (st == ST_OK) {
        st = describe(call, &request, err);
    }
    if (st == ST_OK) {
        st = redirect_check(call->native->redirects, mark, buffer_bytes(&request), computed, err);
    }
    buffer_release(&request);
    if (st != ST_OK) {
        return st;
    }
    vouch.is_anonymous = mark->is_anonymous;
    vouch.access_key = mark->access_key;
    vouch.has_payload_sha256 = mark->has_payload_sha256;
    memcpy(vouch.payload_sha256, mark->payload_sha256, sizeof(vouch.payload_sha256));
    st = authenticate_vouched(call->native->credentials, &vouch, call->arena, &call->authentication,
                              err);
    call->is_marked = st == ST_OK;
    return st;
}

/* ---- at the node that has not ---- */

static bool
is_write(const struct native_call *call)
{
    return !bytes_equal_string(call->http->method, "GET") &&
           !bytes_equal_string(call->http->method, "HEAD");
}

static enum status
sign(struct native_call *call, const struct native_redirect_target *target, struct bytes *ret_mark,
     struct error *err)
{
    const struct authentication *authentication = &call->authentication;
    struct redirect_mark mark = {
        .to = target->node_id,
        .map_version = target->map_version,
        .is_anonymous = principal_is_anonymous(authentication->principal),
        .access_key = principal_access_key(authentication->principal),
        .has_payload_sha256 = authentication->payload_mode == PAYLOAD_SIGNED,
    };
    struct buffer request = BUFFER_INIT;
    enum status st = describe(call, &request, err);

    memcpy(mark.payload_sha256, authentication->payload_sha256, sizeof(mark.payload_sha256));
    if (st == ST_OK) {
        st = redirect_sign(call->native->redirects, &mark, is_write(call), buffer_bytes(&request),
                           call->arena, ret_mark, err);
    }
    buffer_release(&request);
    return st;
}

/* The parameters as they came, without marks of a node that sent the client here. */
static struct bytes
own_query(const struct native_call *call)
{
    struct buffer out = BUFFER_INIT;
    struct bytes rest = call->http->query;
    struct bytes copy;

    while (rest.size > 0) {
        struct bytes parameter = bytes_cut(&rest, '&');
        struct bytes name = parameter;

        name = bytes_cut(&name, '=');
        if (parameter.size > 0 && !bytes_equal_string(name, NATIVE_REDIRECT_PARAMETER) &&
            !bytes_equal_string(name, "pid") && !bytes_equal_string(name, "utm")) {
            buffer_append_bytes(&out, parameter);
            buffer_append_char(&out, '&');
        }
    }
    copy = arena_copy(call->arena, buffer_bytes(&out));
    buffer_release(&out);
    return copy;
}

static void
answer(struct native_call *call, const struct native_redirect_target *target, struct bytes mark)
{
    struct bytes query = own_query(call);
    bool is_get = bytes_equal_string(call->http->method, "GET");
    struct bytes location =
        arena_printf_bytes(call->arena, "%.*s%.*s?%.*spid=%s&utm=%" PRId64 "%s%.*s",
                           BYTES_ARGS(target->url), BYTES_ARGS(call->http->path), (int)query.size,
                           query.size > 0 ? query.data : "", call->native->node_id, clock_wall_ns(),
                           mark.size > 0 ? "&" NATIVE_REDIRECT_PARAMETER "=" : "", (int)mark.size,
                           mark.size > 0 ? mark.data : "");

    native_call_reset(call);
    native_reply_header(call, "Location", location);
    call->reply.http_status = is_get ? 301 : 307;
    native_call_answer(call);
}

void
native_redirect_answer(struct native_call *call, const struct native_redirect_target *target)
{
    struct error err = ERROR_INIT;
    struct bytes mark = BYTES_NONE;

    if (call->native->redirects != NULL && sign(call, target, &mark, &err) != ST_OK) {
        native_call_answer_error(call, &err);
        return;
    }
    answer(call, target, mark);
}

void
native_redirect_answer_self(struct native_call *call)
{
    const struct object_cluster *cluster = object_store_cluster(call->native->objects);
    struct native_redirect_target target = {
        .node_id = bytes_of_string(call->native->node_id),
        .url = arena_printf_bytes(call->arena, "%s://%.*s", call->http->is_tls ? "https" : "http",
                                  BYTES_ARGS(call->http->host)),
    };

    if (cluster != NULL) {
        struct cluster_map *map = cluster->get_map(cluster->arg);

        target.map_version = map->version;
        cluster_map_unref(map);
    }
    native_redirect_answer(call, &target);
}
