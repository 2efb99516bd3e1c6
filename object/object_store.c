/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening: the store with all homes, then the control values, the table of buckets (by watch), the
 * copies of control values on the mountpaths, and at last what a stop left half done: buckets that
 * were being deleted.
 */
#include "object/object_store.h"

#include "base/log.h"
#include "base/memory.h"
#include "object/bucket_delete.h"
#include "object/object_control.h"
#include "object/object_internal.h"
#include "object/ownership.h"
#include "object/rebalance.h"

#include "base/banned.h"

static enum status
open_control(struct object_store *store, const struct object_store_options *options,
             struct error *err)
{
    enum status st = ST_OK;

    if (options->control != NULL) {
        store->control = options->control;
        store->has_shared_control = true;
    } else {
        st = object_control_open(options, store_node_id(store->store), &store->control, err);
    }
    return st == ST_OK ? control_watch(store->control, BYTES_LITERAL(BUCKET_VALUE_PREFIX),
                                       bucket_table_changed, store->buckets, err)
                       : st;
}

static enum status
open_writing(struct object_store *store, const struct object_store_options *options,
             struct error *err)
{
    bool is_alone = options->etcd.endpoints == NULL && options->control == NULL;
    enum status st = ST_OK;

    if (options->store.is_diskless) {
        return ST_OK;
    }
    st = control_mirror_create(store->control, store->store,
                               is_alone ? CONTROL_MIRROR_OWN : CONTROL_MIRROR_BUCKETS,
                               &store->mirror, err);
    if (st == ST_OK && is_alone) { /* in a cluster the deletion may be another's, and going on */
        bucket_delete_resume(store);
    }
    return st;
}

enum status
object_store_open(const struct object_store_options *options, struct object_store **ret_store,
                  struct error *err)
{
    struct object_store *store = xcalloc(1, sizeof(*store));
    enum status st;

    store->promote_from = options->promote_from;
    store->promote_from_count = options->promote_from_count;
    store->region = xstrdup(options->region != NULL ? options->region : "us-east-1");
    store->part_bytes_min = options->part_bytes_min != 0 ? options->part_bytes_min : PART_BYTES_MIN;
    store->is_read_only = options->store.read_only;
    store->is_offline = options->is_offline;
    store->buckets = bucket_table_create();
    store->turns = key_turn_table_create();
    store->pins = upload_pin_table_create();
    st = store_open(&options->store, &store->store, err);
    if (st == ST_OK && options->is_offline) {
        st = control_mirror_recall(store->store, bucket_table_changed, store->buckets, err);
    } else if (st == ST_OK) {
        st = open_control(store, options, err);
    }
    if (st == ST_OK && !options->is_offline && !options->store.read_only) {
        st = open_writing(store, options, err);
    }
    if (st == ST_OK) {
        *ret_store = store;
        store = NULL;
    }
    object_store_close(&store);
    return st;
}

void
object_store_close(struct object_store **take_store)
{
    struct object_store *store = *take_store;

    if (store == NULL) {
        return;
    }
    rebalance_destroy(&store->rebalance);
    if (store->has_shared_control) {
        control_unwatch(store->control, bucket_table_changed, store->buckets);
        control_mirror_stop(store->mirror, store->control);
    } else {
        control_close(&store->control);
    }
    control_mirror_destroy(&store->mirror);
    bucket_table_destroy(&store->buckets);
    store_close(&store->store);
    ownership_destroy(&store->ownership);
    key_turn_table_destroy(&store->turns);
    upload_pin_table_destroy(&store->pins);
    free(store->region);
    free(store);
    *take_store = NULL;
}

struct store *
object_store_store(struct object_store *store)
{
    return store->store;
}

struct load *
object_store_load(const struct object_store *store)
{
    return store_load(store->store);
}

struct control *
object_store_control(struct object_store *store)
{
    return store->control;
}

const char *
object_store_node_id(const struct object_store *store)
{
    return store_node_id(store->store);
}

uint64_t
object_store_revision(const struct object_store *store)
{
    return control_revision(store->control);
}

const char *
object_store_region(const struct object_store *store)
{
    return store->region;
}
