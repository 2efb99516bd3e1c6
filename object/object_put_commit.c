/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes are there: the decision of a PutObject or UploadPart at the key's home.  If the home
 * changed since the bytes were written, they are made ready at the new one first.
 */
#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "meta/meta_key.h"
#include "object/home_move.h"
#include "object/key_settle.h"
#include "object/object_checksum.h"
#include "object/object_current.h"
#include "object/object_internal.h"
#include "object/object_put_internal.h"
#include "object/object_route.h"
#include "object/upload_current.h"

#include "base/banned.h"

/* Each time the key's home changed meanwhile, which operators do. */
#define PUT_HOME_TRY_COUNT 16

/* What the client gets to see: the checksum that it sent, else what the record keeps. */
static void
put_result_fill(const struct object_put *put, struct seq seq, struct object_put_result *ret_result)
{
    enum checksum_algorithm algorithm = put->expectation.checksum.algorithm != CHECKSUM_NONE
                                            ? put->expectation.checksum.algorithm
                                            : put->record_algorithm;

    memset(ret_result, 0, sizeof(*ret_result));
    if (put->is_part) {
        encode_hex(digest_value_bytes(&put->values[DIGEST_MD5]), ret_result->etag);
    } else {
        CHECK(put->record.etag.size < sizeof(ret_result->etag));
        memcpy(ret_result->etag, put->record.etag.data, put->record.etag.size);
    }
    if (algorithm != CHECKSUM_NONE) {
        object_checksum_set(&ret_result->checksum, algorithm, CHECKSUM_FULL_OBJECT,
                            &put->values[object_checksum_digest(algorithm)]);
    }
    ret_result->size = put->size;
    ret_result->seq = seq;
    ret_result->native_checksum = put->record.native_checksum;
    ret_result->overwrite_count = put->record.overwrite_count;
    ret_result->created_ns = put->record.created_ns;
}

static enum status
put_name_bytes(struct object_put *put, struct commit *commit, struct commit_view *view,
               struct error *err)
{
    if (put->is_rehomed) {
        return rehome_put(&put->rehome, commit, view, err);
    }
    layout_writer_put_pages(put->writer, commit); /* naming reads them */
    return commit_name_layout(commit, view, &put->layout, false, err);
}

static enum status
decide_object(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct object_put *put = arg;
    const struct object_record *old;
    struct meta_key key;
    enum status st;

    meta_key_object(&key, put->bucket.id, put->key);
    st = object_current_get(commit, view, &key, &old, err);
    if (st != ST_OK) {
        return st;
    }
    st = object_conditions_check_write(&put->conditions, old, err);
    if (st != ST_OK) {
        return st;
    }
    put->record.overwrite_count = old != NULL ? old->overwrite_count + 1 : 0;
    put->native.is_unchanged =
        put->is_native && !put->is_copied && native_put_is_same(&put->native, put->size, old);
    if (put->native.is_unchanged) {
        put->record.overwrite_count = old->overwrite_count;
        return ST_OK;
    }
    buffer_clear(&put->encoded);
    object_record_encode(&put->record, &put->encoded);
    st = put_name_bytes(put, commit, view, err);
    if (st == ST_OK && old != NULL) {
        st = object_current_drop(commit, view, old, err);
    }
    if (st != ST_OK) {
        return st;
    }
    commit_put_record(commit, FAMILY_OBJECT, meta_key_bytes(&key), buffer_bytes(&put->encoded));
    key_claim_mark(&put->claim, commit, put->bucket.id, put->key, false);
    object_current_count(commit, put->bucket.id, old, &put->record);
    return ST_OK;
}

static enum status
decide_part(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct object_put *put = arg;
    struct meta_key key;
    enum status st = upload_touch(commit, view, put->bucket.id, put->key, put->upload, err);

    if (st != ST_OK) {
        return st;
    }
    st = put_name_bytes(put, commit, view, err);
    if (st != ST_OK) {
        return st;
    }
    meta_key_part(&key, put->bucket.id, put->key, put->upload, put->part_number);
    st = upload_drop_part(commit, view, meta_key_bytes(&key), err);
    if (st != ST_OK) {
        return st;
    }
    commit_put_record(commit, FAMILY_UPLOAD, meta_key_bytes(&key), buffer_bytes(&put->encoded));
    return ST_OK;
}

