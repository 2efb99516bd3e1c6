/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch keeps its operations as plain bytes until it meets a database, because RocksDB's own
 * batch needs the handles of one.  One copy more of some 200 bytes; batches stay independent.
 */
#include <errno.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "meta/meta_internal.h"

#include "base/banned.h"

enum operation_kind { OPERATION_PUT, OPERATION_DELETE, OPERATION_DELETE_RANGE, OPERATION_MERGE };

struct operation {
    uint8_t kind;
    uint8_t family;
    uint32_t first_size;
    uint32_t second_size;
};

struct meta_batch *
meta_batch_create(void)
{
    struct meta_batch *batch = xcalloc(1, sizeof(*batch));

    batch->operations = BUFFER_INIT;
    return batch;
}

void
meta_batch_destroy(struct meta_batch **take_batch)
{
    if (*take_batch != NULL) {
        buffer_release(&(*take_batch)->operations);
        free(*take_batch);
        *take_batch = NULL;
    }
}

void
meta_batch_clear(struct meta_batch *batch)
{
    buffer_clear(&batch->operations);
    batch->count = 0;
}

static void
append(struct meta_batch *batch, enum operation_kind kind, enum family family, struct bytes first,
       struct bytes second)
{
    struct operation operation = {(uint8_t)kind, (uint8_t)family, (uint32_t)first.size,
                                  (uint32_t)second.size};
    char *at = buffer_reserve(&batch->operations, sizeof(operation) + first.size + second.size);

    CHECK(family < FAMILY_COUNT && first.size <= UINT32_MAX && second.size <= UINT32_MAX);
    memcpy(at, &operation, sizeof(operation));
    memcpy(at + sizeof(operation), first.data, first.size);
    if (second.size > 0) {
        memcpy(at + sizeof(operation) + first.size, second.data, second.size);
    }
    batch->operations.size += sizeof(operation) + first.size + second.size;
    batch->count++;
}

void
meta_batch_put(struct meta_batch *batch, enum family family, struct bytes key, struct bytes value)
{
    append(batch, OPERATION_PUT, family, key, value);
}

void
meta_batch_delete(struct meta_batch *batch, enum family family, struct bytes key)
{
    append(batch, OPERATION_DELETE, family, key, BYTES_NONE);
}

void
meta_batch_delete_range(struct meta_batch *batch, enum family family, struct bytes from,
                        struct bytes to)
{
    append(batch, OPERATION_DELETE_RANGE, family, from, to);
}

void
meta_batch_merge(struct meta_batch *batch, enum family family, struct bytes key,
                 struct bytes operand)
{
    CHECK(family == FAMILY_NODE || family == FAMILY_PACK);
    CHECK(operand.size > 0 && operand.size % sizeof(int64_t) == 0);
    append(batch, OPERATION_MERGE, family, key, operand);
}

size_t
meta_batch_count(const struct meta_batch *batch)
{
    return batch->count;
}

size_t
meta_batch_size_bytes(const struct meta_batch *batch)
{
    return batch->operations.size;
}

static void
add_operation(rocksdb_writebatch_t *out, rocksdb_column_family_handle_t *family,
              const struct operation *operation, const char *first, const char *second)
{
    switch ((enum operation_kind)operation->kind) {
    case OPERATION_PUT:
        rocksdb_writebatch_put_cf(out, family, first, operation->first_size, second,
                                  operation->second_size);
        break;
    case OPERATION_DELETE:
        rocksdb_writebatch_delete_cf(out, family, first, operation->first_size);
        break;
    case OPERATION_DELETE_RANGE:
        rocksdb_writebatch_delete_range_cf(out, family, first, operation->first_size, second,
                                           operation->second_size);
        break;
    case OPERATION_MERGE:
        rocksdb_writebatch_merge_cf(out, family, first, operation->first_size, second,
                                    operation->second_size);
        break;
    }
}

static rocksdb_writebatch_t *
translate(struct meta_db *db, const struct meta_batch *batch)
{
    rocksdb_writebatch_t *out = rocksdb_writebatch_create();
    const char *at = batch->operations.data;
    const char *end = at + batch->operations.size;

    while (at != end) {
        struct operation operation;

        memcpy(&operation, at, sizeof(operation));
        at += sizeof(operation);
        add_operation(out, db->families[operation.family], &operation, at,
                      at + operation.first_size);
        at += (size_t)operation.first_size + operation.second_size;
    }
    return out;
}

enum status
meta_db_write(struct meta_db *db, struct meta_batch *batch, bool is_synced, struct error *err)
{
    rocksdb_writebatch_t *translated;
    char *message = NULL;
    int sys_errno;

    CHECK(!db->is_read_only);
    if (batch->count == 0) {
        return is_synced ? meta_db_sync(db, err) : ST_OK;
    }
    if (atomic_load(&db->has_failed)) {
        return fail(err, ST_IO, "records in %s: an earlier write failed", db->directory);
    }
    if ((sys_errno = FAULT_ERRNO("record_write")) != 0) {
        atomic_store(&db->has_failed, true);
        errno = sys_errno;
        return fail_errno(err, ST_IO, "records in %s: write failed", db->directory);
    }
    translated = translate(db, batch);
    rocksdb_write(db->rocksdb, is_synced ? db->write_synced : db->write_lazy, translated, &message);
    rocksdb_writebatch_destroy(translated);
    if (message != NULL) {
        atomic_store(&db->has_failed, true);
        return meta_fail(db, message, "writing", err);
    }
    return ST_OK;
}
