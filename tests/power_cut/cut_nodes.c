/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_cut/cut_nodes.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "tests/power_cut/cut_calls.h"
#include "tests/power_cut/cut_config.h"
#include "tests/power_cut/cut_gate.h"

#include "base/banned.h"

/* Chains of the node table: some ten thousand files are usual. */
#define NODES_CHAINS 16384

static struct cut_node *chains[NODES_CHAINS];
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;

static struct cut_node **
chain_of(dev_t device, ino_t inode)
{
    uint64_t hash = ((uint64_t)inode + (uint64_t)device * 31) * UINT64_C(0x9e3779b97f4a7c15);
    return &chains[hash >> 50];
}

static struct cut_node *
find_locked(const struct stat *status)
{
    struct cut_node *node = *chain_of(status->st_dev, status->st_ino);
    while (node != NULL && (node->inode != status->st_ino || node->device != status->st_dev)) {
        node = node->next;
    }
    return node;
}

static struct cut_node *
add_locked(const struct stat *status)
{
    struct cut_node *node = xcalloc(1, sizeof(*node));
    node->device = status->st_dev;
    node->inode = status->st_ino;
    pthread_mutex_init(&node->lock, NULL);
    node->path_fd = -1;
    node->read_fd = -1;
    node->is_directory = S_ISDIR(status->st_mode);
    struct cut_node **chain = chain_of(status->st_dev, status->st_ino);
    node->next = *chain;
    *chain = node;
    return node;
}

struct cut_node *
cut_nodes_find(int fd)
{
    struct stat status;
    int saved = errno;
    if (fstat(fd, &status) != 0) {
        errno = saved;
        return NULL;
    }
    pthread_mutex_lock(&table_lock);
    struct cut_node *node = find_locked(&status);
    pthread_mutex_unlock(&table_lock);
    return node == NULL || node->is_dead ? NULL : node;
}

struct cut_node *
cut_nodes_adopt(int fd)
{
    char path[CUT_PATH_SIZE];
    struct stat status;
    struct cut_node *node = cut_nodes_find(fd);
    int saved = errno;
    if (node == NULL && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
        cut_config_path_of(fd, path) && cut_config_tracks(path)) {
        node = cut_nodes_get(&status);
    }
    errno = saved;
    return node;
}

struct cut_node *
cut_nodes_get(const struct stat *status)
{
    pthread_mutex_lock(&table_lock);
    struct cut_node *node = find_locked(status);
    if (node == NULL || node->is_dead) {
        /* A dead node stays behind in the chain: a descriptor may still be open. */
        node = add_locked(status);
    }
    pthread_mutex_unlock(&table_lock);
    return node;
}

struct cut_node *
cut_nodes_create(const struct stat *status)
{
    pthread_mutex_lock(&table_lock);
    struct cut_node *node = find_locked(status);
    if (node != NULL) {
        node->is_dead = true;
    }
    node = add_locked(status);
    pthread_mutex_unlock(&table_lock);
    return node;
}

void
cut_nodes_each(void (*visit)(struct cut_node *node, void *arg), void *arg)
{
    for (unsigned i = 0; i < NODES_CHAINS; i++) {
        for (struct cut_node *node = chains[i]; node != NULL; node = node->next) {
            if (!node->is_dead && !node->is_directory && node->count > 0) {
                visit(node, arg);
            }
        }
    }
}

static void
save_old_bytes(struct cut_node *node, int fd, struct cut_change *change)
{
    uint64_t end = change->offset + change->length;
    uint64_t known = end < change->size_before ? end : change->size_before;
    if (known <= change->offset) {
        return;
    }
    if (node->read_fd < 0) {
        node->read_fd = cut_sys_reopen(fd, O_RDONLY);
        if (node->read_fd < 0) {
            cut_die("cannot read back a tracked file: %s", strerror(errno));
        }
    }
    change->old_length = known - change->offset;
    change->old = xcalloc(1, change->old_length);
    uint64_t done = 0;
    while (done < change->old_length) {
        ssize_t got = syscall(SYS_pread64, node->read_fd, change->old + done,
                              change->old_length - done, change->offset + done);
        if (got < 0 && errno != EINTR) {
            cut_die("cannot read back a tracked file: %s", strerror(errno));
        }
        if (got == 0) {
            break;
        }
        done += got > 0 ? (uint64_t)got : 0;
    }
}

