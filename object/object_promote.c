/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_promote.h"

#include <errno.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "object/object_get.h"
#include "object/object_put.h"

#include "base/banned.h"

/* What is read at a time. */
#define PROMOTE_BUFFER_BYTES ((size_t)256 << 10)

static enum status
read_some(const struct promote_source *source, uint64_t offset, char *buffer, size_t *ret_size,
          struct error *err)
{
    uint64_t left = (uint64_t)source->facts.st_size - offset;
    size_t wanted = left < PROMOTE_BUFFER_BYTES ? (size_t)left : PROMOTE_BUFFER_BYTES;
    ssize_t got;

    do {
        errno = FAULT_ERRNO("promote_read");
        got = errno != 0 ? -1 : pread(source->fd, buffer, wanted, (off_t)offset);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return fail_errno(err, ST_IO, "a file that is promoted cannot be read");
    }
    if (got == 0) {
        return fail(err, ST_CONFLICT, "the file became shorter while it was promoted");
    }
    *ret_size = (size_t)got;
    return ST_OK;
}

static enum status
copy_bytes(const struct promote_source *source, struct sink *sink, const atomic_bool *is_stopped,
           struct error *err)
{
    char *buffer = xmalloc_aligned(PROMOTE_BUFFER_BYTES);
    uint64_t size = (uint64_t)source->facts.st_size;
    uint64_t offset = 0;
    enum status st = ST_OK;

    while (offset < size && st == ST_OK) {
        size_t got = 0;

        if (is_stopped != NULL && atomic_load(is_stopped)) {
            st = fail(err, ST_CANCELLED, "stopped");
            break;
        }
        st = read_some(source, offset, buffer, &got, err);
        if (st == ST_OK) {
            st = sink_write(sink, bytes_of(buffer, got), err);
            offset += got;
        }
    }
    free(buffer);
    return st;
}

static enum status
write_object(const struct bucket *bucket, const struct promote_source *source,
             const struct object_promote_options *options, struct error *err)
{
    const struct native_put_options native = {.type = bucket->properties.native_checksum};
    const struct object_put_options put_options = {
        .key = options->key,
        .size = (uint64_t)source->facts.st_size,
        .conditions = {.if_none_match = options->overwrites ? BYTES_NONE : BYTES_LITERAL("*")},
        .native = &native,
    };
    struct object_put_result result;
    struct object_put *put = NULL;
    enum status st = object_put_open(bucket, &put_options, &put, err);

    if (st == ST_OK) {
        st = copy_bytes(source, object_put_sink(put), options->is_stopped, err);
    }
    if (st == ST_OK) {
        st = sink_finish(object_put_sink(put), err);
    }
    if (st == ST_OK) {
        st = promote_source_check(source, err); /* else it might be half of each version */
    }
    if (st == ST_OK) {
        st = object_put_commit(put, &result, err);
    }
    object_put_release(&put);
    return st;
}

/* Has the object, if it is one of this node, the bytes of the file? */
static bool
is_same(const struct bucket *bucket, const struct promote_source *source, struct bytes key)
{
    struct object_get_options options = {.key = key, .is_head = true, .mode = READ_MAY_WAIT};
    struct object_get_result found;
    struct native_digest digest = {.type = NATIVE_CHECKSUM_NONE};
    struct native_checksum checksum;
    struct arena arena = ARENA_INIT;
    uint64_t size = (uint64_t)source->facts.st_size;
    char *buffer = xmalloc_aligned(PROMOTE_BUFFER_BYTES);
    enum status st = object_get(bucket, &options, &arena, &found, NULL);
    bool is = st == ST_OK && found.record.size == size &&
              found.record.native_checksum.type != NATIVE_CHECKSUM_NONE;

    if (is) {
        native_digest_init(&digest, found.record.native_checksum.type);
        for (uint64_t offset = 0; offset < size && st == ST_OK;) {
            size_t got = 0;

            st = read_some(source, offset, buffer, &got, NULL);
            native_digest_update(&digest, bytes_of(buffer, got));
            offset += got;
        }
        native_digest_final(&digest, &checksum);
        native_digest_release(&digest);
        is = st == ST_OK && promote_source_check(source, NULL) == ST_OK &&
             native_checksum_equal(&checksum, &found.record.native_checksum);
    }
    free(buffer);
    arena_release(&arena);
    return is;
}

enum status
object_promote(const struct bucket *bucket, const struct promote_source *source,
               const struct object_promote_options *options,
               struct object_promote_result *ret_result, struct error *err)
{
    struct object_promote_result result = {.size = (uint64_t)source->facts.st_size};
    enum status st;

    assert_on_worker();
    CHECK(!source->is_directory);
    st = write_object(bucket, source, options, err);
    if (st == ST_PRECONDITION && !options->overwrites) {
        result.outcome = options->is_repeated && is_same(bucket, source, options->key)
                             ? PROMOTE_WRITTEN
                             : PROMOTE_KEPT;
        st = ST_OK;
    }
    if (st == ST_OK && result.outcome == PROMOTE_WRITTEN && options->removes_source) {
        FAULT_KILL("promote_before_removal");
        st = promote_source_remove(source, err);
    }
    if (st == ST_OK) {
        *ret_result = result;
    }
    return st;
}
