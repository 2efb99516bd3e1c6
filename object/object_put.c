/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes go through one sink: its digests and the layout writer see each buffer while it is in
 * the cache.  Nothing is opened before the first byte (or the end) of a small body, so that open
 * may run on the loop; a big body is refused as early as possible, before the client sends it.
 *
 *   NEW -> WRITING (prepared, digests and writer open) -> FINISHED -> COMMITTED
 *   any -> FAILED by an error; release in every state
 */
#include "object/object_put_internal.h"

#include "base/check.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "object/bucket_table.h"
#include "object/client_rest.h"
#include "object/home_move.h"
#include "object/key_settle.h"
#include "object/object_attributes.h"
#include "object/object_checksum.h"
#include "object/object_internal.h"
#include "object/object_key.h"
#include "object/rehome.h"
#include "object/upload_current.h"
#include "store/commit.h"
#include "store/layout_writer.h"

#include "base/banned.h"

static struct object_put *
put_from_sink(struct sink *sink)
{
    return CONTAINER_OF(struct object_put, sink, sink);
}

/* Where the bytes go; the commit looks again. */
static enum status
put_choose_home(const struct bucket *bucket, struct bytes key, bool may_wait,
                struct home **ret_home, struct error *err)
{
    struct store *store = bucket->store->store;
    struct home *home;

    if (may_wait) {
        store_enter(store);
    } else if (!store_try_enter(store)) {
        *ret_home = NULL; /* on a loop while mountpaths change: chosen with the first bytes */
        return ST_OK;
    }
    home = store_home_of(store, bucket->id, key);
    store_leave(store);
    *ret_home = home;
    return home_require_writable(home, err);
}

/* The home that has the key and its uploads now.  On a loop former homes are not emptied:
 * ST_WOULD_WAIT.  The caller has entered. */
static enum status
put_find_home(struct object_put *put, bool may_wait, struct home **ret_home, struct error *err)
{
    struct key_homes homes;

    if (may_wait) {
        return home_move_settle(put->bucket.store, put->bucket.id, put->key, ret_home, NULL, err);
    }
    store_homes_of(put->bucket.store->store, put->bucket.id, put->key, &homes);
    *ret_home = homes.home;
    return homes.former_count == 0 ? ST_OK
                                   : fail(err, ST_WOULD_WAIT, "former homes are asked first");
}

static enum status
put_check_upload(struct object_put *put, struct home *home, bool may_wait, struct error *err)
{
    /* A part whose upload goes to another node is passed on when its bytes are here. */
    enum status st = upload_require_open(home, put->bucket.id, put->key, put->upload, may_wait,
                                         !put->is_forwarded, &put->upload_algorithm, err);

    if (st == ST_OK && put->upload_algorithm != CHECKSUM_NONE &&
        put->expectation.checksum.algorithm != CHECKSUM_NONE &&
        put->expectation.checksum.algorithm != put->upload_algorithm) {
        st = fail_as(err, ST_INVALID, "InvalidRequest",
                     "the upload was created for %s checksums, and the part came with %s",
                     object_checksum_name(put->upload_algorithm),
                     object_checksum_name(put->expectation.checksum.algorithm));
    }
    return st;
}

/* Look at the upload before bytes are taken. */
static enum status
put_prepare(struct object_put *put, bool may_wait, struct error *err)
{
    struct store *store = put->bucket.store->store;
    struct home *home = NULL;
    enum status st = ST_OK;

    if (put->is_prepared) {
        return ST_OK;
    }
    if (put->is_part) {
        if (may_wait) {
            store_enter(store);
        } else if (!store_try_enter(store)) {
            return fail(err, ST_WOULD_WAIT, "mountpaths are changing");
        }
        st = put_find_home(put, may_wait, &home, err);
        if (st == ST_OK) {
            st = put_check_upload(put, home, may_wait, err);
        }
        store_leave(store);
    }
    put->is_prepared = st == ST_OK;
    return st;
}

/* A refusal that is certain already spares the client its body; the decision falls at the commit.
 */
