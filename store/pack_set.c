/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pack_set_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/disk_sync.h"
#include "base/entropy.h"
#include "base/fault.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/home_internal.h"
#include "store/home_metrics.h"
#include "store/pack_format.h"
#include "store/path_open.h"

#include "base/banned.h"

void
pack_format_path(char *out, uint64_t id)
{
    snprintf(out, PACK_PATH_SIZE, "packs/%016" PRIx64, id);
}

struct pack_set *
pack_set_create(struct home *home, uint64_t pack_bytes)
{
    struct pack_set *set = xcalloc(1, sizeof(*set));

    set->home = home;
    set->pack_bytes = pack_bytes;
    CHECK(pthread_mutex_init(&set->lock, NULL) == 0);
    CHECK(pthread_cond_init(&set->created, NULL) == 0);
    list_init(&set->idle);
    return set;
}

/* Take the pack out of the table; the caller closes it without the lock. */
static void
unlink_locked(struct pack_set *set, struct pack *pack)
{
    struct pack **link = &set->slots[pack->id % PACK_SET_SLOT_COUNT];

    while (*link != pack) {
        link = &(*link)->next_in_slot;
    }
    *link = pack->next_in_slot;
    if (list_is_linked(&pack->idle)) {
        list_remove(&pack->idle);
    }
    set->open_count--;
}

static void
destroy_pack(struct pack *pack)
{
    if (pack != NULL) {
        close(pack->fd);
        free(pack);
    }
}

void
pack_set_destroy(struct pack_set **take_set)
{
    struct pack_set *set = *take_set;

    if (set == NULL) {
        return;
    }
    pack_remove_unregistered(set);
    for (size_t i = 0; i < PACK_SET_SLOT_COUNT; i++) {
        while (set->slots[i] != NULL) {
            struct pack *pack = set->slots[i];

            CHECK(pack->reservation_count == 0);
            CHECK(pack->holder_count == (uint32_t)(pack == set->active || pack == set->spare));
            unlink_locked(set, pack);
            destroy_pack(pack);
        }
    }
    buffer_release(&set->protected_ids);
    pthread_cond_destroy(&set->created);
    pthread_mutex_destroy(&set->lock);
    free(set);
    *take_set = NULL;
}

static struct pack *
find_locked(struct pack_set *set, uint64_t id)
{
    struct pack *pack = set->slots[id % PACK_SET_SLOT_COUNT];

    while (pack != NULL && pack->id != id) {
        pack = pack->next_in_slot;
    }
    return pack;
}

static void
hold_locked(struct pack *pack)
{
    if (pack->holder_count++ == 0 && list_is_linked(&pack->idle)) {
        list_remove(&pack->idle);
    }
}

/* A pack that must be closed now because too many are open, or NULL. */
static struct pack *
let_go_locked(struct pack *pack)
{
    struct pack_set *set = pack->set;
    struct list *node;
    struct pack *victim = NULL;

    CHECK(pack->holder_count > 0);
    if (--pack->holder_count > 0) {
        return NULL;
    }
    list_append(&set->idle, &pack->idle);
    node = set->idle.next;
    if (set->open_count > PACK_OPEN_MAX && node != &set->idle) {
        victim = CONTAINER_OF(struct pack, idle, node);
        if (atomic_load(&victim->is_dirty)) {
            return NULL; /* a lazy sync comes for it */
        }
        unlink_locked(set, victim);
    }
    return victim;
}

static struct pack *
insert_locked(struct pack_set *set, uint64_t id, int fd, uint64_t capacity_bytes)
{
    struct pack *pack = xcalloc(1, sizeof(*pack));

    pack->set = set;
    pack->id = id;
    pack->fd = fd;
    pack->capacity_bytes = capacity_bytes;
    pack->tail = PACK_HEADER_BYTES;
    pack->is_sealed = true;
    list_init(&pack->idle);
    pack->next_in_slot = set->slots[id % PACK_SET_SLOT_COUNT];
    set->slots[id % PACK_SET_SLOT_COUNT] = pack;
    set->open_count++;
    return pack;
}

