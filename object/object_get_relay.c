/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule 6.2R: an object whose record counts and stands at a former owner is answered from there, by
 * its seq, so that no client waits until all of it has come.  A seq names one content, the former
 * owner pins it before it answers, and what is lost on the way cuts the answer.
 */
#include "base/check.h"
#include "base/clock.h"
#include "object/key_former.h"
#include "object/object_get_own.h"

#include "base/banned.h"

/* A former owner for whom as many wait as may is asked again, for a second altogether. */
#define RELAY_TRY_COUNT 200
#define RELAY_PAUSE_MS 5

/* What a client would take for its own fault, where the former owner was lost. */
static bool
is_lost(enum status st)
{
    return st == ST_CLOSED || st == ST_TIMEOUT || st == ST_INCOMPLETE || st == ST_INVALID;
}

static enum status
fetch(const struct bucket *bucket, struct bytes key, const struct key_far *far,
      const struct key_former_range *range, struct arena *arena, struct key_item *ret_item,
      struct source **ret_source, struct error *err)
{
    struct key_former_ask ask = {bucket, key, far->map, far->node, BYTES_NONE};
    enum status st = ST_BUSY;

    for (size_t try = 0; try < RELAY_TRY_COUNT && st == ST_BUSY; try++) {
        if (try != 0) {
            clock_pause_ns(RELAY_PAUSE_MS * CLOCK_NS_PER_MS);
        }
        st = key_former_fetch_range(&ask, far->record.seq, range, arena, ret_item, ret_source, err);
    }
    if (st == ST_NO_SUCH_KEY || st == ST_MOVED) {
        return fail(err, ST_CONFLICT, "the object has gone on meanwhile");
    }
    if (is_lost(st)) {
        return fail(err, ST_UNAVAILABLE, "a former owner of the key did not send it");
    }
    return st;
}

static enum status
fetch_parts(const struct bucket *bucket, struct bytes key, const struct key_far *far,
            struct arena *arena, struct object_get_result *result, struct error *err)
{
    struct key_former_range range = {.has_parts = true};
    struct source *source = NULL;
    struct key_item item;
    enum status st = fetch(bucket, key, far, &range, arena, &item, &source, err);

    if (st == ST_OK && item.part_count != result->record.part_count) {
        st = fail(err, ST_UNAVAILABLE, "a former owner of the key did not send all of its parts");
    }
    if (st == ST_OK) {
        result->far_parts = item.parts;
    }
    return st;
}

static const struct part_entry *
find_part(const struct object_get_result *result, uint32_t number)
{
    for (uint32_t i = 0; result->far_parts != NULL && i < result->record.part_count; i++) {
        if (result->far_parts[i].number == number) {
            return &result->far_parts[i];
        }
    }
    return NULL;
}

enum status
object_get_relay(const struct bucket *bucket, const struct object_get_options *options,
                 const struct key_far *far, struct arena *arena,
                 struct object_get_result *ret_result, struct error *err)
{
    struct object_get_result *result = ret_result;
    struct key_former_range range;
    struct key_item item;
    enum status st;

    assert_on_worker();
    *result = (struct object_get_result){.record = far->record};
    st = object_conditions_check_read(&options->conditions, &result->record, err);
    if (st == ST_OK && result->record.part_count > 0 &&
        (options->part_number != 0 || options->needs_parts)) {
        st = fetch_parts(bucket, options->key, far, arena, result, err);
    }
    if (st == ST_OK) {
        st = options->part_number != 0
                 ? object_get_resolve_part(options->part_number,
                                           find_part(result, options->part_number), result, err)
                 : object_get_resolve_range(&options->range, result, err);
    }
    if (st != ST_OK || options->is_head) {
        return st;
    }
    if (result->length == 0) {
        result->source = object_get_empty();
        return ST_OK;
    }
    range = (struct key_former_range){.offset = result->offset, .length = result->length};
    return fetch(bucket, options->key, far, &range, arena, &item, &result->source, err);
}