/* All but what follows from the record that it replaces, which decide adds. */
static void
fill_object(struct object_put *put)
{
    char etag[NATIVE_PUT_ETAG_SIZE];

    if (put->is_native) {
        native_put_etag(&put->native, put->size, etag);
    } else {
        encode_hex(digest_value_bytes(&put->values[DIGEST_MD5]), etag);
    }
    put->record = (struct object_record){
        .created_ns = clock_wall_ns(),
        .size = put->size,
        .stored_size = put->size,
        .etag = arena_copy(&put->arena, bytes_of_string(etag)),
        .owner = put->owner,
        .attributes = put->attributes,
        .custom = put->custom,
        .native_checksum = put->native.kept,
        .layout = put->is_rehomed ? put->rehomed_layout : put->layout,
    };
    if (put->record_algorithm != CHECKSUM_NONE) {
        object_checksum_set(&put->record.checksum, put->record_algorithm, CHECKSUM_FULL_OBJECT,
                            &put->values[object_checksum_digest(put->record_algorithm)]);
    }
}

static void
encode_part(struct object_put *put)
{
    struct part_record record = {
        .number = put->part_number,
        .created_ns = clock_wall_ns(),
        .size = put->size,
        .layout = put->is_rehomed ? put->rehomed_layout : put->layout,
    };

    memcpy(record.md5, put->values[DIGEST_MD5].data, sizeof(record.md5));
    object_checksum_set(&record.checksum, put->record_algorithm, CHECKSUM_FULL_OBJECT,
                        &put->values[object_checksum_digest(put->record_algorithm)]);
    part_record_encode(&record, &put->encoded);
}

/* The bytes were written for a home that lost the key meanwhile. */
static enum status
put_rehome(struct object_put *put, struct home *to, struct error *err)
{
    struct rehome_options options = {
        .from = put->home,
        .to = to,
        .bucket_id = put->bucket.id,
        .key = put->key,
        .upload = put->is_part ? &put->upload : NULL,
        .part_number = put->part_number,
        .layout = &put->layout,
    };
    enum status st = home_require_writable(to, err);

    layout_writer_extents(put->writer, &options.extents, &options.extent_count);
    rehome_release(&put->rehome, false);
    put->is_rehomed = false;
    if (st == ST_OK) {
        st = rehome_build(&put->rehome, &options, err);
    }
    if (st == ST_OK) {
        put->is_rehomed = true;
        put->rehomed_layout = put->rehome.layout;
    }
    return st;
}

static void
put_encode(struct object_put *put)
{
    buffer_clear(&put->encoded);
    if (put->is_part) {
        encode_part(put);
    } else {
        fill_object(put);
    }
}

/* ST_MOVED: *ret_home is the key's home, and the bytes are not there. */
static enum status
put_try_commit(struct object_put *put, struct home **ret_home, struct seq *ret_seq,
               struct error *err)
{
    struct store *store = put->bucket.store->store;
    struct home *ready = put->is_rehomed ? put->rehome.to : put->home;
    struct commit_options options = {
        .durability = put->bucket.properties.durability,
        .decide = put->is_part ? decide_part : decide_object,
        .arg = put,
        .is_refused = put->bucket.is_refusing_writes,
        .writer = put->writer,
    };
    enum status st;

    store_enter(store);
    st = home_move_settle(put->bucket.store, put->bucket.id, put->key, &options.home, NULL, err);
    if (st == ST_OK && options.home != ready) {
        *ret_home = options.home;
        st = fail(err, ST_MOVED, "the key has another home by now");
    }
    if (st == ST_OK) {
        st = key_claim_commit(&put->claim, &options, ret_seq, err);
    }
    store_leave(store);
    return st;
}

