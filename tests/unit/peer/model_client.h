/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client of the model of ownership: it alone writes its keys, one request at a time, through
 * whichever node it likes, so that it knows exactly what each answer has to be.  A write without an
 * answer leaves two possibilities; such a key is given up, looked at once more at the end, and
 * another takes its place.
 */
#ifndef TESTS_UNIT_PEER_MODEL_CLIENT_H
#define TESTS_UNIT_PEER_MODEL_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/entropy.h"
#include "tests/unit/peer/model_http.h"

#define MODEL_SLOTS 24
#define MODEL_UPLOADS 3
#define MODEL_DOUBTS_MAX 256

/* What all clients and the scheduler share. */
struct model {
    pthread_mutex_t lock;
    char violation[512];       /* guarded by lock: the first */
    atomic_bool has_violation; /* all end */
    atomic_uint ports[MODEL_HTTP_NODES_MAX];
    atomic_uint disturbed_count; /* faults and starts that are going on */
    _Atomic int64_t calm_ns;     /* monotonic: the last one ended */
    _Atomic uint64_t op_count;
    _Atomic uint64_t unknown_count;
    _Atomic uint64_t excused_count; /* reads that failed in a disturbance */
    _Atomic uint64_t step_count;    /* of the scheduler: shown with a violation */
    uint64_t seed;
};

__attribute__((format(printf, 2, 3))) void model_violated(struct model *model, const char *fmt,
                                                          ...);

/* Content 0: absent.  Else it tells size and bytes. */
struct model_slot {
    char key[48];
    uint64_t generation;
    uint64_t content;
    char etag[48]; /* with its quotes, as answered */
};

struct model_doubt {
    char key[48];
    uint64_t contents[2];
};

struct model_upload {
    bool is_open;
    size_t slot;
    uint64_t generation; /* of the slot when it was begun */
    char id[128];
    uint64_t content; /* of all parts */
    char part_etags[2][48];
};

struct model_client {
    struct model *model;
    size_t number;
    uint64_t op_count_max;
    struct prng prng;
    struct model_http http;
    struct model_slot slots[MODEL_SLOTS];
    struct model_upload uploads[MODEL_UPLOADS];
    struct model_doubt doubts[MODEL_DOUBTS_MAX];
    size_t doubt_count;
    uint64_t content_count;
    uint64_t generation_count;
};

void model_client_init(struct model_client *client, struct model *model, size_t number,
                       uint64_t op_count_max);
/* op_count_max random operations, or until there is a violation; for pthread_create. */
void *model_client_main(void *client);
/* Everything is as it has to be; nothing disturbs. */
void model_client_verify(struct model_client *client);
void model_client_release(struct model_client *client);

#endif
