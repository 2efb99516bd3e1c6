/* SPDX-License-Identifier: Apache-2.0 */
#include "object/multipart.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/entropy.h"
#include "meta/meta_key.h"
#include "object/home_move.h"
#include "object/key_claim.h"
#include "object/object_attributes.h"
#include "object/object_checksum.h"
#include "object/object_internal.h"
#include "object/object_key.h"
#include "object/upload_current.h"
#include "object/upload_remove.h"

#include "base/banned.h"

void
upload_id_format(struct upload_id id, char out[UPLOAD_ID_TEXT_SIZE])
{
    encode_hex(bytes_of(id.bytes, sizeof(id.bytes)), out);
}

enum status
upload_id_parse(struct bytes text, struct upload_id *ret_id, struct error *err)
{
    struct upload_id id;
    char again[UPLOAD_ID_TEXT_SIZE];

    if (text.size == UPLOAD_ID_TEXT_SIZE - 1 && decode_hex(text, id.bytes) == ST_OK) {
        upload_id_format(id, again);
        if (bytes_equal_string(text, again)) {
            *ret_id = id;
            return ST_OK;
        }
    }
    return fail(err, ST_NO_SUCH_UPLOAD, "the upload id is not one that this store gave");
}

static enum status
checksum_check(enum checksum_algorithm algorithm, enum checksum_type type, struct error *err)
{
    if (algorithm == CHECKSUM_NONE) {
        return ST_OK;
    }
    if (type == CHECKSUM_COMPOSITE && algorithm == CHECKSUM_CRC64NVME) {
        return fail_as(err, ST_INVALID, "InvalidRequest",
                       "The COMPOSITE checksum type cannot be used with the crc64nvme checksum "
                       "algorithm.");
    }
    if (type == CHECKSUM_FULL_OBJECT && !object_checksum_is_crc(algorithm)) {
        return fail_as(err, ST_INVALID, "InvalidRequest",
                       "The FULL_OBJECT checksum type cannot be used with the %s checksum "
                       "algorithm.",
                       digest_suffix(object_checksum_digest(algorithm)));
    }
    return ST_OK;
}

/* SPEC: S3 ListMultipartUploads / uploads of one key come in the order of their start.  The scan is
 * in the order of ids, so an id begins with the time; the rest is random, lest two be equal. */
static struct upload_id
upload_id_create(int64_t created_ns)
{
    struct upload_id id;

    entropy_fill(id.bytes, sizeof(id.bytes));
    for (size_t i = 0; i < sizeof(created_ns); i++) {
        id.bytes[i] = (unsigned char)((uint64_t)created_ns >> (56 - 8 * i));
    }
    return id;
}

struct creation {
    struct meta_key key;
    struct buffer encoded;
};

static enum status
decide_creation(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    const struct creation *creation = arg;

    commit_put_record(commit, FAMILY_UPLOAD, meta_key_bytes(&creation->key),
                      buffer_bytes(&creation->encoded));
    return ST_OK;
}

static enum status
create_check(const struct bucket *bucket, const struct multipart_create_options *options,
             struct error *err)
{
    enum status st = object_key_check(options->key, err);

    if (st == ST_OK) {
        st = object_attributes_check(&options->attributes, err);
    }
    if (st == ST_OK) {
        st = checksum_check(options->checksum_algorithm, options->checksum_type, err);
    }
    if (st == ST_OK && atomic_load(bucket->is_refusing_writes)) {
        st = fail(err, ST_NO_SUCH_BUCKET, "the bucket is being deleted");
    }
    return st;
}

enum status
multipart_create(const struct bucket *bucket, const struct multipart_create_options *options,
                 struct upload_id *ret_id, struct error *err)
{
    struct upload_record record = {
        .created_ns = clock_wall_ns(),
        .state = UPLOAD_OPEN,
        .checksum_algorithm = options->checksum_algorithm,
        .checksum_type = options->checksum_type,
        .owner = principal_user(bucket->principal),
        .initiator = principal_user(bucket->principal),
        .attributes = options->attributes,
    };
    struct creation creation = {.encoded = BUFFER_INIT};
    struct key_claim claim;
    struct home *home;
    struct upload_id id;
    struct seq seq;
    enum status st = create_check(bucket, options, err);

