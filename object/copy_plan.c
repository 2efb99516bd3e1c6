/* SPDX-License-Identifier: Apache-2.0 */
#include "object/copy_plan.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/entropy.h"
#include "base/memory.h"
#include "object/home_move.h"
#include "object/key_settle.h"
#include "object/object_attributes.h"
#include "object/object_checksum.h"
#include "object/object_internal.h"
#include "store/layout_reader.h"

#include "base/banned.h"

/* What is read at a time: the buffer of one worker that copies. */
#define COPY_BUFFER_BYTES ((size_t)256 << 10)

enum status
copy_plan_read_source(struct copy_plan *plan, struct object_record *ret_record, struct error *err)
{
    struct meta_value value = META_VALUE_INIT;
    enum status st = meta_db_get(home_db(plan->source_home), FAMILY_OBJECT,
                                 meta_key_bytes(&plan->source_key), true, &value, err);

    if (st == ST_NOT_FOUND) {
        return fail(err, ST_NO_SUCH_KEY, "the source of the copy does not exist");
    }
    if (st == ST_OK) {
        st = object_record_decode(arena_copy(&plan->arena, value.data), &plan->arena, ret_record,
                                  err);
    }
    meta_value_release(&value);
    return st;
}

static bool
algorithm_changes(const struct copy_plan *plan)
{
    enum checksum_algorithm asked = plan->options->checksum_algorithm;

    return asked != CHECKSUM_NONE && asked != plan->source.checksum.algorithm;
}

static enum status
source_check(struct copy_plan *plan, struct error *err)
{
    const struct object_copy_options *options = plan->options;
    enum status st =
        object_conditions_check_source(&options->source_conditions, &plan->source, err);

    if (st != ST_OK || options->upload != NULL) {
        return st;
    }
    if (plan->source.size > OBJECT_COPY_BYTES_MAX) {
        return fail_as(err, ST_TOO_LARGE, "InvalidRequest",
                       "The specified copy source is larger than the maximum allowable size for a "
                       "copy source: %llu",
                       (unsigned long long)OBJECT_COPY_BYTES_MAX);
    }
    plan->is_in_place = plan->source_home == plan->home &&
                        bytes_equal(meta_key_bytes(&plan->source_key), meta_key_bytes(&plan->key));
    if (plan->is_in_place && !options->replaces_attributes && !algorithm_changes(plan)) {
        return fail_as(err, ST_INVALID, "InvalidRequest",
                       "This copy request is illegal because it is trying to copy an object to "
                       "itself without changing the object's metadata, storage class, website "
                       "redirect location or encryption attributes.");
    }
    return ST_OK;
}

/* The caller has entered. */
static enum status
plan_find_homes(struct copy_plan *plan, struct error *err)
{
    const struct object_copy_options *options = plan->options;
    struct object_store *store = plan->destination->store;
    enum status st = home_move_settle(store, options->source->id, options->source_key,
                                      &plan->source_home, NULL, err);

    if (st == ST_OK) {
        st = home_move_settle(store, plan->destination->id, options->key, &plan->home, NULL, err);
    }
    plan->generation = store_generation(store->store);
    return st;
}

enum status
copy_plan_check_homes(struct copy_plan *plan, struct error *err)
{
    struct home *home = NULL;
    enum status st = home_move_settle(plan->destination->store, plan->destination->id,
                                      plan->options->key, &home, NULL, err);

    if (st == ST_OK && plan->generation != store_generation(plan->destination->store->store)) {
        plan->is_stale = true;
        st = fail(err, ST_CONFLICT, "mountpaths changed while it was copied");
    }
    return st;
}

/* What stands at the source, and if it matters at the destination, is what counts. */
static enum status
plan_claim(struct copy_plan *plan, struct error *err)
{
    const struct object_copy_options *options = plan->options;
    enum status st = key_claim_admit(options->source, options->source_key, READ_MAY_WAIT,
                                     &plan->source_claim, err);

    if (st == ST_OK) {
        st = key_settle(&plan->source_claim, options->source, options->source_key, err);
    }
    if (st == ST_OK && options->upload == NULL) {
        st = key_claim_admit(plan->destination, options->key, READ_MAY_WAIT, &plan->claim, err);
        if (st == ST_OK && object_conditions_are_given(&options->conditions)) {
            st = key_settle(&plan->claim, plan->destination, options->key, err);
        }
    }
    return st;
}

