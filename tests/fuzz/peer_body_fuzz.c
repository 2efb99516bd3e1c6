/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verbs of other nodes say, on any bytes: the first byte chooses a verb (or one of their
 * answers), two more give the length of its arguments, the rest is the body.  Verbs run on a real
 * store that owns all keys under a placement that is not finished; the other node of the map does
 * not answer.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/affinity.h"
#include "base/check.h"
#include "base/memory.h"
#include "object/bucket_empty.h"
#include "object/bucket_value.h"
#include "object/key_former.h"
#include "object/key_move.h"
#include "object/multipart_list_own.h"
#include "object/object_cluster.h"
#include "object/object_delete.h"
#include "object/object_delete_own.h"
#include "object/object_list_own.h"
#include "object/object_pull.h"
#include "object/object_put_forward.h"
#include "object/ownership.h"
#include "object/page_merge.h"
#include "object/upload_arrive.h"
#include "object/upload_find.h"
#include "object/upload_publish.h"

#include "base/banned.h"

#define MAP_VERSION 3
#define CLUSTER_ID "fuzz-cluster-1"
#define OWN_ID "target-1"
#define OTHER_ID "target-2"
/* Nobody listens there. */
#define OTHER_ADDRESS "127.0.0.1:1"
/* Keys of which an answer of the verb "delete" tells here. */
#define RESULT_COUNT 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct object_store *store;
static struct cluster_map *map;
static struct bucket bucket;
static char directory[] = "/tmp/lode-fuzz-XXXXXX";

/* ---- the node ---- */

static struct cluster_map *
get_map(void *arg)
{
    return cluster_map_ref(map);
}

static enum status
fetch_map(void *arg, uint64_t version_min, struct error *err)
{
    return ST_OK;
}

static enum status
check_confirmed(void *arg, struct error *err)
{
    return ST_OK;
}

static int
remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    return remove(path);
}

