/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All mountpaths of this node.  Opens them, checks their identity, chooses the home of a key, and
 * owns what they share: block cache, space rules, background work (pack collector, sweep, lazy
 * syncs).
 *
 * On disk:  DATA/node/          RocksDB with the node family: node id, registered mountpaths, and
 * per home the last open number and synced seq (lazily, never ahead) MP/identity         who this
 * mountpath is: cluster, node, mountpath UUID, format MP/meta/            RocksDB of the home
 *           MP/packs/<id>       packs of the home
 *           MP/chunks/<home UUID>/<xx>/<chunk id>   chunk files, of any home of the node
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/bytes.h"
#include "base/status.h"
#include "meta/extent.h"

struct load;
struct store;
struct home;

#define MOUNTPATH_MAX 64

enum mountpath_role {
    MOUNTPATH_ACTIVE,    /* a home, and a place for chunk files */
    MOUNTPATH_DISABLED,  /* takes nothing new; what it holds moves away; can be enabled again */
    MOUNTPATH_LEAVING,   /* the same, and it is detached when it is empty */
    MOUNTPATH_DETACHED,  /* empty and unregistered: may be pulled */
    MOUNTPATH_FORGOTTEN, /* given up with what it held */
};

const char *mountpath_role_name(enum mountpath_role role);

struct store_options {
    const char *data_directory;
    const char *const *mountpaths; /* directories; created (empty) at first start only */
    size_t mountpath_count;
    const char *node_id;           /* NULL: as kept in DATA, generated at first start */
    size_t cache_bytes;            /* block cache of all homes */
    size_t write_buffer_bytes;     /* memtables of all homes together */
    uint64_t free_floor_bytes;     /* below this much free space writes get ST_NO_SPACE */
    int64_t sweep_age_s;           /* unreferenced files younger than this stay */
    int64_t lazy_sync_interval_ms; /* relaxed buckets: at most this much is lost */
    uint64_t pack_bytes;           /* size of a pack; tests make it small */
    bool is_background_off;        /* no collector, no sweep (fsck, tests that step by hand) */
    bool read_only;                /* fsck */
    struct load *load;             /* borrowed: what background work gives way to; NULL: none */
    bool is_diskless;              /* no mountpaths: a node that is only a gateway */
};
void store_options_init(struct store_options *options); /* defaults from store/store_limits.h */

/*
 * ST_INVALID: a mountpath of another node or cluster, a foreign or swapped one, or an identity of a
 * newer format, with a sentence that says which and what to do.  A registered mountpath that is
 * missing or broken does not stop the start: its home is unavailable.
 */
MUST_USE enum status store_open(const struct store_options *options, struct store **ret_store,
                                struct error *err);
/* Waits for background work, flushes, closes.  No operation may be running. */
void store_close(struct store **take_store);

/* Of every seq given from now on; never goes back.  1 until it is set. */
void store_set_map_version(struct store *store, uint64_t version);
struct load *store_load(const struct store *store); /* NULL: none */
const char *store_data_directory(const struct store *store);
const char *store_node_id(const struct store *store);
/* Homes in order of registration, absent ones included, and those that are no holders any more
 * (home_is_holder, store/home.h).  Grows while the store is open. */
size_t store_home_count(const struct store *store);
struct home *store_home_at(const struct store *store, size_t index);
/* HRW of (bucket id, name) over the UUIDs of all active mountpaths, present or not.  The caller has
 * entered if mountpaths may change. */
struct home *store_home_of(const struct store *store, uint64_t bucket_id, struct bytes name);

/*
 * The generation of the node: the choice of homes.  Between enter and leave it does not change; a
 * commit and the home that it rests on stand in one such pair.  May be nested.
 */
void store_enter(struct store *store);
bool store_try_enter(struct store *store); /* for loops: false instead of waiting */
void store_leave(struct store *store);
uint64_t store_generation(const struct store *store);
/* Has every key been found at its home since the last change?  If not, former homes are asked. */
bool store_is_unfinished(const struct store *store);

/* A scan over several homes opens its iterators between the two; a move waits in pass_scans after
 * its record is visible at the home and before it goes from the former one: so every scan sees at
 * least one of them. */
void store_begin_scan(struct store *store);
void store_end_scan(struct store *store);
void store_pass_scans(struct store *store);

/* Where a name's records may be; the caller has entered. */
struct key_homes {
    struct home *home;
    struct home *formers[MOUNTPATH_MAX]; /* homes under a choice since the last finished one */
    size_t former_count;
};
void store_homes_of(const struct store *store, uint64_t bucket_id, struct bytes name,
                    struct key_homes *ret_homes);

/* A value of the node that every mountpath keeps a synced copy of (control's values, node id). */
MUST_USE enum status store_mirror_put(struct store *store, struct bytes key, struct bytes value,
                                      struct error *err);
MUST_USE enum status store_mirror_delete(struct store *store, struct bytes key, struct error *err);
/* Calls found for each mirrored value of the copy with the greatest revision; for --recover. */
MUST_USE enum status store_mirror_scan(struct store *store,
                                       enum status (*found)(struct bytes key, struct bytes value,
                                                            void *arg, struct error *err),
                                       void *arg, struct error *err);

/* One step of the background work by hand; ret_work_done tells whether there was any. */
MUST_USE enum status store_collect_once(struct store *store, bool *ret_work_done,
                                        struct error *err);
MUST_USE enum status store_sweep_once(struct store *store, uint64_t *ret_removed_count,
                                      struct error *err);

struct store_space {
    uint64_t total_bytes;
    uint64_t free_bytes;
    uint64_t pack_bytes;      /* on disk */
    uint64_t pack_live_bytes; /* of them named by records */
};
void store_space(struct store *store, struct store_space *ret_space);

#endif