    assert_on_worker();
    if (st == ST_OK) { /* a target that gives its uploads away begins no more */
        st = key_claim_admit(bucket, options->key, READ_MAY_WAIT, &claim, err);
    }
    if (st != ST_OK) {
        return st;
    }
    id = upload_id_create(record.created_ns);
    meta_key_upload(&creation.key, bucket->id, options->key, id);
    upload_record_encode(&record, &creation.encoded);
    store_enter(bucket->store->store);
    st = home_move_settle(bucket->store, bucket->id, options->key, &home, NULL, err);
    if (st == ST_OK) {
        st = home_require_writable(home, err);
    }
    if (st == ST_OK) {
        st = key_claim_commit(&claim,
                              &(struct commit_options){.home = home,
                                                       .durability = bucket->properties.durability,
                                                       .decide = decide_creation,
                                                       .arg = &creation,
                                                       .is_refused = bucket->is_refusing_writes},
                              &seq, err);
    }
    store_leave(bucket->store->store);
    if (st == ST_OK) {
        *ret_id = id;
    }
    buffer_release(&creation.encoded);
    return st;
}

static enum status
abort_entered(const struct bucket *bucket, struct upload_ref *upload, struct error *err)
{
    enum status st =
        home_move_settle(bucket->store, bucket->id, upload->key, &upload->home, NULL, err);

    if (st == ST_OK && home_state(upload->home) != HOME_PRESENT) {
        st = fail(err, ST_UNAVAILABLE, "the mountpath %s is not available",
                  home_directory(upload->home));
    }
    if (st == ST_OK) {
        st = upload_mark_aborted(upload, bucket->properties.durability, bucket->is_refusing_writes,
                                 err);
    }
    return st != ST_OK ? st
                       : upload_remove(upload, bucket->properties.durability,
                                       !upload_record_stays(bucket->store), err);
}

enum status
multipart_abort(const struct bucket *bucket, struct bytes key, struct upload_id id,
                struct error *err)
{
    struct upload_ref upload = {.bucket_id = bucket->id, .key = key, .id = id};
    enum status st = object_key_check(key, err);

    assert_on_worker();
    if (st == ST_OK) {
        store_enter(bucket->store->store);
        st = abort_entered(bucket, &upload, err);
        store_leave(bucket->store->store);
    }
    return st;
}

/* The caller has entered. */
static enum status
get_entered(const struct bucket *bucket, struct bytes key, struct upload_id id, struct arena *arena,
            struct home **ret_home, struct upload_record *ret_record, struct error *err)
{
    enum status st = home_move_settle(bucket->store, bucket->id, key, ret_home, NULL, err);

    if (st == ST_OK) {
        st = home_require_readable(*ret_home, err);
    }
    if (st == ST_OK) {
        st = upload_get(*ret_home, bucket->id, key, id, true, arena, ret_record, err);
    }
    if (st == ST_OK) {
        st = upload_check_open(ret_record, err);
    }
    return st;
}

enum status
multipart_get(const struct bucket *bucket, struct bytes key, struct upload_id id,
              struct arena *arena, struct upload_record *ret_record, struct error *err)
{
    struct home *home = NULL;
    enum status st = object_key_check(key, err);

    if (st == ST_OK) {
        store_enter(bucket->store->store);
        st = get_entered(bucket, key, id, arena, &home, ret_record, err);
        store_leave(bucket->store->store);
    }
    return st;
}

enum status
multipart_list_parts(const struct bucket *bucket, struct bytes key, struct upload_id id,
                     uint32_t after, size_t count_max, struct arena *arena,
                     struct part_record **ret_parts, size_t *ret_count, bool *ret_is_truncated,
                     struct error *err)
{
    struct upload_record record;
    struct home *home = NULL;
    enum status st = object_key_check(key, err);

    assert_on_worker();
    if (st != ST_OK) {
        return st;
    }
    store_enter(bucket->store->store);
    st = get_entered(bucket, key, id, arena, &home, &record, err);
    if (st == ST_OK && (after >= PART_NUMBER_MAX || count_max == 0)) {
        *ret_parts = NULL;
        *ret_count = 0;
        *ret_is_truncated = false;
    } else if (st == ST_OK) {
        st = upload_parts_read(home, bucket->id, key, id, after, count_max, arena, ret_parts,
                               ret_count, ret_is_truncated, err);
    }
    store_leave(bucket->store->store);
    return st;
}