/* A home whose disk failed is given up; one that is full is not. */
static enum status
fail_creation(struct pack_set *set, const char *step, struct error *err)
{
    struct error local = ERROR_INIT;
    enum status st;

    if (errno == ENOSPC || errno == EDQUOT) {
        return fail_errno(err, ST_NO_SPACE, "%s: no space for a pack", set->home->directory);
    }
    st = fail_errno(&local, ST_IO, "%s: %s a pack failed", set->home->directory, step);
    if (errno != EMFILE && errno != ENFILE) {
        home_quarantine(set->home, &local);
    }
    if (err != NULL) {
        *err = local;
    }
    return st;
}

/* Header written, space allocated, all of it durable: the pack may be named by a commit. */
static enum status
fill_new_pack(struct pack_set *set, int fd, uint64_t id, uint64_t capacity_bytes, struct error *err)
{
    unsigned char block[PACK_HEADER_BYTES];
    struct pack_header header = {.pack_id = id, .capacity_bytes = capacity_bytes};
    struct iovec iov = {block, sizeof(block)};

    memcpy(header.home_uuid, set->home->uuid, sizeof(header.home_uuid));
    pack_header_encode(&header, block);
    if (allocate_space(fd, 0, (off_t)capacity_bytes, "pack_allocate") != 0) {
        return fail_creation(set, "allocating", err);
    }
    if (write_fully(fd, &iov, 1, 0, "pack_header_write") != 0) {
        return fail_creation(set, "writing", err);
    }
    if (home_sync_file(set->home, HOME_SYNC_PACK, fd, "pack_header_sync") != 0) {
        return fail_creation(set, "syncing", err);
    }
    if (home_sync_directory_at(set->home, "packs", "pack_directory_sync") != 0) {
        return fail_creation(set, "syncing the directory of", err);
    }
    return ST_OK;
}

