/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_intake.h"

#include "base/check.h"

#include "base/banned.h"

enum status
native_intake_open(struct native_call *call, struct object_put_options *options, struct error *err)
{
    enum status st = native_call_check_object_name(call->object_name, err);

    if (st == ST_OK) {
        st = native_call_open_bucket(call, ACTION_PUT_OBJECT, err);
    }
    if (st != ST_OK) {
        return st;
    }
    options->key = call->object_name;
    options->size = call->http->has_body ? (call->http->content_length == HTTP_LENGTH_UNKNOWN
                                                ? OBJECT_SIZE_UNKNOWN
                                                : call->http->content_length)
                                         : 0;
    if (call->authentication.payload_mode == PAYLOAD_SIGNED) {
        options->expectation.has_payload_sha256 = true;
        memcpy(options->expectation.payload_sha256, call->authentication.payload_sha256, 32);
    }
    return ST_OK;
}

static enum status
ensure_put(struct native_intake *intake, struct error *err)
{
    const struct native_put_options *native = intake->options.native;

    if (intake->call->put != NULL) {
        return ST_OK;
    }
    if (intake->call->is_marked && (native == NULL || native->type == NATIVE_CHECKSUM_NONE)) {
        intake->is_hashed = true;
        hash_stream_init(&intake->hash, 0);
    }
    return object_put_open(&intake->call->bucket, &intake->options, &intake->call->put, err);
}

enum status
native_intake_write(struct sink *sink, struct bytes data, struct error *err)
{
    struct native_intake *intake = (struct native_intake *)sink;
    enum status st = ensure_put(intake, err);

    if (intake->is_hashed) {
        hash_stream_update(&intake->hash, data);
    }
    return st == ST_OK ? sink_write(object_put_sink(intake->call->put), data, err) : st;
}

/* For native_repeat.h. */
static uint64_t
digest_of_body(const struct native_intake *intake)
{
    const struct native_checksum *checksum;

    if (intake->is_hashed) {
        return hash_stream_value(&intake->hash);
    }
    checksum = object_put_native_checksum(intake->call->put);
    return hash_bytes(bytes_of(checksum->value, checksum->size), 0);
}

enum status
native_intake_finish(struct sink *sink, struct error *err)
{
    struct native_intake *intake = (struct native_intake *)sink;
    enum status st = ensure_put(intake, err);

    if (st == ST_OK) {
        st = sink_finish(object_put_sink(intake->call->put), err);
    }
    if (st == ST_OK && intake->call->is_marked) {
        intake->call->body_digest = digest_of_body(intake);
    }
    return st;
}

void
native_intake_release(struct sink *sink)
{
    (void)sink; /* the call ends its put */
}

static const struct sink_ops OPS = {native_intake_write, native_intake_finish,
                                    native_intake_release};

struct native_intake *
native_intake_create(struct native_call *call)
{
    struct native_intake *intake = arena_calloc(call->arena, 1, sizeof(*intake));

    intake->sink.ops = &OPS;
    intake->call = call;
    call->sink = &intake->sink;
    return intake;
}
