/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/redirect_signature.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/entropy.h"
#include "base/memory.h"
#include "cluster/cluster_map.h"
#include "cluster/peer_replay.h"
#include "cluster/redirect_outcomes.h"

#include "base/banned.h"

#define LABEL "LODE-REDIRECT-1"
/* Form of the text; another release's is refused. */
#define FORM "1"
#define SESSION_BYTES 16
#define NOBODY "-"

struct redirect_signer {
    struct peer_identity *identity;
    unsigned char session[SESSION_BYTES];
    _Atomic uint64_t count;
    int64_t started_ms; /* wall clock */
    struct peer_replay *replay;
    struct redirect_outcomes *outcomes;
};

struct redirect_signer *
redirect_signer_create(struct peer_identity *identity)
{
    struct redirect_signer *signer = xcalloc(1, sizeof(*signer));

    signer->identity = identity;
    entropy_fill(signer->session, sizeof(signer->session));
    signer->started_ms = clock_wall_ns() / CLOCK_NS_PER_MS;
    /* A mark is valid for the window before and behind the receiver's clock. */
    signer->replay = peer_replay_create(3 * REDIRECT_VALID_MS);
    signer->outcomes = redirect_outcomes_create(2 * REDIRECT_VALID_MS);
    return signer;
}

void
redirect_signer_destroy(struct redirect_signer **take_signer)
{
    struct redirect_signer *signer = *take_signer;

    if (signer != NULL) {
        *take_signer = NULL;
        peer_replay_destroy(&signer->replay);
        redirect_outcomes_destroy(&signer->outcomes);
        free(signer);
    }
}

static void
append_hex(struct buffer *out, const void *data, size_t size)
{
    char hex[2 * REDIRECT_ACCESS_KEY_BYTES_MAX + 1];

    CHECK(2 * size < sizeof(hex));
    encode_hex(bytes_of(data, size), hex);
    buffer_append_string(out, hex);
}

/* All but the mac. */
static void
append_statement(const struct redirect_mark *mark, struct buffer *out)
{
    buffer_printf(out, FORM ".%" PRIu64 ".%.*s.%.*s.%" PRIu64 ".%" PRId64 ".", mark->key_number,
                  BYTES_ARGS(mark->from), BYTES_ARGS(mark->to), mark->map_version, mark->signed_ms);
    append_hex(out, mark->session, sizeof(mark->session));
    buffer_printf(out, ".%" PRIu64 ".", mark->count);
    if (mark->is_anonymous) {
        buffer_append_string(out, NOBODY);
    } else {
        append_hex(out, mark->access_key.data, mark->access_key.size);
    }
    buffer_append_char(out, '.');
    if (mark->has_payload_sha256) {
        append_hex(out, mark->payload_sha256, sizeof(mark->payload_sha256));
    } else {
        buffer_append_string(out, NOBODY);
    }
}

/* The cluster's name, the statement, the request. */
static enum status
compute(struct redirect_signer *signer, const struct redirect_mark *mark, struct bytes request,
        unsigned char ret_mac[PEER_MAC_SIZE], struct error *err)
{
    struct buffer message = BUFFER_INIT;
    uint64_t key_number = 0;
    enum status st;

    buffer_append_bytes(&message, peer_identity_cluster(signer->identity));
    buffer_append_char(&message, '\n');
    append_statement(mark, &message);
    buffer_append_char(&message, '\n');
    buffer_append_bytes(&message, request);
    st = peer_mac(signer->identity, mark->key_number, LABEL, buffer_bytes(&message), &key_number,
                  ret_mac, err);
    buffer_release(&message);
    return st;
}

enum status
redirect_sign(struct redirect_signer *signer, const struct redirect_mark *mark, bool is_write,
              struct bytes request, struct arena *arena, struct bytes *ret_text, struct error *err)
{
    struct redirect_mark own = *mark;
    struct buffer text = BUFFER_INIT;
    enum status st;

    CHECK(mark->is_anonymous || mark->access_key.size <= REDIRECT_ACCESS_KEY_BYTES_MAX);
    own.from = peer_identity_node(signer->identity);
    own.signed_ms = clock_wall_ns() / CLOCK_NS_PER_MS;
    memcpy(own.session, signer->session, sizeof(own.session));
    own.count = is_write ? atomic_fetch_add(&signer->count, 1) + 1 : 0;
    /* Which key is the newest. */
    st = peer_mac(signer->identity, 0, LABEL, BYTES_NONE, &own.key_number, own.mac, err);
    if (st == ST_OK) {
        st = compute(signer, &own, request, own.mac, err);
    }
    if (st == ST_OK) {
        append_statement(&own, &text);
        buffer_append_char(&text, '.');
        append_hex(&text, own.mac, sizeof(own.mac));
        *ret_text = arena_copy(arena, buffer_bytes(&text));
    }
    buffer_release(&text);
    return st;
}

static bool
parse_hex(struct bytes text, void *out, size_t size)
{
    return text.size == 2 * size && decode_hex(text, out) == ST_OK;
}

static bool
parse_principal(struct bytes text, struct arena *arena, struct redirect_mark *mark)
{
    char *out;

    mark->is_anonymous = bytes_equal_string(text, NOBODY);
    if (mark->is_anonymous) {
        return true;
    }
    if (text.size == 0 || text.size > 2 * (size_t)REDIRECT_ACCESS_KEY_BYTES_MAX) {
        return false;
    }
    out = arena_alloc(arena, text.size);
    mark->access_key = bytes_of(out, text.size / 2);
    return decode_hex(text, out) == ST_OK;
}