static void
remove_directory(void)
{
    (void)nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static struct cluster_map *
make_map(void)
{
    struct cluster_node nodes[] = {
        {.id = BYTES_LITERAL(OWN_ID),
         .is_target = true,
         .public_url = BYTES_LITERAL("http://127.0.0.1:1"),
         .peer_address = BYTES_LITERAL(OTHER_ADDRESS)},
        {.id = BYTES_LITERAL(OTHER_ID),
         .is_target = true,
         .state = NODE_MAINTENANCE,
         .public_url = BYTES_LITERAL("http://127.0.0.1:1"),
         .peer_address = BYTES_LITERAL(OTHER_ADDRESS)},
    };
    struct bytes ids[] = {BYTES_LITERAL(OWN_ID)};
    struct cluster_placement former = {.version = 2, .target_count = 1, .targets = ids};
    struct cluster_map content = {.version = MAP_VERSION,
                                  .revision = MAP_VERSION,
                                  .cluster_id = BYTES_LITERAL(CLUSTER_ID),
                                  .placement_version = MAP_VERSION,
                                  .finished_version = 2,
                                  .stage = STAGE_MOVE,
                                  .node_count = 2,
                                  .nodes = nodes,
                                  .former_count = 1,
                                  .formers = &former};

    return cluster_map_create(&content);
}

static void
join(void)
{
    static const struct peer_key KEY = {1, "an example of a key of a cluster"};
    struct peer_identity *identity =
        peer_identity_create(BYTES_LITERAL(CLUSTER_ID), BYTES_LITERAL(OWN_ID));

    peer_identity_set_keys(identity, &KEY, 1);
    object_store_set_cluster(
        store, &(struct object_cluster){.peers = peer_client_create(&(struct peer_client_options){
                                            .identity = identity, .waiting_max = 4}),
                                        .node_id = BYTES_LITERAL(OWN_ID),
                                        .get_map = get_map,
                                        .fetch_map = fetch_map,
                                        .check_confirmed = check_confirmed});
    object_store_own_keys(store);
    map = make_map();
    CHECK(ownership_target_ops.activate(object_store_ownership(store), map, NULL) == ST_OK);
}

static void
open_once(void)
{
    struct object_store_options options = {.part_bytes_min = 1024};
    struct bucket_properties properties;
    static char *mountpath;
    bool is_own;

    if (store != NULL) {
        return;
    }
    CHECK(mkdtemp(directory) != NULL && atexit(remove_directory) == 0);
    affinity_set(AFFINITY_WORKER, "fuzz");
    mountpath = xasprintf("%s/mp", directory);
    store_options_init(&options.store);
    options.store.data_directory = directory;
    options.store.mountpaths = (const char *const *)&mountpath;
    options.store.mountpath_count = 1;
    options.store.node_id = OWN_ID;
    options.store.cache_bytes = (size_t)8 << 20;
    options.store.write_buffer_bytes = (size_t)32 << 20;
    options.store.pack_bytes = (uint64_t)1 << 20;
    options.store.free_floor_bytes = 0;
    options.store.is_background_off = true;
    CHECK(object_store_open(&options, &store, NULL) == ST_OK);
    join();
    bucket_properties_init(&properties);
    CHECK(bucket_create(store, principal_of_root(), BYTES_LITERAL("bucket"), &properties, &is_own,
                        NULL) == ST_OK);
    CHECK(bucket_open(store, principal_of_root(), BYTES_LITERAL("bucket"), ACTION_LIST_BUCKET,
                      &bucket, NULL) == ST_OK);
}

/* ---- verbs ---- */

/* Refused or not, it came back. */
static void
expect_any(enum status st)
{
    CHECK(st < STATUS_COUNT);
}

typedef void try_fn(struct bytes arguments, struct bytes body);

static void
try_list(struct bytes arguments, struct bytes body)
{
    struct buffer out = BUFFER_INIT;
    bool is_truncated;

    expect_any(object_list_serve(&bucket, arguments, MAP_VERSION, &out, &is_truncated, NULL));
    buffer_release(&out);
}

static void
try_uploads(struct bytes arguments, struct bytes body)
{
    struct buffer out = BUFFER_INIT;
    bool is_truncated;

    expect_any(multipart_list_serve(&bucket, arguments, MAP_VERSION, &out, &is_truncated, NULL));
    buffer_release(&out);
}

static void
try_read(struct bytes arguments, struct bytes body)
{
    struct object_pulled pulled = {.source = NULL};
    struct arena arena = ARENA_INIT;

    if (body.size > 0 && body.size <= OBJECT_KEY_BYTES_MAX) {
        expect_any(object_pull_serve(&bucket, body, arguments, &arena, &pulled, NULL));
    }
    source_release(&pulled.source);
    arena_release(&arena);
}

static void
try_delete(struct bytes arguments, struct bytes body)
{
    struct buffer out = BUFFER_INIT;

    expect_any(object_delete_serve(&bucket, body, &out, NULL));
    buffer_release(&out);
}

static void
try_empty(struct bytes arguments, struct bytes body)
{
    CHECK(bucket_empty_serve(&bucket, 1, arguments, NULL) != ST_OK); /* it is not being deleted */
}

static void
try_put(struct bytes arguments, struct bytes body)
{
    struct buffer out = BUFFER_INIT;
    struct object_put *put = NULL;
    enum status st = object_put_take_open(&bucket, BYTES_LITERAL("key"), arguments, &put, NULL);

    if (st == ST_OK && body.size > 0) {
        st = sink_write(object_put_sink(put), body, NULL);
    }
    if (st == ST_OK) {
        st = sink_finish(object_put_sink(put), NULL);
    }
    if (st == ST_OK) {
        expect_any(object_put_take_commit(put, &out, NULL));
    }
    object_put_release(&put);
    buffer_release(&out);
}

static void
try_complete(struct bytes arguments, struct bytes body)
{
    struct buffer out = BUFFER_INIT;

    expect_any(upload_publish_take(&bucket, BYTES_LITERAL(OTHER_ID), MAP_VERSION, arguments, body,
                                   &out, NULL));
    buffer_release(&out);
}

static void
try_parts(struct bytes arguments, struct bytes body)
{
    struct buffer out = BUFFER_INIT;
    struct source *source = NULL;
    uint64_t size;

    if (body.size > 0 && body.size <= OBJECT_KEY_BYTES_MAX) {
        expect_any(upload_publish_open(&bucket, body, arguments, &out, &source, &size, NULL));
    }
    source_release(&source);
    buffer_release(&out);
}

static void
try_range(struct bytes arguments, struct bytes body)
{
    struct buffer out = BUFFER_INIT;
    struct source *source = NULL;
    uint64_t size;

    if (body.size > 0 && body.size <= OBJECT_KEY_BYTES_MAX) {
        expect_any(key_former_open_range(&bucket, body, (struct seq){MAP_VERSION, 1}, arguments,
                                         &out, &source, &size, NULL));
    }
    source_release(&source);
    buffer_release(&out);
}

static void
try_move(struct bytes arguments, struct bytes body)
{
    struct buffer out = BUFFER_INIT;

    expect_any(key_move_receive(store, MAP_VERSION, BYTES_LITERAL(OTHER_ID), body, &out, NULL));
    buffer_release(&out);
}

static void
try_upload(struct bytes arguments, struct bytes body)
{
    struct buffer out = BUFFER_INIT;

    if (body.size > 0 && body.size <= OBJECT_KEY_BYTES_MAX) {
        expect_any(upload_find_tell(&bucket, body, arguments, MAP_VERSION, &out, NULL));
    }
    buffer_release(&out);
}

static void
try_upload_take(struct bytes arguments, struct bytes body)
{
    enum upload_arrival arrival;

    expect_any(upload_arrive(store, MAP_VERSION, BYTES_LITERAL(OTHER_ID), body, &arrival, NULL));
}

/* ---- answers ---- */

static void
try_page(struct bytes arguments, struct bytes body)
{
    struct object_record record;
    struct page_weight weight;
    struct bytes name, value;

    while (page_next(&body, &name, &value) == ST_OK) {
        if (object_list_entry_read(value, &record)) {
            CHECK(record.checksum.size <= CHECKSUM_VALUE_MAX);
        }
        if (object_list_entry_weigh(value, &weight)) {
            CHECK(!(weight.is_shown && weight.is_moved));
        }
    }
}

static void
try_page_of_uploads(struct bytes arguments, struct bytes body)
{
    struct arena arena = ARENA_INIT;
    struct multipart_upload_entry entry;
    struct bytes name, value;

    while (page_next(&body, &name, &value) == ST_OK) {
        expect_any(multipart_list_entry_read(name, value, &arena, &entry, NULL));
    }
    arena_release(&arena);
}

static void
try_results(struct bytes arguments, struct bytes body)
{
    struct object_delete_entry entries[RESULT_COUNT];
    struct object_delete_entry *all[RESULT_COUNT];

    memset(entries, 0, sizeof(entries));
    for (size_t i = 0; i < RESULT_COUNT; i++) {
        all[i] = &entries[i];
    }
    if (object_delete_results_read(all, RESULT_COUNT, body)) {
        for (size_t i = 0; i < RESULT_COUNT; i++) {
            CHECK(entries[i].status < STATUS_COUNT);
        }
    }
}

static try_fn *const TRIES[] = {
    try_list,     try_uploads,     try_read,  try_delete, try_empty,           try_put,
    try_complete, try_parts,       try_move,  try_page,   try_page_of_uploads, try_results,
    try_upload,   try_upload_take, try_range,
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes rest = bytes_of(data, size);
    size_t length;

    open_once();
    if (size < 3) {
        return 0;
    }
    length = ((size_t)data[1] << 8) | data[2];
    rest = bytes_slice(rest, 3, size);
    length = length < rest.size ? length : rest.size;
    TRIES[data[0] % ARRAY_COUNT(TRIES)](bytes_slice(rest, 0, length),
                                        bytes_slice(rest, length, rest.size));
    return 0;
}
