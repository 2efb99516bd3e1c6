/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packs that may know more than the log: the last two that it registered (entries are still
 * written to the one before when the next is begun), and, if the log lost its end, those that it
 * never came to register.  Within a pack the numbers grow with the offsets, as far as concurrent
 * writers allow, so the end is what counts; it is found by bisection, since space behind it is
 * zeros or belongs to the pack that the file was before.
 */
#include "store/pack_witness.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/check.h"
#include "base/encode.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "store/home_internal.h"
#include "store/pack_format.h"
#include "store/pack_set.h"
#include "store/path_open.h"

#include "base/banned.h"

/* As large as an entry can be, so that space in use always shows a header. */
#define PROBE_BYTES                                                                                \
    (PACK_ENTRY_HEADER_BYTES + PACK_DATA_BYTES_MAX + META_KEY_NAME_MAX + PACK_ALIGN_BYTES)
/* Unregistered packs looked at: those kept for reuse, the next one, and what crashes left. */
#define UNREGISTERED_MAX 64

struct witness {
    struct home *home;
    char *probe; /* PROBE_BYTES */
    uint64_t pack_id;
    uint64_t batch; /* the latest that an entry knows of */
};

/* The greatest number among the entries that begin in [offset, offset + PROBE_BYTES); false: there
 * are none, or they cannot be read. */
static bool
probe(const struct witness *witness, const struct pack *pack, uint64_t offset, uint64_t *batch)
{
    uint64_t left = pack->capacity_bytes - offset;
    size_t size = left < PROBE_BYTES ? (size_t)left : (size_t)PROBE_BYTES;
    bool is_found = false;

    if (read_exactly(pack->fd, witness->probe, size, (off_t)offset, READ_MAY_WAIT,
                     "pack_witness_read", NULL) != ST_OK) {
        return false;
    }
    for (size_t at = 0; at + PACK_ENTRY_HEADER_BYTES <= size; at += PACK_ALIGN_BYTES) {
        const unsigned char *header = (const unsigned char *)witness->probe + at;
        struct pack_entry entry;

        if (header[0] == 'L' && pack_entry_decode(header, &entry, NULL) == ST_OK &&
            entry.pack_id == pack->id) {
            is_found = true;
            *batch = entry.synced_batch > *batch ? entry.synced_batch : *batch;
        }
    }
    return is_found;
}

static uint64_t
last_batch(const struct witness *witness, const struct pack *pack)
{
    uint64_t low = 0; /* in probes: there are entries here */
    uint64_t high = (pack->capacity_bytes - PACK_HEADER_BYTES) / PROBE_BYTES + 1; /* none here */
    uint64_t batch = 0;

    if (!probe(witness, pack, PACK_HEADER_BYTES, &batch)) {
        return 0; /* made ahead, or kept for reuse */
    }
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        if (PACK_HEADER_BYTES + middle * PROBE_BYTES < pack->capacity_bytes &&
            probe(witness, pack, PACK_HEADER_BYTES + middle * PROBE_BYTES, &batch)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return batch;
}

static void
hear(struct witness *witness, uint64_t pack_id)
{
    struct pack *pack = NULL;
    uint64_t batch;

    if (pack_id == 0 ||
        pack_acquire(witness->home->packs, pack_id, READ_MAY_WAIT, &pack, NULL) != ST_OK) {
        return;
    }
    batch = last_batch(witness, pack);
    if (batch > witness->batch) {
        witness->batch = batch;
        witness->pack_id = pack_id;
    }
    pack_release(pack);
}

static bool
is_registered(struct home *home, uint64_t pack_id)
{
    struct meta_value value = META_VALUE_INIT;
    struct meta_key key;
    enum status st;

    meta_key_pack(&key, pack_id);
    st = meta_db_get(home->db, FAMILY_PACK, meta_key_bytes(&key), true, &value, NULL);
    meta_value_release(&value);
    return st != ST_NOT_FOUND;
}

/* One name and one look at the records for each pack: some 16 thousand to a TiB of small objects.
 */
static void
hear_unregistered(struct witness *witness)
{
    int fd = openat(witness->home->directory_fd, "packs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    size_t count = 0;

    if (entries == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    while (count < UNREGISTERED_MAX && (entry = readdir(entries)) != NULL) {
        unsigned char id[8];

        if (strlen(entry->d_name) == 2 * sizeof(id) &&
            decode_hex(bytes_of_string(entry->d_name), id) == ST_OK &&
            !is_registered(witness->home, decode_u64_be(id))) {
            hear(witness, decode_u64_be(id));
            count++;
        }
    }
    closedir(entries);
}

enum status
pack_witness_check(struct home *home, struct error *err)
{
    struct witness witness = {.home = home, .probe = xmalloc(PROBE_BYTES)};
    uint64_t last = atomic_load(&home->published_batch);

    for (size_t i = 0; i < ARRAY_COUNT(home->newest_packs); i++) {
        hear(&witness, atomic_load(&home->newest_packs[i]));
    }
    hear_unregistered(&witness);
    free(witness.probe);
    /* What is published may grow meanwhile, when a running store is checked; what packs know of
     * was published before. */
    if (witness.batch > last && witness.batch > atomic_load(&home->published_batch)) {
        return fail(err, ST_CORRUPT,
                    "mountpath %s: pack %016" PRIx64 " was written when batch %" PRIu64
                    " was on disk, and its records end with batch %" PRIu64
                    ": acknowledged writes are missing",
                    home->directory, witness.pack_id, witness.batch, last);
    }
    return ST_OK;
}
