/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_custom.h"

#include "object/home_move.h"
#include "object/key_settle.h"
#include "object/object_current.h"
#include "object/object_internal.h"
#include "object/object_key.h"

#include "base/banned.h"

struct custom_change {
    const struct bucket *bucket;
    const struct object_custom_options *options;
    struct key_claim claim;
    struct buffer custom;
    struct buffer encoded;
};

bool
object_custom_next(struct bytes *custom, struct metadata_entry *ret_entry)
{
    if (custom->size == 0) {
        return false;
    }
    ret_entry->name = bytes_cut(custom, '\0');
    ret_entry->value = bytes_cut(custom, '\0');
    return true;
}

static enum status
options_check(const struct object_custom_options *options, struct error *err)
{
    for (size_t i = 0; i < options->count; i++) {
        const struct metadata_entry *entry = &options->entries[i];

        if (entry->name.size == 0 || bytes_find_char(entry->name, 0, '\0') != SIZE_MAX ||
            bytes_find_char(entry->value, 0, '\0') != SIZE_MAX) {
            return fail(err, ST_INVALID, "a name of custom metadata is empty, or has a NUL byte");
        }
    }
    return object_key_check(options->key, err);
}

static void
append_pair(struct buffer *out, const struct metadata_entry *entry)
{
    buffer_append_bytes(out, entry->name);
    buffer_append_char(out, '\0');
    buffer_append_bytes(out, entry->value);
    buffer_append_char(out, '\0');
}

static bool
is_given(const struct object_custom_options *options, struct bytes name)
{
    for (size_t i = 0; i < options->count; i++) {
        if (bytes_equal(options->entries[i].name, name)) {
            return true;
        }
    }
    return false;
}

static enum status
build(struct custom_change *change, struct bytes old, struct error *err)
{
    const struct object_custom_options *options = change->options;
    struct metadata_entry entry;

    buffer_clear(&change->custom);
    while (!options->replaces && object_custom_next(&old, &entry)) {
        if (!is_given(options, entry.name)) {
            append_pair(&change->custom, &entry);
        }
    }
    for (size_t i = 0; i < options->count; i++) {
        append_pair(&change->custom, &options->entries[i]);
    }
    return change->custom.size <= OBJECT_CUSTOM_BYTES_MAX
               ? ST_OK
               : fail(err, ST_TOO_LARGE, "custom metadata may have %d bytes, and this has %zu",
                      OBJECT_CUSTOM_BYTES_MAX, change->custom.size);
}

static enum status
decide_custom(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct custom_change *change = arg;
    const struct object_record *old;
    struct object_record record;
    struct meta_key key;
    enum status st;

    meta_key_object(&key, change->bucket->id, change->options->key);
    st = object_current_get(commit, view, &key, &old, err);
    if (st == ST_OK && old == NULL) {
        st = fail(err, ST_NO_SUCH_KEY, "the key does not exist");
    }
    if (st == ST_OK) {
        st = build(change, old->custom, err);
    }
    if (st != ST_OK) {
        return st;
    }
    record = *old;
    record.custom = buffer_bytes(&change->custom);
    buffer_clear(&change->encoded);
    object_record_encode(&record, &change->encoded);
    commit_put_record(commit, FAMILY_OBJECT, meta_key_bytes(&key), buffer_bytes(&change->encoded));
    key_claim_mark(&change->claim, commit, change->bucket->id, change->options->key, false);
    return ST_OK;
}

/* The caller has entered. */
static enum status
custom_commit(struct custom_change *change, struct error *err)
{
    const struct bucket *bucket = change->bucket;
    struct home *home = NULL;
    struct seq seq;
    enum status st =
        home_move_settle(bucket->store, bucket->id, change->options->key, &home, NULL, err);

    if (st == ST_OK) {
        st = home_require_writable(home, err);
    }
    return st == ST_OK ? key_claim_commit(
                             &change->claim,
                             &(struct commit_options){.home = home,
                                                      .durability = bucket->properties.durability,
                                                      .decide = decide_custom,
                                                      .arg = change,
                                                      .is_refused = bucket->is_refusing_writes},
                             &seq, err)
                       : st;
}

enum status
object_custom_set(const struct bucket *bucket, const struct object_custom_options *options,
                  struct error *err)
{
    struct custom_change change = {.bucket = bucket, .options = options};
    enum status st = options_check(options, err);

    assert_on_worker();
    if (st == ST_OK) {
        st = key_claim_admit(bucket, options->key, READ_MAY_WAIT, &change.claim, err);
    }
    if (st == ST_OK) {
        st = key_settle(&change.claim, bucket, options->key, err);
    }
    if (st != ST_OK) {
        return st;
    }
    store_enter(bucket->store->store);
    st = custom_commit(&change, err);
    store_leave(bucket->store->store);
    buffer_release(&change.custom);
    buffer_release(&change.encoded);
    return st;
}