static enum status
put_check_conditions(struct object_put *put, struct error *err)
{
    struct store *store = put->bucket.store->store;
    struct meta_value value = META_VALUE_INIT;
    struct arena arena = ARENA_INIT;
    struct object_record record;
    struct home *home = NULL;
    struct meta_key key;
    enum status st;

    if (!object_conditions_are_given(&put->conditions)) {
        return ST_OK;
    }
    st = key_claim_admit(&put->bucket, put->key, READ_MAY_WAIT, &put->claim, err);
    if (st == ST_MOVED) {
        return ST_OK; /* who owns it decides */
    }
    if (st == ST_OK) {
        st = key_settle(&put->claim, &put->bucket, put->key, err);
    }
    if (st != ST_OK) {
        return st == ST_MOVED ? ST_OK : st;
    }
    store_enter(store);
    st = put_find_home(put, true, &home, err);
    if (st == ST_OK) {
        meta_key_object(&key, put->bucket.id, put->key);
        st = meta_db_get(home_db(home), FAMILY_OBJECT, meta_key_bytes(&key), true, &value, err);
    }
    if (st == ST_NOT_FOUND) {
        st = object_conditions_check_write(&put->conditions, NULL, err);
    } else if (st == ST_OK) {
        st = object_record_decode(value.data, &arena, &record, err);
        if (st == ST_OK) {
            st = object_conditions_check_write(&put->conditions, &record, err);
        }
    }
    store_leave(store);
    meta_value_release(&value);
    arena_release(&arena);
    return st == ST_OK || key_claim_check(&put->claim, NULL) == ST_OK ? st : ST_OK;
}

/* Nothing was written yet, so the home is the one of now; a detach waits for its writers. */
static enum status
put_create_writer(struct object_put *put, struct layout_writer_options *options, struct error *err)
{
    struct store *store = put->bucket.store->store;
    enum status st;

    store_enter(store);
    put->home = store_home_of(store, put->bucket.id, put->key);
    options->home = put->home;
    st = layout_writer_create(options, &put->writer, err);
    store_leave(store);
    return st;
}

static enum status
put_begin(struct object_put *put, struct error *err)
{
    const struct object_put_expectation *expectation = &put->expectation;
    unsigned int mask = put->is_native && !expectation->has_md5 ? 0 : DIGEST_MASK(DIGEST_MD5);
    struct layout_writer_options options = {
        .bucket_id = put->bucket.id,
        .key = put->key,
        .upload = put->is_part ? &put->upload : NULL,
        .part_number = put->part_number,
        .is_piece = put->is_part,
        .chunk_bytes = bucket_chunk_piece(&put->bucket.properties, put->announced_size),
        .chunk_spread = put->bucket.properties.chunk_spread,
        .durability = put->bucket.properties.durability,
        .size =
            put->announced_size == OBJECT_SIZE_UNKNOWN ? LAYOUT_SIZE_UNKNOWN : put->announced_size,
    };
    enum status st = put_prepare(put, true, err);

    if (st != ST_OK) {
        return st;
    }
    put->record_algorithm = put->upload_algorithm;
    if (put->record_algorithm == CHECKSUM_NONE && !put->is_native) {
        put->record_algorithm = put->is_part || expectation->checksum.algorithm == CHECKSUM_NONE
                                    ? CHECKSUM_CRC64NVME
                                    : expectation->checksum.algorithm;
    }
    if (put->record_algorithm != CHECKSUM_NONE) {
        mask |= DIGEST_MASK(object_checksum_digest(put->record_algorithm));
    }
    if (expectation->checksum.algorithm != CHECKSUM_NONE) {
        mask |= DIGEST_MASK(object_checksum_digest(expectation->checksum.algorithm));
    }
    if (expectation->has_payload_sha256) {
        mask |= DIGEST_MASK(DIGEST_SHA256);
    }
    digest_set_init(&put->digests, mask);
    st = put_create_writer(put, &options, err);
    put->state = PUT_WRITING;
    return st;
}

static enum status
put_take(struct object_put *put, struct bytes data, struct error *err)
{
    enum status st;

    if (put->state == PUT_NEW) {
        st = put_begin(put, err);
        if (st != ST_OK) {
            return st;
        }
    }
    if (put->announced_size != OBJECT_SIZE_UNKNOWN && data.size > put->announced_size - put->size) {
        return fail(err, ST_INVALID, "more bytes came than the %llu announced",
                    (unsigned long long)put->announced_size);
    }
    if (data.size > put->size_max - put->size) {
        return fail_as(err, ST_TOO_LARGE, "EntityTooLarge",
                       "the body exceeds the %llu bytes allowed in one request",
                       (unsigned long long)put->size_max);
    }
    digest_set_update(&put->digests, data);
    if (put->is_native) {
        native_put_update(&put->native, data);
    }
    st = layout_writer_write(put->writer, data, err);
    if (st == ST_OK) {
        put->size += data.size;
    }
    return st;
}