struct cut_change *
cut_node_begin(struct cut_node *node, int fd, uint64_t offset, uint64_t length, unsigned flags)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        cut_die("fstat of a tracked file: %s", strerror(errno));
    }
    if (node->path_fd < 0) {
        node->path_fd = cut_sys_reopen(fd, O_PATH);
    }
    if (node->count == node->capacity) {
        node->capacity = node->capacity == 0 ? 8 : node->capacity * 2;
        node->changes = xrealloc_array(node->changes, node->capacity, sizeof(*node->changes));
    }
    struct cut_change *change = &node->changes[node->count++];
    *change = (struct cut_change){.time = cut_gate_time(),
                                  .offset = offset,
                                  .length = length,
                                  .size_before = (uint64_t)status.st_size,
                                  .size_after = (uint64_t)status.st_size,
                                  .flags = flags};
    save_old_bytes(node, fd, change);
    return change;
}

static void
forget_change(struct cut_change *change)
{
    free(change->old);
    change->old = NULL;
}

/* Nothing is left to undo: the file needs no descriptor of ours.  The one for reading stays, since
 * closing it would drop the record locks that the process has on the file. */
static void
rest(struct cut_node *node)
{
    if (node->count == 0 && node->path_fd >= 0 && !node->is_directory) {
        syscall(SYS_close, node->path_fd);
        node->path_fd = -1;
    }
}

void
cut_node_end(struct cut_node *node, int fd, struct cut_change *change, bool is_made,
             uint64_t length)
{
    int saved = errno;
    struct stat status;
    if (!is_made) {
        forget_change(change);
        node->count--;
        rest(node);
        errno = saved;
        return;
    }
    if (fstat(fd, &status) == 0) {
        change->size_after = (uint64_t)status.st_size;
    }
    if (length < change->length) {
        change->length = length;
        change->old_length = change->old_length < length ? change->old_length : length;
    }
    errno = saved;
}

uint64_t
cut_node_mark(struct cut_node *node)
{
    pthread_mutex_lock(&node->lock);
    uint64_t mark = node->first + node->count;
    pthread_mutex_unlock(&node->lock);
    return mark;
}

static uint64_t
count_before(const struct cut_node *node, uint64_t mark)
{
    if (mark <= node->first) {
        return 0;
    }
    return mark - node->first < node->count ? mark - node->first : node->count;
}

static void
drop_front(struct cut_node *node, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        forget_change(&node->changes[i]);
    }
    node->count -= count;
    node->first += count;
    memmove(node->changes, node->changes + count, node->count * sizeof(*node->changes));
    rest(node);
}

void
cut_node_synced(struct cut_node *node, uint64_t mark)
{
    pthread_mutex_lock(&node->lock);
    uint64_t count = count_before(node, mark);
    uint64_t clean = 0;
    while (clean < count && (node->changes[clean].flags & CUT_CHANGE_LOST) == 0) {
        clean++;
    }
    for (uint64_t i = clean; i < count; i++) {
        if ((node->changes[i].flags & CUT_CHANGE_LOST) == 0) {
            node->changes[i].flags |= CUT_CHANGE_DURABLE;
        }
    }
    drop_front(node, clean);
    pthread_mutex_unlock(&node->lock);
}

void
cut_node_lost(struct cut_node *node, uint64_t mark)
{
    pthread_mutex_lock(&node->lock);
    uint64_t count = count_before(node, mark);
    for (uint64_t i = 0; i < count; i++) {
        if ((node->changes[i].flags & CUT_CHANGE_DURABLE) == 0) {
            node->changes[i].flags |= CUT_CHANGE_LOST;
        }
    }
    pthread_mutex_unlock(&node->lock);
}

void
cut_node_kill(struct cut_node *node)
{
    pthread_mutex_lock(&node->lock);
    drop_front(node, node->count);
    node->is_dead = true;
    if (node->path_fd >= 0) {
        syscall(SYS_close, node->path_fd);
        node->path_fd = -1;
    }
    if (node->read_fd >= 0) {
        syscall(SYS_close, node->read_fd);
        node->read_fd = -1;
    }
    pthread_mutex_unlock(&node->lock);
}

void
cut_nodes_synced_all(uint64_t time)
{
    pthread_mutex_lock(&table_lock);
    for (unsigned i = 0; i < NODES_CHAINS; i++) {
        for (struct cut_node *node = chains[i]; node != NULL; node = node->next) {
            if (node->is_directory || node->is_dead) {
                continue;
            }
            pthread_mutex_lock(&node->lock);
            uint64_t mark = node->first;
            while (mark - node->first < node->count &&
                   node->changes[mark - node->first].time <= time) {
                mark++;
            }
            pthread_mutex_unlock(&node->lock);
            cut_node_synced(node, mark);
        }
    }
    pthread_mutex_unlock(&table_lock);
}