enum status
copy_plan_init(struct copy_plan *plan, const struct bucket *destination,
               const struct object_copy_options *options, struct error *err)
{
    struct store *store = destination->store->store;
    enum status st;

    *plan = (struct copy_plan){
        .destination = destination,
        .options = options,
    };
    meta_key_object(&plan->source_key, options->source->id, options->source_key);
    meta_key_object(&plan->key, destination->id, options->key);
    st = plan_claim(plan, err);
    if (st != ST_OK) {
        return st;
    }
    store_enter(store);
    st = plan_find_homes(plan, err);
    if (st == ST_OK) {
        st = home_require_writable(plan->home, err);
    }
    if (st == ST_OK) {
        st = home_require_readable(plan->source_home, err);
    }
    if (st == ST_OK) {
        plan->pin = home_pin(plan->source_home);
        st = copy_plan_read_source(plan, &plan->source, err);
    }
    store_leave(store);
    return st == ST_OK ? source_check(plan, err) : st;
}

void
copy_plan_release(struct copy_plan *plan)
{
    layout_writer_destroy(&plan->writer);
    buffer_release(&plan->encoded);
    home_unpin(&plan->pin);
    arena_release(&plan->arena);
}

/* A verified reader of a range of the source; the plan's own pin is older than its record. */
static enum status
source_open(struct copy_plan *plan, uint64_t offset, uint64_t length, struct source **ret_source,
            struct error *err)
{
    struct home_pin pin = home_pin(plan->source_home);
    enum status st = layout_reader_open(
        &(struct layout_reader_options){
            .layout = &plan->source.layout,
            .size = plan->source.size,
            .offset = offset,
            .length = length,
            .what = "the source of a copy",
        },
        READ_MAY_WAIT, &pin, ret_source, err);

    home_unpin(&pin);
    return st;
}

struct copy_pass {
    struct layout_writer *writer; /* or NULL */
    struct sink *sink;            /* or NULL */
    struct digest_set *digests;   /* or NULL */
};

static enum status
pass_take(const struct copy_pass *pass, struct bytes data, struct error *err)
{
    enum status st = ST_OK;

    if (pass->digests != NULL) {
        digest_set_update(pass->digests, data);
    }
    if (pass->writer != NULL) {
        st = layout_writer_write(pass->writer, data, err);
    }
    if (st == ST_OK && pass->sink != NULL) {
        st = sink_write(pass->sink, data, err);
    }
    return st;
}

static enum status
pass_run(struct copy_plan *plan, uint64_t offset, uint64_t length, const struct copy_pass *pass,
         struct error *err)
{
    struct source *source = NULL;
    char *buffer = NULL;
    uint64_t done = 0;
    enum status st = ST_OK;

    if (length == 0) {
        return ST_OK;
    }
    st = source_open(plan, offset, length, &source, err);
    if (st != ST_OK) {
        goto out;
    }
    buffer = xmalloc_aligned(COPY_BUFFER_BYTES);
    while (done < length) {
        size_t size;

        st = source_read(source, READ_MAY_WAIT, buffer, COPY_BUFFER_BYTES, &size, err);
        if (st == ST_OK && size == 0) {
            st = fail(err, ST_CORRUPT, "the source of the copy ended early");
        }
        if (st == ST_OK) {
            st = pass_take(pass, bytes_of(buffer, size), err);
        }
        if (st != ST_OK) {
            goto out;
        }
        done += size;
    }
out:
    free(buffer);
    source_release(&source);
    return st;
}

static enum status
writer_open(struct copy_plan *plan, uint64_t size, bool is_piece, struct error *err)
{
    const struct bucket_properties *properties = &plan->destination->properties;

    return layout_writer_create(
        &(struct layout_writer_options){
            .home = plan->home,
            .bucket_id = plan->destination->id,
            .key = plan->options->key,
            .is_piece = is_piece,
            .chunk_bytes = bucket_chunk_piece(properties, size),
            .chunk_spread = properties->chunk_spread,
            .durability = properties->durability,
            .size = size,
        },
        &plan->writer, err);
}

