/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of store/ know of a home and of the store.  Nobody outside store/ includes this.
 */
#ifndef STORE_HOME_INTERNAL_H
#define STORE_HOME_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/generation_guard.h"
#include "store/home.h"
#include "store/home_placement.h"

#define MOUNTPATH_UUID_BYTES 16

struct committer;
struct pack_set;
struct pin_table;
struct reclaimer;
struct space;
struct upkeep;
struct chunk_guard;
struct home_metrics;
struct lazy_sync;

struct health;
struct housekeeper;

struct home {
    struct store *store;
    char *directory;
    size_t index; /* in the store, and of its member in the placement */
    unsigned char uuid[MOUNTPATH_UUID_BYTES];
    int directory_fd;  /* -1: absent */
    atomic_int state;  /* enum home_state */
    bool is_read_only; /* opened for a check */
    bool is_expected;  /* its identity was read and is right: home_open is due */
    char *absent_reason;
    _Atomic(char *) quarantine_reason; /* set before the state */
    struct meta_db *db;
    struct pin_table *pins;
    struct pack_set *packs;
    struct committer *committer;
    struct reclaimer *reclaimer; /* what was dropped and waits for syncs and pins */
    struct lazy_sync *lazy;      /* chunk files written by relaxed writers */
    struct space *space;
    struct home_metrics *metrics;
    uint64_t open_number;
    _Atomic uint64_t newest_packs[2]; /* ids, newest first; written by the committer */
    uint64_t noted_batch;             /* upkeep's: what DATA knows of this home */
    _Atomic uint64_t published_batch; /* its records are visible */
    _Atomic uint64_t synced_batch;    /* its records are on disk */
    atomic_bool wants_sync;           /* relaxed commits wait for the next lazy sync */
    _Atomic uint64_t holder_count;    /* scans over its records under way */
    _Atomic uint64_t writer_count;    /* layout writers for it: it is not detached under them */
    _Atomic uint64_t idle_ticks;      /* upkeep's: how long it has been found detached and open */
};

struct store {
    struct store_options options; /* strings are not kept */
    char *data_directory;
    char *node_id;
    int data_fd;
    struct meta_cache *cache;
    struct meta_db *node_db; /* DATA/node */
    struct home **homes;     /* in order of registration; one that is there stays */
    _Atomic size_t home_count;
    struct generation_guard *guard;
    struct home_placement placement; /* written only inside a change of the guard */
    _Atomic uint64_t active_members; /* of it, for those who have not entered */
    _Atomic uint64_t holder_members;
    _Atomic uint64_t gone_members;
    atomic_bool is_unfinished;
    _Atomic uint64_t generation;
    pthread_mutex_t scan_lock; /* nothing: see store_pass_scans */
    pthread_mutex_t mountpath_lock;
    pthread_cond_t mountpath_changed;
    bool is_mountpath_changing; /* guarded by mountpath_lock: one attach or detach at a time */
    pthread_mutex_t seq_lock;
    pthread_cond_t seq_changed;
    bool is_seq_reserving; /* guarded by seq_lock: one at a time, so that it never goes back */
    _Atomic uint64_t map_version;    /* of every seq that is given */
    _Atomic uint64_t seq_counter;    /* last number given */
    _Atomic uint64_t seq_reserved;   /* numbers up to here are reserved on disk */
    struct housekeeper *housekeeper; /* collector and sweep */
    struct mirror *mirror;
    struct health *health;           /* probes disks */
    struct upkeep *upkeep;           /* background threads */
    struct chunk_guard *chunk_guard; /* chunk files that are being written */
};

/* The home with this mountpath's UUID, or NULL. */
struct home *store_find_mountpath(const struct store *store, const unsigned char *uuid);
/* The next seq number; reserves a block durably when the last one is used up.  Committers only. */
MUST_USE enum status store_next_seq(struct store *store, uint64_t *ret_counter, struct error *err);

/* A handle for a registered mountpath; nothing is opened yet: absent until home_open succeeds. */
struct home *home_create(struct store *store, const unsigned char *uuid, const char *directory);
/* Takes over a new placement, durably written before; entered by nobody. */
void store_adopt_placement(struct store *store, struct home_placement *take_placement);
/* What of it those see who have not entered. */
void store_publish_placement(struct store *store);
/* Holds neither objects nor uploads. */
bool home_is_empty(struct home *home);
/* Write it to DATA; durable when it returns. */
MUST_USE enum status store_write_placement(struct store *store,
                                           const struct home_placement *placement,
                                           struct error *err);
/* Why it cannot serve; the sentence is kept. */
void home_mark_absent(struct home *home, const char *reason);
/* Opens records and packs, starts the committer.  On failure the home stays absent. */
MUST_USE enum status home_open(struct home *home, struct error *err);
/* Is the home older than DATA or its own packs remember?  Then it is for reading only: quarantined
 * from the start. */
MUST_USE enum status home_compare_note(struct home *home, struct error *err);
/* Tell DATA how far this home is on disk; lazily, never ahead. */
void home_note(struct home *home);
/* Frees what was dropped, until then; nobody uses the store any more, all homes are still open. */
void home_drain(struct home *home, int64_t until_ns);
/* Stops the committer and syncs; no commit may be under way. */
void home_stop(struct home *home);
/* Closes what home_open opened; nobody uses it, the committer is stopped or was never started. */
void home_close(struct home *home);
/* A home that is closed gets another directory. */
void home_rename(struct home *home, const char *directory);
/* No pin, nobody who holds it. */
bool home_is_unused(struct home *home);
/* Flushes, closes. */
void home_destroy(struct home **take_home);
/* What this batch and those before it dropped may be freed: it is on disk, no pin is older. */
uint64_t home_freeable_batch(struct home *home);
/* Adds this home's pack bytes, live and on disk. */
void home_pack_totals(struct home *home, struct store_space *sum);
/* Make everything durable that was committed so far: named bytes first, then the log. */
MUST_USE enum status home_sync(struct home *home, struct error *err);

#endif