static enum status
put_sink_write(struct sink *sink, struct bytes data, struct error *err)
{
    struct object_put *put = put_from_sink(sink);
    enum status st;

    assert_on_worker();
    CHECK(put->state == PUT_NEW || put->state == PUT_WRITING);
    st = put_take(put, data, err);
    if (st != ST_OK) {
        put->state = PUT_FAILED;
    }
    return st;
}

static enum status
put_check_digests(struct object_put *put, struct error *err)
{
    const struct object_put_expectation *expectation = &put->expectation;
    const struct checksum *checksum = &expectation->checksum;

    if (expectation->has_md5 && memcmp(expectation->md5, put->values[DIGEST_MD5].data, 16) != 0) {
        return fail_as(err, ST_DIGEST_MISMATCH, "BadDigest",
                       "the Content-MD5 that was sent is not that of the bytes received");
    }
    if (expectation->has_payload_sha256 &&
        memcmp(expectation->payload_sha256, put->values[DIGEST_SHA256].data, 32) != 0) {
        return fail_as(err, ST_DIGEST_MISMATCH, "XAmzContentSHA256Mismatch",
                       "the x-amz-content-sha256 that was sent is not that of the bytes received");
    }
    if (checksum->algorithm == CHECKSUM_NONE || (checksum->size == 0 && expectation->is_computed)) {
        return ST_OK;
    }
    if (checksum->size == 0) {
        return fail_as(err, ST_INVALID, "MalformedTrailerError",
                       "the %s checksum announced for the trailer did not come",
                       object_checksum_name(checksum->algorithm));
    }
    const struct digest_value *value = &put->values[object_checksum_digest(checksum->algorithm)];

    if (checksum->size != value->size || memcmp(checksum->value, value->data, value->size) != 0) {
        return fail_as(err, ST_DIGEST_MISMATCH, "BadDigest",
                       "the %s that was sent is not that of the bytes received",
                       object_checksum_name(checksum->algorithm));
    }
    return ST_OK;
}

static enum status
put_finish(struct object_put *put, struct error *err)
{
    enum status st;

    if (put->state == PUT_NEW) {
        st = put_begin(put, err);
        if (st != ST_OK) {
            return st;
        }
    }
    if (put->announced_size != OBJECT_SIZE_UNKNOWN && put->size != put->announced_size) {
        return fail(err, ST_INCOMPLETE, "%llu of the %llu bytes announced came",
                    (unsigned long long)put->size, (unsigned long long)put->announced_size);
    }
    digest_set_final(&put->digests, put->values);
    st = put_check_digests(put, err);
    if (st == ST_OK && put->is_native) {
        st = native_put_finish(&put->native, err);
    }
    if (st != ST_OK) {
        return st;
    }
    return layout_writer_finish(put->writer, &put->arena, &put->layout, err);
}

static enum status
put_sink_finish(struct sink *sink, struct error *err)
{
    struct object_put *put = put_from_sink(sink);
    enum status st;

    assert_on_worker();
    CHECK(put->state == PUT_NEW || put->state == PUT_WRITING);
    st = put_finish(put, err);
    put->state = st == ST_OK ? PUT_FINISHED : PUT_FAILED;
    return st;
}

static void
put_sink_release(struct sink *sink)
{
    (void)sink; /* object_put_release ends it */
}

static const struct sink_ops PUT_SINK_OPS = {
    .write = put_sink_write,
    .finish = put_sink_finish,
    .release = put_sink_release,
};

