/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and directories below the roots, by device and inode number, and for each file the
 * changes of bytes and size that no sync has made durable yet, with what undoes them.
 * A node lives as long as the process; one whose last name is durably gone is dead and passes
 * everything through.  Any thread, between cut_gate_enter and cut_gate_leave.
 */
#ifndef TESTS_CUT_NODES_H
#define TESTS_CUT_NODES_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* What a disk writes as a whole: a torn write is cut at a multiple of this. */
#define CUT_SECTOR_SIZE 512
#define CUT_PAGE_SIZE 4096

enum {
    /* All or nothing, and before everything later in its range: truncate, punch, zero. */
    CUT_CHANGE_BARRIER = 1,
    /* Synced by itself (O_DSYNC) while older changes of the file are not. */
    CUT_CHANGE_DURABLE = 2,
    /* A failed sync has dropped it: it is in memory but never reaches the disk. */
    CUT_CHANGE_LOST = 4,
};

/* One change of a file.  Bytes from offset were old (then zeros up to length) before it. */
struct cut_change {
    uint64_t time;
    uint64_t offset;
    uint64_t length;
    uint64_t size_before;
    uint64_t size_after;
    unsigned char *old;
    uint64_t old_length;
    unsigned flags;
};

struct cut_node {
    dev_t device;
    ino_t inode;
    pthread_mutex_t lock;       /* guards what follows, and orders the file's changes */
    struct cut_change *changes; /* oldest first */
    uint64_t count;
    uint64_t capacity;
    uint64_t first; /* number of changes[0]: what went before is durable */
    int path_fd;    /* O_PATH; of a file only while it has changes */
    int read_fd;    /* opened when old bytes are first needed */
    bool is_directory;
    bool is_dead;
    struct cut_node *next; /* in its hash chain */
};

/* The node of an open descriptor, or NULL if none was made or it is dead. */
struct cut_node *cut_nodes_find(int fd);

/* The same for a descriptor about to be written to, however it was opened: a regular file below a
 * root gets a node now. */
struct cut_node *cut_nodes_adopt(int fd);

/* The node with this identity; made if there is none.  The caller knows it to be tracked. */
struct cut_node *cut_nodes_get(const struct stat *status);

/* A node for an inode that was created just now: forgets whatever had its number before. */
struct cut_node *cut_nodes_create(const struct stat *status);

/* Calls visit for every node that still has changes.  For the image. */
void cut_nodes_each(void (*visit)(struct cut_node *node, void *arg), void *arg);

/* A sync of everything that was changed up to the time. */
void cut_nodes_synced_all(uint64_t time);

/* Notes a change before it is made, saving the bytes it replaces.  fd is any open descriptor of
 * the node.  node->lock held from here until the change is made and cut_node_end was called. */
struct cut_change *cut_node_begin(struct cut_node *node, int fd, uint64_t offset, uint64_t length,
                                  unsigned flags);

/* The change turned out to be shorter, or (made false) did not happen. */
void cut_node_end(struct cut_node *node, int fd, struct cut_change *change, bool is_made,
                  uint64_t length);

/* The number after the last change noted so far: all of them are made. */
uint64_t cut_node_mark(struct cut_node *node);

/* A sync that began at mark has succeeded, or has failed and lost what it should have written. */
void cut_node_synced(struct cut_node *node, uint64_t mark);
void cut_node_lost(struct cut_node *node, uint64_t mark);

/* The last name is durably gone. */
void cut_node_kill(struct cut_node *node);

#endif
