/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The object store under crash test with its model: what the load and the verification share.
 * One per driver process.
 */
#ifndef TESTS_CRASH_STORE_H
#define TESTS_CRASH_STORE_H

#include "object/bucket.h"
#include "object/object_get.h"
#include "object/object_store.h"
#include "tests/power_cut/crash_content.h"
#include "tests/power_cut/crash_model.h"

#define CRASH_KEY_SIZE 16
/* All parts but the last have at least so many bytes. */
#define CRASH_PART_BYTES_MIN ((uint64_t)64 << 10)

struct crash_store {
    struct object_store *store;
    struct bucket buckets[CRASH_BUCKETS];
    struct crash_model *model;
    bool is_power_cut;       /* what relaxed buckets promise depends on it */
    bool has_faults;         /* operations may fail, but only cleanly */
    bool moves_mountpaths;   /* crash_mountpaths.h */
    int64_t relaxed_loss_ns; /* a relaxed bucket may lose what is younger at a power cut */
};

/* Prints what is wrong, with the seed in the first line of the output, and ends the process with
 * an exit code that the parent reports.  Used for every broken promise. */
_Noreturn void crash_store_broken(const char *format, ...) PRINTF_LIKE(1, 2);

/* Opens DIRECTORY/data with two mountpaths; makes the buckets that the model does not know yet. */
void crash_store_open(struct crash_store *crash, const char *directory, bool is_background_off);
void crash_store_close(struct crash_store *crash);

void crash_store_key(unsigned number, char key[CRASH_KEY_SIZE]);

enum crash_read { CRASH_READ_ABSENT, CRASH_READ_WHOLE, CRASH_READ_CORRUPT, CRASH_READ_FAILED };

struct crash_read_result {
    uint64_t version; /* 0: absent */
    uint64_t size;
    char etag[CRASH_ETAG_SIZE];
};

/* Gets an object and compares every byte and the ETag with what the version in its metadata stands
 * for, according to the changes of the key; anything that no change explains breaks a promise. */
enum crash_read crash_store_read(struct crash_store *crash, unsigned bucket, unsigned key,
                                 int64_t settled_ns, struct crash_content *content,
                                 struct crash_read_result *ret_result);

#endif