/* Read and written again as a whole. */
static enum status
bytes_write(struct copy_plan *plan, struct digest_set *digests, struct error *err)
{
    enum status st = writer_open(plan, plan->source.size, false, err);

    if (st == ST_OK) {
        st = pass_run(plan, 0, plan->source.size,
                      &(struct copy_pass){.writer = plan->writer, .digests = digests}, err);
    }
    if (st == ST_OK) {
        st = layout_writer_finish(plan->writer, &plan->arena, &plan->written, err);
    }
    if (st == ST_OK) {
        plan->record.layout = plan->written;
    }
    return st;
}

/* Chunk files are shared; the one run of bytes in a pack, if any, is written again. */
static enum status
bytes_share(struct copy_plan *plan, const struct extent *extents, size_t count, struct error *err)
{
    struct extent *copied = arena_alloc(&plan->arena, (count + 1) * sizeof(*copied));
    struct extent *shared = arena_alloc(&plan->arena, (count + 1) * sizeof(*shared));
    size_t copied_count = 0;
    uint64_t offset = 0;
    enum status st = ST_OK;

    plan->shared = (struct layout){.kind = LAYOUT_EXTENTS, .extents = shared};
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        if (extents[i].kind == EXTENT_CHUNK) {
            shared[plan->shared.extent_count++] = extents[i];
            copied[copied_count++] = extents[i];
        } else {
            CHECK(plan->writer == NULL);
            st = writer_open(plan, extents[i].length, true, err);
            if (st == ST_OK) {
                st = pass_run(plan, offset, extents[i].length,
                              &(struct copy_pass){.writer = plan->writer}, err);
            }
            if (st == ST_OK) {
                st = layout_writer_finish(plan->writer, &plan->arena, &plan->written, err);
            }
            if (st == ST_OK) {
                CHECK(plan->written.kind == LAYOUT_EXTENTS && plan->written.extent_count == 1);
                copied[copied_count++] = plan->written.extents[0];
            }
        }
        offset += extents[i].length;
    }
    plan->extents = copied;
    plan->extent_count = copied_count;
    extent_pages_layout(copied, copied_count, &plan->record.layout);
    return st;
}

/* One reading of the source, if anything is to be computed. */
static enum status
digests_compute(struct copy_plan *plan, struct digest_set *digests, struct error *err)
{
    return digests->mask == 0
               ? ST_OK
               : pass_run(plan, 0, plan->source.size, &(struct copy_pass){.digests = digests}, err);
}

static enum status
bytes_place(struct copy_plan *plan, struct digest_set *digests, struct error *err)
{
    const struct layout *layout = &plan->source.layout;
    const struct extent *extents;
    size_t pack_count = 0;
    size_t count;
    enum status st;

    if (plan->is_in_place || layout->kind == LAYOUT_NONE || layout->kind == LAYOUT_INLINE) {
        if (!plan->is_in_place) {
            entropy_fill(plan->record.layout.write_id.bytes, WRITE_ID_BYTES);
        }
        return digests_compute(plan, digests, err);
    }
    if (plan->source_home != plan->home) {
        return bytes_write(plan, digests, err);
    }
    st = layout_extents(plan->home, layout, &plan->arena, &extents, &count, err);
    if (st != ST_OK) {
        return st;
    }
    for (size_t i = 0; i < count; i++) {
        pack_count += extents[i].kind == EXTENT_PACK;
    }
    if (pack_count > 1 || pack_count == count) {
        return bytes_write(plan, digests, err);
    }
    st = bytes_share(plan, extents, count, err);
    return st == ST_OK ? digests_compute(plan, digests, err) : st;
}

static void
attributes_choose(struct copy_plan *plan)
{
    const struct object_attributes *given = &plan->options->attributes;

    if (plan->options->replaces_attributes) {
        plan->record.attributes = *given;
        return;
    }
    /* SPEC: S3 CopyObject: these two are never taken over from the source. */
    plan->record.attributes.content[WEBSITE_REDIRECT] = given->content[WEBSITE_REDIRECT];
    plan->record.attributes.storage_class = given->storage_class;
}

/* An ETag that is not the MD5 of the content has a '-' in it. */
static bool
is_md5_etag(struct bytes etag)
{
    return bytes_find_char(etag, 0, '-') == SIZE_MAX;
}

