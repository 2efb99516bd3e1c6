/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a store under crash test was asked and what it has promised: a file of fixed size, mapped
 * shared by the driver that is killed and by the next one that verifies.  It lies outside of what
 * the power cut follows, so it survives exactly.  A process may die between any two instructions:
 * a record is filled in first and becomes valid by the store of its state.
 */
#ifndef TESTS_CRASH_MODEL_H
#define TESTS_CRASH_MODEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRASH_BUCKETS 2
#define CRASH_BUCKET_STRICT 0
#define CRASH_BUCKET_RELAXED 1
/* Few enough that keys are overwritten often, enough that threads rarely meet. */
#define CRASH_KEYS 96
/* The first keys of a bucket are written by all threads at once. */
#define CRASH_HOT_KEYS 4
#define CRASH_CHANGES_MAX 24
#define CRASH_UPLOADS 12
#define CRASH_PARTS_MAX 3
#define CRASH_ETAG_SIZE 48

/* Bytes are generated from the number, so equal numbers mean equal bytes. */
struct crash_piece {
    uint64_t number;
    uint64_t size;
};

/* What a key holds.  version 0: nothing.  Copies have the version of their source. */
struct crash_value {
    uint64_t version;
    uint32_t part_count; /* 0: one piece, put as a whole */
    uint32_t is_copy;    /* its ETag is the MD5 of its bytes, parts or not */
    struct crash_piece pieces[CRASH_PARTS_MAX];
};

enum crash_change_state { CRASH_CHANGE_FREE, CRASH_CHANGE_PENDING, CRASH_CHANGE_DONE };

/* A write or a delete of one key. */
struct crash_change {
    _Atomic uint32_t state;
    uint64_t start; /* stamps of the model: order in real time */
    uint64_t end;
    int64_t end_ns; /* monotonic clock of the machine */
    struct crash_value value;
};

struct crash_key {
    struct crash_change changes[CRASH_CHANGES_MAX];
};

enum crash_upload_state {
    CRASH_UPLOAD_FREE,
    CRASH_UPLOAD_CREATING,
    CRASH_UPLOAD_OPEN,
    CRASH_UPLOAD_COMPLETING,
    CRASH_UPLOAD_ABORTING,
};

/* One of two writes of a part: the newer acknowledged one counts. */
struct crash_part {
    _Atomic uint32_t state; /* crash_change_state */
    uint64_t end;
    struct crash_piece piece;
};

struct crash_upload {
    _Atomic uint32_t state;
    uint32_t key;
    unsigned char id[16];
    uint64_t version; /* of the object that it will become */
    struct crash_value completed;
    struct crash_part parts[CRASH_PARTS_MAX][2];
};

enum crash_phase { CRASH_PHASE_OPENING, CRASH_PHASE_VERIFYING, CRASH_PHASE_LOADING };

struct crash_model {
    uint64_t magic;
    _Atomic uint64_t last_stamp;
    _Atomic uint64_t last_version;
    _Atomic uint32_t phase;
    _Atomic uint32_t is_bucket_made[CRASH_BUCKETS];
    int64_t death_ns; /* monotonic; no later than the last driver's end */
    /* Totals over all rounds, for the report. */
    _Atomic uint64_t acknowledged_count;
    _Atomic uint64_t verified_count;
    _Atomic uint64_t failed_count; /* operations that the store refused or failed */
    _Atomic uint64_t read_count;
    _Atomic uint64_t mountpath_count; /* changes of mountpaths */
    _Atomic uint64_t resilver_count;  /* that came to their end */
    struct crash_key keys[CRASH_BUCKETS][CRASH_KEYS];
    struct crash_upload uploads[CRASH_UPLOADS];
};

/* Maps the file, made and filled with emptiness if it is not there. */
struct crash_model *crash_model_map(const char *path);

/* Empty again: for a new store. */
void crash_model_reset(struct crash_model *model);

uint64_t crash_model_stamp(struct crash_model *model);
uint64_t crash_model_version(struct crash_model *model);

/* Notes the intent to give a key this value.  NULL: too much is in the open about it.
 * keeps_all: superseded changes stay (a relaxed bucket may fall back to any of them). */
struct crash_change *crash_model_begin(struct crash_model *model, struct crash_key *key,
                                       const struct crash_value *value, bool keeps_all);
/* It was acknowledged. */
void crash_model_end(struct crash_model *model, struct crash_change *change);

/* The change that may have left this version as the key's value, or NULL if none may have.
 * settled_ns: acknowledgments after this time do not bind (relaxed buckets); INT64_MAX: all do. */
const struct crash_change *crash_model_explain(const struct crash_key *key, uint64_t version,
                                               int64_t settled_ns);

/* The only value that the key can have now, or NULL while that is open. */
const struct crash_change *crash_model_current(const struct crash_key *key);

/* Whether everything that was asked about the key was acknowledged before this time. */
bool crash_model_is_older(const struct crash_key *key, int64_t time_ns);

/* The value is known now: everything else about the key is forgotten.  end_ns: since when it binds
 * a relaxed bucket as well; 0: it is on the disk. */
void crash_model_settle(struct crash_model *model, struct crash_key *key,
                        const struct crash_value *value, int64_t end_ns);

#endif
