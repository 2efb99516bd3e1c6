/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of etcd.  The first byte chooses which one, the second how the stream of a watch is cut
 * into pieces.  Whatever comes: no assertion fails, values that are known stay in order of key, and
 * revisions only grow.
 */
#include <stdint.h>

#include "base/check.h"
#include "control/etcd_frames.h"
#include "control/etcd_json.h"
#include "control/etcd_values.h"

#include "base/banned.h"

#define PREFIX "/v/"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct follower {
    struct control_view *view;
    uint64_t told_revision;
};

static void
changed(const struct control_value *value, void *arg)
{
    struct follower *follower = arg;

    CHECK(value->key.size > 0 && value->key.size <= CONTROL_KEY_BYTES_MAX);
    CHECK(value->revision >= follower->told_revision);
    follower->told_revision = value->revision;
}

static enum status
frame_found(struct bytes text, void *arg, struct error *err)
{
    struct follower *follower = arg;
    struct arena arena = ARENA_INIT;
    struct etcd_watch_frame frame;
    enum status st = etcd_json_watch(text, &arena, &frame, err);

    if (st == ST_OK) {
        st = etcd_values_apply(follower->view, BYTES_LITERAL(PREFIX), frame.events, frame.count,
                               err);
    }
    arena_release(&arena);
    return st;
}

static void
check_view(struct control_view *view)
{
    struct control_snapshot *snapshot = control_view_snapshot(view);

    for (size_t i = 1; i < snapshot->count; i++) {
        CHECK(bytes_compare(snapshot->entries[i - 1]->value.key, snapshot->entries[i]->value.key) <
              0);
    }
    control_snapshot_unref(snapshot);
}

static void
follow(struct bytes stream, size_t piece)
{
    struct follower follower = {.view = control_view_create()};
    struct etcd_frames frames;
    struct error err = ERROR_INIT;
    enum status st = ST_OK;

    control_view_watch(follower.view, BYTES_NONE, changed, &follower);
    etcd_frames_init(&frames, 4096, frame_found, &follower);
    while (st == ST_OK && stream.size > 0) {
        size_t part = stream.size < piece ? stream.size : piece;

        st = etcd_frames_feed(&frames, bytes_slice(stream, 0, part), &err);
        stream = bytes_slice(stream, part, stream.size);
    }
    check_view(follower.view);
    etcd_frames_release(&frames);
    control_view_destroy(&follower.view);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;
    struct bytes text;
    struct etcd_range range;
    struct etcd_txn txn;
    struct etcd_lease lease;
    struct etcd_error error;

    if (size < 2) {
        return 0;
    }
    text = bytes_of(data + 2, size - 2);
    switch (data[0]) {
    case 'r':
        if (etcd_json_range(text, &arena, &range, &err) == ST_OK) {
            for (size_t i = 0; i < range.count; i++) {
                CHECK(range.kvs[i].key.size > 0 && range.kvs[i].mod_revision > 0);
            }
        }
        break;
    case 't':
        if (etcd_json_txn(text, &arena, &txn, &err) == ST_OK) {
            CHECK(txn.range_count == 0 || txn.ranges != NULL);
        }
        break;
    case 'l':
        CHECK(etcd_json_lease(text, &arena, &lease, &err) != ST_OK || lease.id != 0);
        break;
    case 'e':
        etcd_json_error(text, &arena, &error);
        CHECK(error.code >= 0 && error.code <= 16);
        break;
    default:
        follow(text, (size_t)data[1] + 1);
        break;
    }
    arena_release(&arena);
    return 0;
}
