/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets that are processes of their own, so that one can be killed: forked from a test that has
 * opened no RocksDB, each with its store, its peer listener and its own control values (the same
 * bucket "photos" with the same id).  The test sends commands, one at a time.
 */
#ifndef TESTS_UNIT_PEER_TARGET_PROCESS_H
#define TESTS_UNIT_PEER_TARGET_PROCESS_H

#include <sys/types.h>

#include "meta/upload_record.h"
#include "tests/unit/peer/map_shape.h"

enum target_verb {
    TARGET_ARM,       /* the fault point `text`, its number-th passing kills */
    TARGET_STOP,      /* acknowledge the pending map `shape` */
    TARGET_ACTIVATE,  /* the map `shape` */
    TARGET_REBALANCE, /* its thread starts */
    TARGET_IS_DONE,   /* with the stage of `shape`? */
    TARGET_PUT,       /* key `text` with size and content of number */
    TARGET_DELETE,
    TARGET_GET,      /* reply.number: that of its content */
    TARGET_LIST,     /* reply.number keys, all in order and none twice; the hash of all names */
    TARGET_UPLOAD,   /* create, one part, complete; reply.id */
    TARGET_BEGIN,    /* create, one part; reply.id and reply.etag */
    TARGET_COMPLETE, /* of id, with the part of etag; again, if it was */
    TARGET_CREATE,   /* an upload without parts; reply.id */
    TARGET_FIND,     /* of the id that target `number` gave: which target has it? reply.number */
    TARGET_PART,     /* of id, here: part_number with size and content of number */
    TARGET_FINISH,   /* complete, here, of all parts; reply.number: how many */
    TARGET_ABORT,    /* here */
    TARGET_UPLOADS,  /* reply.number open ones in the listing; the hash of all ids */
    TARGET_COUNT,    /* reply.number records, reply.mark_count marks, reply.upload_count of uploads
                        and parts, of all kinds */
    TARGET_CHECK,    /* fsck; reply.number findings */
    TARGET_CLEANUP,  /* forced; reply.number removed, mark_count quarantined, left_count */
    TARGET_QUIT
};

struct target_command {
    enum target_verb verb;
    char text[64];
    uint64_t number;
    uint32_t part_number;
    size_t size;
    struct upload_id id;
    char etag[64];
    struct map_shape shape;
};

struct target_reply {
    enum status status;
    uint64_t number;
    uint64_t mark_count;
    uint64_t left_count;
    uint64_t upload_count;
    uint64_t names_hash;
    bool is_done;
    struct upload_id id;
    char etag[64];
    uint16_t peer_port; /* the first reply, after the start */
    uint16_t public_port;
    char text[256];
};

struct target_process {
    pid_t pid; /* 0: not running */
    int fd;
    uint16_t peer_port;
    uint16_t public_port;
};

/* Starts target-<index + 1> below directory with that map, and waits until it listens. */
void target_process_start(struct target_process *process, const char *directory, size_t index,
                          const struct map_shape *shape);
/* False: the process is dead by now (killed by its fault point; anything else fails the test). */
bool target_process_ask(struct target_process *process, const struct target_command *command,
                        struct target_reply *ret_reply);
/* Ends it in order; its store is closed. */
void target_process_quit(struct target_process *process);

/* The content of that number is the same in every process. */
#define TARGET_CONTENT_BYTES_MAX ((size_t)1 << 20)

#endif