/* The algorithm whose value over all bytes must be computed; NONE: the source's value holds. */
static enum checksum_algorithm
checksum_to_compute(const struct copy_plan *plan)
{
    if (algorithm_changes(plan)) {
        return plan->options->checksum_algorithm;
    }
    return plan->source.checksum.type == CHECKSUM_COMPOSITE ? plan->source.checksum.algorithm
                                                            : CHECKSUM_NONE;
}

/* SPEC: S3 CopyObject / the copy was written in one piece, whatever the source was: its ETag is the
 * MD5 of the content, its checksum one of the whole, and it has no parts. */
static void
record_finish(struct copy_plan *plan, struct digest_set *digests, enum checksum_algorithm algorithm)
{
    struct digest_value values[DIGEST_COUNT];
    char etag[2 * DIGEST_SIZE_MAX + 1];

    digest_set_final(digests, values);
    if ((digests->mask & DIGEST_MASK(DIGEST_MD5)) != 0) {
        encode_hex(digest_value_bytes(&values[DIGEST_MD5]), etag);
        plan->record.etag = arena_copy(&plan->arena, bytes_of_string(etag));
    }
    if (algorithm != CHECKSUM_NONE) {
        object_checksum_set(&plan->record.checksum, algorithm, CHECKSUM_FULL_OBJECT,
                            &values[object_checksum_digest(algorithm)]);
    }
    plan->record.part_count = 0;
    plan->record.created_ns = clock_wall_ns();
}

enum status
copy_plan_build(struct copy_plan *plan, struct error *err)
{
    enum checksum_algorithm algorithm = checksum_to_compute(plan);
    struct digest_set digests;
    unsigned int mask = 0;
    enum status st;

    plan->record = plan->source;
    plan->record.owner = principal_user(plan->destination->principal);
    attributes_choose(plan);
    if (!is_md5_etag(plan->source.etag) && !plan->options->is_native) {
        mask |= DIGEST_MASK(DIGEST_MD5);
    }
    if (algorithm != CHECKSUM_NONE) {
        mask |= DIGEST_MASK(object_checksum_digest(algorithm));
    }
    digest_set_init(&digests, mask);
    st = bytes_place(plan, &digests, err);
    if (st == ST_OK) {
        record_finish(plan, &digests, algorithm);
    }
    digest_set_release(&digests);
    return st;
}

static enum status
part_range(const struct copy_plan *plan, uint64_t *ret_offset, uint64_t *ret_length,
           struct error *err)
{
    const struct object_range *range = &plan->options->range;

    *ret_offset = 0;
    *ret_length = plan->source.size;
    if (range->kind != RANGE_NONE) {
        if (range->kind != RANGE_FROM_TO || range->to < range->from ||
            range->to >= plan->source.size) {
            return fail(err, ST_INVALID_RANGE,
                        "the range to be copied does not lie inside the source of %llu bytes",
                        (unsigned long long)plan->source.size);
        }
        *ret_offset = range->from;
        *ret_length = range->to - range->from + 1;
    }
    if (*ret_length > PART_BYTES_MAX) {
        return fail_as(err, ST_TOO_LARGE, "InvalidRequest",
                       "The specified copy source is larger than the maximum allowable size for a "
                       "copy source: %llu",
                       (unsigned long long)PART_BYTES_MAX);
    }
    return ST_OK;
}

enum status
copy_plan_write_part(struct copy_plan *plan, struct object_put **ret_put, int64_t *ret_created_ns,
                     struct error *err)
{
    struct object_put_options options = {
        .key = plan->options->key,
        .upload = plan->options->upload,
        .part_number = plan->options->part_number,
    };
    struct object_put *put = NULL;
    uint64_t offset;
    enum status st = part_range(plan, &offset, &options.size, err);

    if (st != ST_OK) {
        return st;
    }
    st = object_put_open(plan->destination, &options, &put, err);
    if (st == ST_OK) {
        st = pass_run(plan, offset, options.size, &(struct copy_pass){.sink = object_put_sink(put)},
                      err);
    }
    if (st == ST_OK) {
        st = sink_finish(object_put_sink(put), err);
    }
    if (st == ST_OK) {
        *ret_put = put;
        *ret_created_ns = clock_wall_ns();
        put = NULL;
    }
    object_put_release(&put);
    return st;
}