/* Rule 6.2: a blind write needs no answer to be ordered. */
static enum status
put_claim(struct object_put *put, struct error *err)
{
    enum status st;

    if (put->is_part) {
        return ST_OK;
    }
    st = key_claim_admit(&put->bucket, put->key, READ_MAY_WAIT, &put->claim, err);
    /* A native PUT looks at what stands there: an identical one rewrites nothing. */
    if (st == ST_OK && (put->is_native || object_conditions_are_given(&put->conditions))) {
        st = key_settle(&put->claim, &put->bucket, put->key, err);
    }
    return st;
}

/* The key is another node's, or was.  ST_OK without *ret_is_elsewhere: look again. */
static enum status
put_commit_elsewhere(struct object_put *put, int64_t *began_ns, struct seq *ret_seq,
                     bool *ret_is_elsewhere, struct error *err)
{
    bool is_sent = false;
    enum status st = ST_MOVED;

    if (put->is_part && put->is_forwarded) {
        return ST_MOVED;
    }
    if (put->is_part) {
        st = object_put_forward_part(put, ret_seq, &is_sent, err);
    } else if (!put->is_forwarded) {
        st = object_put_forward(put, ret_seq, &is_sent, err);
    } else if (key_claim_admit(&put->bucket, put->key, READ_MAY_WAIT, &put->claim, err) ==
               ST_MOVED) {
        return ST_MOVED;
    }
    *ret_is_elsewhere = st != ST_MOVED;
    if (is_sent) {
        *began_ns = clock_monotonic_ns(); /* it went on, at the pace of its bytes */
    }
    return st == ST_MOVED ? object_route_again(put->bucket.store, *began_ns, err) : st;
}

/* Here or, *ret_is_elsewhere, at the key's owner.  ST_MOVED: the home keeps changing, or this PUT
 * was forwarded and the key is another node's again. */
static enum status
put_commit_claimed(struct object_put *put, struct seq *ret_seq, bool *ret_is_elsewhere,
                   struct error *err)
{
    int64_t began_ns = clock_monotonic_ns();
    size_t home_count = 0;
    enum status st = ST_MOVED;

    while (st == ST_MOVED && home_count < PUT_HOME_TRY_COUNT) {
        struct home *home = NULL;

        st = put_claim(put, err);
        if (st == ST_MOVED) {
            st = put_commit_elsewhere(put, &began_ns, ret_seq, ret_is_elsewhere, err);
            if (st != ST_OK || *ret_is_elsewhere) {
                break;
            }
            st = ST_MOVED;
            continue;
        }
        if (st == ST_OK) {
            st = put_try_commit(put, &home, ret_seq, err);
        }
        if (st == ST_MOVED && home != NULL) {
            home_count++;
            st = put_rehome(put, home, err);
            put_encode(put);
            st = st == ST_OK ? ST_MOVED : st;
        } else if (st == ST_MOVED && put->is_part) {
            st = put_commit_elsewhere(put, &began_ns, ret_seq, ret_is_elsewhere, err);
            if (st != ST_OK || *ret_is_elsewhere) {
                break;
            }
            put_encode(put); /* the upload is back */
            st = ST_MOVED;
        }
    }
    return st;
}

enum status
object_put_commit(struct object_put *put, struct object_put_result *ret_result, struct error *err)
{
    bool is_elsewhere = false;
    struct seq seq;
    enum status st;

    assert_on_worker();
    CHECK(put->state == PUT_FINISHED);
    put_encode(put);
    st = put_commit_claimed(put, &seq, &is_elsewhere, err);
    if (st == ST_MOVED && !put->is_forwarded) {
        st = fail(err, ST_UNAVAILABLE, "The key's home keeps changing");
    } else if (is_elsewhere) {
        /* its bytes here are garbage, and go with the put */
    } else if ((st == ST_OK || object_commit_is_doubtful(st)) && !put->native.is_unchanged) {
        put->is_kept = true;
        if (!put->is_rehomed) {
            layout_writer_disown(put->writer);
        }
    }
    put->state = st == ST_OK ? PUT_COMMITTED : PUT_FAILED;
    if (st == ST_OK) {
        put_result_fill(put, seq, ret_result);
    }
    return st;
}