static enum status
create_file(struct pack_set *set, uint64_t id, struct pack **ret_pack, struct error *err)
{
    char path[PACK_PATH_SIZE];
    enum status st;
    int sys_errno = FAULT_ERRNO("pack_create");
    int fd = -1;

    pack_format_path(path, id);
    if (sys_errno == 0) {
        fd = openat(set->home->directory_fd, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    } else {
        errno = sys_errno;
    }
    if (fd < 0) {
        return fail_creation(set, "creating", err);
    }
    st = fill_new_pack(set, fd, id, set->pack_bytes, err);
    if (st != ST_OK) {
        close(fd);
        unlinkat(set->home->directory_fd, path, 0);
        return st;
    }
    WITH_LOCK (&set->lock) {
        *ret_pack = insert_locked(set, id, fd, set->pack_bytes);
        hold_locked(*ret_pack);
    }
    return ST_OK;
}

/* A free pack if there is one, else a new file; held, not yet active. */
static enum status
make_pack(struct pack_set *set, struct pack **ret_pack, struct error *err)
{
    uint64_t id = 0;
    bool is_reused = false;
    enum status st;

    WITH_LOCK (&set->lock) {
        if (set->free_count > 0) {
            id = set->free_ids[--set->free_count];
            buffer_append(&set->protected_ids, &id, sizeof(id));
            is_reused = true;
        }
    }
    if (is_reused) {
        st = pack_acquire(set, id, READ_MAY_WAIT, ret_pack, NULL);
        pack_unprotect(set, id);
        if (st == ST_OK) {
            return ST_OK;
        }
    }
    id = entropy_u64();
    pack_protect(set, id);
    st = create_file(set, id, ret_pack, err);
    pack_unprotect(set, id);
    return st;
}

/* What a reservation finds. */
enum reserve_outcome { RESERVED, MUST_CREATE, MUST_WAIT };

static enum reserve_outcome
try_reserve_locked(struct pack_set *set, uint64_t space_bytes, struct pack **ret_pack,
                   uint64_t *ret_offset, struct pack **ret_closing)
{
    struct pack *active = set->active;

    if (active != NULL && active->capacity_bytes - active->tail < space_bytes) {
        active->is_sealed = true;
        set->active = NULL;
        *ret_closing = let_go_locked(active);
        active = NULL;
    }
    if (active == NULL && set->spare != NULL) {
        active = set->active = set->spare;
        active->is_sealed = false;
        set->spare = NULL;
    }
    if (active == NULL) {
        if (set->is_creating) {
            return MUST_WAIT;
        }
        set->is_creating = true;
        return MUST_CREATE;
    }
    *ret_pack = active;
    *ret_offset = active->tail;
    active->tail += space_bytes;
    active->reservation_count++;
    hold_locked(active);
    return RESERVED;
}

/* Makes a pack the spare one; is_creating was set by the caller. */
static enum status
create_spare(struct pack_set *set, struct error *err)
{
    struct pack *pack = NULL;
    enum status st = make_pack(set, &pack, err);

    WITH_LOCK (&set->lock) {
        if (st == ST_OK) {
            CHECK(set->spare == NULL);
            set->spare = pack;
        }
        set->is_creating = false;
        CHECK(pthread_cond_broadcast(&set->created) == 0);
    }
    return st;
}

enum status
pack_reserve(struct pack_set *set, uint64_t space_bytes, struct pack **ret_pack,
             uint64_t *ret_offset, struct error *err)
{
    enum reserve_outcome outcome;
    enum status st = ST_OK;

    CHECK(space_bytes <= set->pack_bytes - PACK_HEADER_BYTES);
    do {
        struct pack *closing = NULL;

        outcome = MUST_WAIT;
        WITH_LOCK (&set->lock) {
            outcome = try_reserve_locked(set, space_bytes, ret_pack, ret_offset, &closing);
            if (outcome == MUST_WAIT) {
                CHECK(pthread_cond_wait(&set->created, &set->lock) == 0);
            }
        }
        destroy_pack(closing);
        if (outcome == MUST_CREATE) {
            st = create_spare(set, err);
        }
    } while (outcome != RESERVED && st == ST_OK);
    return st;
}

void
pack_release_reservation(struct pack *pack)
{
    struct pack_set *set = pack->set;

    WITH_LOCK (&set->lock) {
        CHECK(pack->reservation_count > 0);
        pack->reservation_count--;
    }
    pack_release(pack);
}

void
pack_set_prepare(struct pack_set *set)
{
    struct error err = ERROR_INIT;
    bool must_create = false;

    WITH_LOCK (&set->lock) {
        struct pack *active = set->active;

        must_create = active != NULL && active->tail > active->capacity_bytes / 2 &&
                      set->spare == NULL && !set->is_creating;
        set->is_creating = set->is_creating || must_create;
    }
    if (must_create && create_spare(set, &err) != ST_OK) {
        log_debug(NULL, "pack_not_prepared", "%s", err.text);
    }
}

static enum status
check_pack_header(struct pack_set *set, int fd, uint64_t id, enum read_mode mode,
                  struct pack_header *ret_header, struct error *err)
{
    unsigned char block[PACK_HEADER_BYTES];
    enum status st = read_exactly(fd, block, sizeof(block), 0, mode, "pack_header_read", err);

    if (st == ST_OK) {
        st = pack_header_decode(block, ret_header, err);
    }
    if (st == ST_OK && (ret_header->pack_id != id || memcmp(ret_header->home_uuid, set->home->uuid,
                                                            sizeof(ret_header->home_uuid)) != 0)) {
        st = fail(err, ST_CORRUPT, "%s: pack %016" PRIx64 " holds another pack's header",
                  set->home->directory, id);
    }
    return st;
}

static enum status
open_pack(struct pack_set *set, uint64_t id, enum read_mode mode, struct pack **ret_pack,
          struct error *err)
{
    struct pack_header header;
    char path[PACK_PATH_SIZE];
    struct pack *pack;
    enum status st;
    int fd = -1;

    pack_format_path(path, id);
    st = open_path(set->home->directory_fd, path, set->home->is_read_only ? O_RDONLY : O_RDWR, mode,
                   &fd, err);
    if (st != ST_OK) {
        return st == ST_NOT_FOUND ? fail(err, ST_CORRUPT, "%s: pack %016" PRIx64 " is missing",
                                         set->home->directory, id)
                                  : st;
    }
    st = check_pack_header(set, fd, id, mode, &header, err);
    if (st != ST_OK) {
        close(fd);
        return st;
    }
    WITH_LOCK (&set->lock) {
        pack = find_locked(set, id);
        if (pack == NULL) { /* else another thread was faster */
            pack = insert_locked(set, id, fd, header.capacity_bytes);
            fd = -1;
        }
        hold_locked(pack);
        *ret_pack = pack;
    }
    if (fd >= 0) {
        close(fd);
    }
    return ST_OK;
}

struct pack *
pack_find(struct pack_set *set, uint64_t id)
{
    struct pack *pack = NULL;

    WITH_LOCK (&set->lock) {
        pack = find_locked(set, id);
        if (pack != NULL) {
            hold_locked(pack);
        }
    }
    return pack;
}

enum status
pack_acquire(struct pack_set *set, uint64_t id, enum read_mode mode, struct pack **ret_pack,
             struct error *err)
{
    struct pack *pack = pack_find(set, id);

    if (pack != NULL) {
        *ret_pack = pack;
        return ST_OK;
    }
    return open_pack(set, id, mode, ret_pack, err);
}

void
pack_release(struct pack *pack)
{
    struct pack *closing = NULL;

    WITH_LOCK (&pack->set->lock) {
        closing = let_go_locked(pack);
    }
    destroy_pack(closing);
}

/* Index among the protected ids, or SIZE_MAX. */
static size_t
find_protected_locked(const struct pack_set *set, uint64_t id)
{
    const uint64_t *ids = (const uint64_t *)(const void *)set->protected_ids.data;
    size_t count = set->protected_ids.size / sizeof(*ids);

    for (size_t i = 0; i < count; i++) {
        if (ids[i] == id) {
            return i;
        }
    }
    return SIZE_MAX;
}

void
pack_protect(struct pack_set *set, uint64_t id)
{
    WITH_LOCK (&set->lock) {
        buffer_append(&set->protected_ids, &id, sizeof(id));
    }
}

void
pack_unprotect(struct pack_set *set, uint64_t id)
{
    WITH_LOCK (&set->lock) {
        uint64_t *ids = (uint64_t *)(void *)set->protected_ids.data;
        size_t at = find_protected_locked(set, id);

        if (at != SIZE_MAX) {
            set->protected_ids.size -= sizeof(*ids);
            ids[at] = ids[set->protected_ids.size / sizeof(*ids)];
        }
    }
}

bool
pack_is_collectable(struct pack_set *set, uint64_t id)
{
    struct pack *pack;
    bool is_collectable = false;

    WITH_LOCK (&set->lock) {
        pack = find_locked(set, id);
        is_collectable = pack == NULL || (pack->is_sealed && pack->reservation_count == 0 &&
                                          pack->holder_count == 0);
        for (size_t i = 0; i < set->free_count; i++) {
            is_collectable = is_collectable && set->free_ids[i] != id;
        }
        is_collectable = is_collectable && find_protected_locked(set, id) == SIZE_MAX;
    }
    return is_collectable;
}

void
pack_mark_dirty(struct pack *pack)
{
    atomic_store(&pack->is_dirty, true);
}

/* A dirty pack, held, with its mark taken away before the sync that follows. */
static struct pack *
take_dirty(struct pack_set *set)
{
    struct pack *found = NULL;

    WITH_LOCK (&set->lock) {
        for (size_t i = 0; i < PACK_SET_SLOT_COUNT && found == NULL; i++) {
            for (struct pack *pack = set->slots[i]; pack != NULL && found == NULL;
                 pack = pack->next_in_slot) {
                if (atomic_exchange(&pack->is_dirty, false)) {
                    hold_locked(pack);
                    found = pack;
                }
            }
        }
    }
    return found;
}

enum status
pack_set_sync_dirty(struct pack_set *set, struct error *err)
{
    struct pack *pack;
    enum status st = ST_OK;

    while (st == ST_OK && (pack = take_dirty(set)) != NULL) {
        if (home_sync_file(set->home, HOME_SYNC_PACK, pack->fd, "pack_lazy_sync") != 0) {
            st = fail_errno(err, ST_IO, "%s: syncing pack %016" PRIx64 " failed",
                            set->home->directory, pack->id);
        }
        pack_release(pack);
    }
    return st;
}

bool
pack_forget(struct pack_set *set, uint64_t id, uint64_t *ret_capacity_bytes)
{
    struct pack *pack = NULL;
    bool is_held = false;

    if (pack_acquire(set, id, READ_MAY_WAIT, &pack, NULL) != ST_OK) {
        *ret_capacity_bytes = 0; /* missing or damaged: only good for removal */
        return true;
    }
    *ret_capacity_bytes = pack->capacity_bytes;
    WITH_LOCK (&set->lock) {
        is_held = pack->holder_count > 1;
        if (!is_held) {
            unlink_locked(set, pack);
        }
    }
    if (is_held) {
        pack_release(pack);
    } else {
        destroy_pack(pack);
    }
    return !is_held;
}