static enum status
put_check_options(const struct bucket *bucket, const struct object_put_options *options,
                  uint64_t size_max, struct error *err)
{
    enum status st = object_key_check(options->key, err);

    if (st != ST_OK) {
        return st;
    }
    if (options->upload != NULL &&
        (options->part_number < 1 || options->part_number > PART_NUMBER_MAX)) {
        return fail_as(err, ST_INVALID, "InvalidArgument",
                       "Part number must be an integer between 1 and %d, inclusive",
                       PART_NUMBER_MAX);
    }
    if (options->size != OBJECT_SIZE_UNKNOWN && options->size > size_max) {
        return fail_as(err, ST_TOO_LARGE, "EntityTooLarge",
                       "%llu bytes are more than the %llu allowed in one request",
                       (unsigned long long)options->size, (unsigned long long)size_max);
    }
    if (atomic_load(bucket->is_refusing_writes)) {
        return fail(err, ST_NO_SUCH_BUCKET, "the bucket is being deleted");
    }
    return object_attributes_check(&options->attributes, err);
}

static struct object_put *
put_create(const struct bucket *bucket, const struct object_put_options *options, struct home *home,
           uint64_t size_max)
{
    struct object_put *put = xcalloc(1, sizeof(*put));

    put->sink.ops = &PUT_SINK_OPS;
    put->bucket = *bucket;
    bucket_entry_hold(bucket->entry);
    put->home = home;
    put->key = arena_copy(&put->arena, options->key);
    put->announced_size = options->size;
    put->size_max = size_max;
    object_attributes_copy(&put->arena, &options->attributes, &put->attributes);
    object_conditions_copy(&put->arena, &options->conditions, &put->conditions);
    put->expectation = options->expectation;
    if (options->native != NULL) {
        put->is_native = true;
        native_put_init(&put->native, options->native);
    }
    put->custom = arena_copy(&put->arena, options->custom);
    put->is_copied = options->is_copied;
    put->is_forwarded = options->is_forwarded;
    put->owner = options->owner.data != NULL ? arena_copy(&put->arena, options->owner)
                                             : principal_user(bucket->principal);
    client_rest_note_asked(bucket->store);
    if (options->upload != NULL) {
        put->is_part = true;
        put->upload = *options->upload;
        put->part_number = options->part_number;
    }
    return put;
}

enum status
object_put_open(const struct bucket *bucket, const struct object_put_options *options,
                struct object_put **ret_put, struct error *err)
{
    uint64_t size_max = options->upload != NULL   ? PART_BYTES_MAX
                        : options->native != NULL ? OBJECT_BYTES_MAX
                                                  : OBJECT_PUT_BYTES_MAX;
    bool may_wait = options->size > OBJECT_PUT_ON_LOOP_BYTES;
    struct object_put *put = NULL;
    struct home *home;
    enum status st = put_check_options(bucket, options, size_max, err);

    if (st != ST_OK) {
        return st;
    }
    st = put_choose_home(bucket, options->key, may_wait, &home, err);
    if (st != ST_OK) {
        return st;
    }
    put = put_create(bucket, options, home, size_max);
    st = put_prepare(put, may_wait, err);
    if (st == ST_WOULD_WAIT) {
        st = ST_OK; /* on the loop: looked at with the first bytes */
    }
    if (st == ST_OK && may_wait && !put->is_part) {
        st = put_check_conditions(put, err);
    }
    if (st == ST_OK) {
        *ret_put = put;
        put = NULL;
    }
    object_put_release(&put);
    return st;
}

struct sink *
object_put_sink(struct object_put *put)
{
    return &put->sink;
}

const struct native_checksum *
object_put_native_checksum(const struct object_put *put)
{
    CHECK(put->is_native);
    return &put->native.kept;
}

enum status
object_put_expect_checksum(struct object_put *put, const struct checksum *checksum,
                           struct error *err)
{
    if (checksum->algorithm != put->expectation.checksum.algorithm) {
        return fail_as(err, ST_INVALID, "MalformedTrailerError",
                       "the trailer holds another checksum than the request announced");
    }
    put->expectation.checksum = *checksum;
    return ST_OK;
}

void
object_put_release(struct object_put **take_put)
{
    struct object_put *put = *take_put;
    struct bucket_entry *entry;

    if (put == NULL) {
        return;
    }
    entry = put->bucket.entry;
    rehome_release(&put->rehome, put->is_kept);
    layout_writer_destroy(&put->writer);
    digest_set_release(&put->digests);
    if (put->is_native) {
        native_put_release(&put->native);
    }
    buffer_release(&put->encoded);
    arena_release(&put->arena);
    bucket_entry_release(&entry);
    free(put);
    *take_put = NULL;
}