static bool
parse_payload(struct bytes text, struct redirect_mark *mark)
{
    mark->has_payload_sha256 = !bytes_equal_string(text, NOBODY);
    return !mark->has_payload_sha256 ||
           parse_hex(text, mark->payload_sha256, sizeof(mark->payload_sha256));
}

static bool
parse_number(struct bytes text, uint64_t max, uint64_t *ret_number)
{
    return bytes_parse_u64(text, max, ret_number) == ST_OK;
}

enum status
redirect_parse(struct bytes text, struct arena *arena, struct redirect_mark *ret_mark,
               struct error *err)
{
    struct redirect_mark mark = {.access_key = BYTES_NONE};
    uint64_t signed_ms = 0;
    bool is_good = bytes_equal_string(bytes_cut(&text, '.'), FORM) &&
                   parse_number(bytes_cut(&text, '.'), UINT64_MAX, &mark.key_number) &&
                   mark.key_number != 0;

    mark.from = bytes_cut(&text, '.');
    mark.to = bytes_cut(&text, '.');
    is_good = is_good && cluster_id_is_valid(mark.from) && cluster_id_is_valid(mark.to) &&
              parse_number(bytes_cut(&text, '.'), UINT64_MAX, &mark.map_version) &&
              parse_number(bytes_cut(&text, '.'), INT64_MAX, &signed_ms) &&
              parse_hex(bytes_cut(&text, '.'), mark.session, sizeof(mark.session)) &&
              parse_number(bytes_cut(&text, '.'), UINT64_MAX, &mark.count) &&
              parse_principal(bytes_cut(&text, '.'), arena, &mark) &&
              parse_payload(bytes_cut(&text, '.'), &mark) &&
              parse_hex(text, mark.mac, sizeof(mark.mac));
    if (!is_good) {
        return fail(err, ST_INVALID, "the mark of the redirect is malformed");
    }
    mark.signed_ms = (int64_t)signed_ms;
    *ret_mark = mark;
    return ST_OK;
}

enum status
redirect_check(struct redirect_signer *signer, const struct redirect_mark *mark,
               struct bytes request, unsigned char ret_mac[PEER_MAC_SIZE], struct error *err)
{
    struct bytes own = peer_identity_node(signer->identity);
    int64_t now_ms = clock_wall_ns() / CLOCK_NS_PER_MS;

    if (!bytes_equal(mark->to, own)) {
        return fail(err, ST_DENIED, "the redirect is for node %.*s, this is %.*s",
                    BYTES_ARGS(mark->to), BYTES_ARGS(own));
    }
    if (mark->signed_ms < now_ms - REDIRECT_VALID_MS) {
        return fail(err, ST_DENIED, "the redirect has expired: ask a gateway again");
    }
    if (mark->signed_ms > now_ms + REDIRECT_VALID_MS) {
        return fail(err, ST_DENIED,
                    "the redirect of node %.*s is of the future: the clocks of the nodes differ",
                    BYTES_ARGS(mark->from));
    }
    return compute(signer, mark, request, ret_mac, err);
}

static struct redirect_write
write_of(const struct redirect_mark *mark, uint64_t digest)
{
    struct redirect_write write = {.count = mark->count, .digest = digest};

    memcpy(write.session, mark->session, sizeof(write.session));
    return write;
}

/* Of a write that is not remembered. */
static enum status
take_first(struct redirect_signer *signer, const struct redirect_mark *mark, int64_t now_ms,
           struct error *err)
{
    enum status st;

    /* What a former run of this node has seen is not known to this one. */
    if (mark->signed_ms < signer->started_ms) {
        return fail(err, ST_DENIED,
                    "the redirect was signed before this node started: ask a gateway again");
    }
    st = peer_replay_take(signer->replay, mark->session, mark->count, now_ms, NULL);
    return st == ST_OK ? ST_OK
                       : fail(err, ST_DENIED,
                              "the redirect was used before, or is too far behind others: ask a "
                              "gateway again");
}

enum status
redirect_take(struct redirect_signer *signer, const struct redirect_mark *mark, uint64_t digest,
              struct arena *arena, struct bytes *ret_answer, struct error *err)
{
    struct redirect_write write = write_of(mark, digest);
    int64_t now_ms = clock_monotonic_ns() / CLOCK_NS_PER_MS;
    enum status st = ST_OK;

    CHECK(mark->count != 0);
    switch (redirect_outcomes_enter(signer->outcomes, &write, arena, ret_answer)) {
    case REDIRECT_ENTRY_FIRST:
        st = take_first(signer, mark, now_ms, err);
        if (st != ST_OK) {
            redirect_outcomes_give_back(signer->outcomes, &write, false, now_ms);
        }
        return st;
    case REDIRECT_ENTRY_AGAIN:
    case REDIRECT_ENTRY_DONE:
        return ST_OK;
    case REDIRECT_ENTRY_OPEN:
        return fail(err, ST_UNAVAILABLE, "the same request is being carried out: ask again");
    case REDIRECT_ENTRY_OTHER:
        return fail(err, ST_DENIED, "the redirect was used before: ask a gateway again");
    }
    UNREACHABLE("kinds are listed above");
}

void
redirect_end(struct redirect_signer *signer, const struct redirect_mark *mark, uint64_t digest,
             struct bytes answer)
{
    struct redirect_write write = write_of(mark, digest);
    int64_t now_ms = clock_monotonic_ns() / CLOCK_NS_PER_MS;

    if (answer.size > 0) {
        redirect_outcomes_leave(signer->outcomes, &write, answer, now_ms);
    } else {
        redirect_outcomes_give_back(signer->outcomes, &write, true, now_ms);
    }
}
