/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/selection_job.h"

#include <inttypes.h>

#include "auth/principal.h"
#include "base/check.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/memory.h"
#include "jobs/name_template.h"
#include "object/bucket.h"
#include "object/object_copy_split.h"
#include "object/object_delete.h"
#include "object/object_list.h"

#include "base/banned.h"

/* How often a bucket that others write into is moved again. */
#define MOVE_TRY_COUNT 16

/* The options as one piece of memory: this, then each text with its length (4 bytes) before it:
 * source, destination, template, prepend, names. */
struct packed_options {
    enum selection_verb verb;
    bool is_dry_run;
    bool has_names;
    uint32_t name_count;
    uint32_t size; /* of the texts */
};

struct selection {
    struct job_run *run;
    struct packed_options packed;
    struct bytes texts; /* names that are still to come */
    struct bytes source_name;
    struct bytes destination_name;
    struct bytes template;
    struct bytes prepend;
    struct bucket source;
    struct bucket destination;
    bool has_source;
    bool has_destination;
    struct arena arena; /* of the batch */
    struct object_delete_entry entries[OBJECT_DELETE_KEYS_MAX];
    uint64_t sizes[OBJECT_DELETE_KEYS_MAX];
    size_t count; /* of the batch */
    uint64_t object_count;
    uint64_t byte_count;
};

static void
pack_text(struct buffer *out, struct bytes text)
{
    char size[4];

    encode_u32_be(size, (uint32_t)text.size);
    buffer_append(out, size, sizeof(size));
    buffer_append_bytes(out, text);
}

static struct bytes
unpack_text(struct bytes *texts)
{
    uint32_t size = decode_u32_be(texts->data);
    struct bytes text = bytes_slice(*texts, 4, 4 + (size_t)size);

    *texts = bytes_slice(*texts, 4 + (size_t)size, texts->size);
    return text;
}

static void
report(struct selection *selection)
{
    struct buffer json = BUFFER_INIT;

    buffer_append_string(&json, "{\"source\":");
    log_append_json_string(&json, selection->source_name);
    buffer_append_string(&json, ",\"destination\":");
    log_append_json_string(&json, selection->destination_name);
    buffer_printf(&json, ",\"objects\":%" PRIu64 ",\"bytes\":%" PRIu64 "}", selection->object_count,
                  selection->byte_count);
    job_run_report(selection->run, buffer_bytes(&json));
    job_run_progress(selection->run, selection->object_count, 0, "objects");
    buffer_release(&json);
}

static enum status
batch_delete(struct selection *selection, struct error *err)
{
    enum status st = object_delete(&selection->source, selection->entries, selection->count, err);

    for (size_t i = 0; i < selection->count && st == ST_OK; i++) {
        st = selection->entries[i].status;
        if (st == ST_OK) {
            selection->object_count++;
            selection->byte_count += selection->sizes[i];
        } else if (err != NULL) {
            *err = selection->entries[i].error;
        }
    }
    return st;
}

/* Unless it was replaced since it was copied: then it is copied again. */
static enum status
delete_copied(struct selection *selection, struct bytes name, struct bytes etag, struct error *err)
{
    struct object_delete_entry entry = {.key = name, .conditions = {.if_match = etag}};
    enum status st = object_delete(&selection->source, &entry, 1, err);

    if (st == ST_OK && entry.status != ST_OK && entry.status != ST_PRECONDITION &&
        entry.status != ST_NO_SUCH_KEY) {
        st = entry.status;
        if (err != NULL) {
            *err = entry.error;
        }
    }
    return st;
}

/* How one copy ended. */
static enum status
take_copied(struct selection *selection, const struct object_copy_entry *entry, uint64_t size,
            struct error *err)
{
    if (entry->status == ST_NO_SUCH_KEY) {
        return ST_OK; /* gone meanwhile */
    }
    if (entry->status != ST_OK) {
        if (err != NULL) {
            *err = entry->error;
        }
        return entry->status;
    }
    selection->object_count++;
    selection->byte_count += size;
    return selection->packed.verb == SELECTION_MOVE_BUCKET
               ? delete_copied(selection, entry->source_key, bytes_of_string(entry->etag), err)
               : ST_OK;
}

static enum status
copy_some(struct selection *selection, size_t from, size_t count, struct error *err)
{
    struct object_copy_entry *entries = arena_calloc(&selection->arena, count, sizeof(*entries));
    enum status st = ST_OK;

    for (size_t i = 0; i < count; i++) {
        struct bytes name = selection->entries[from + i].key;

        entries[i].source_key = name;
        entries[i].key = arena_printf_bytes(&selection->arena, "%.*s%.*s",
                                            BYTES_ARGS(selection->prepend), BYTES_ARGS(name));
    }
    object_copy_split(&selection->destination, &selection->source, entries, count);
    for (size_t i = 0; i < count; i++) {
        struct error own = ERROR_INIT;
        enum status own_st = take_copied(selection, &entries[i], selection->sizes[from + i], &own);

        if (own_st != ST_OK && st == ST_OK) {
            st = own_st;
            if (err != NULL) {
                *err = own;
            }
        }
    }
    return st;
}

static enum status
batch_copy(struct selection *selection, struct error *err)
{
    enum status st = ST_OK;

    for (size_t i = 0; i < selection->count && st == ST_OK; i += OBJECT_COPY_KEYS_MAX) {
        size_t left = selection->count - i;

        st = atomic_load(job_run_is_stopped(selection->run))
                 ? fail(err, ST_CANCELLED, "stopped")
                 : copy_some(selection, i,
                             left < OBJECT_COPY_KEYS_MAX ? left : OBJECT_COPY_KEYS_MAX, err);
    }
    return st;
}

static enum status
batch_run(struct selection *selection, struct error *err)
{
    enum status st = ST_OK;

    if (atomic_load(job_run_is_stopped(selection->run))) {
        st = fail(err, ST_CANCELLED, "stopped");
    } else if (selection->count > 0 && selection->packed.is_dry_run) {
        selection->object_count += selection->count;
    } else if (selection->count > 0) {
        st = selection->packed.verb == SELECTION_DELETE ? batch_delete(selection, err)
                                                        : batch_copy(selection, err);
    }
    selection->count = 0;
    arena_release(&selection->arena);
    report(selection);
    return st;
}

static void
batch_add(struct selection *selection, struct bytes name, uint64_t size)
{
    CHECK(selection->count < OBJECT_DELETE_KEYS_MAX);
    selection->sizes[selection->count] = size;
    selection->entries[selection->count++] =
        (struct object_delete_entry){.key = arena_copy(&selection->arena, name)};
}

static void
take_listed(struct bytes name, const struct object_record *record, void *arg)
{
    batch_add(arg, name, record->size);
}

static enum status
run_prefix(struct selection *selection, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct object_list_options options = {.prefix = selection->template,
                                          .count_max = OBJECT_DELETE_KEYS_MAX};
    struct object_list_result result;
    enum status st;

    do {
        st =
            object_list(&selection->source, &options, take_listed, selection, &arena, &result, err);
        options.after = result.last;
        if (st == ST_OK) {
            st = batch_run(selection, err);
        }
    } while (st == ST_OK && result.is_truncated);
    arena_release(&arena);
    return st;
}

static enum status
run_names(struct selection *selection, struct error *err)
{
    enum status st = ST_OK;

    for (uint32_t i = 0; i < selection->packed.name_count && st == ST_OK; i++) {
        batch_add(selection, unpack_text(&selection->texts), 0);
        if (selection->count == OBJECT_DELETE_KEYS_MAX) {
            st = batch_run(selection, err);
        }
    }
    return st == ST_OK ? batch_run(selection, err) : st;
}

static enum status
run_template(struct selection *selection, struct error *err)
{
    struct name_template template;
    struct buffer name = BUFFER_INIT;
    enum status st = name_template_parse(selection->template, &template, err);

    if (st == ST_OK && template.range_count == 0) {
        return run_prefix(selection, err);
    }
    while (st == ST_OK && name_template_next(&template, &name)) {
        batch_add(selection, buffer_bytes(&name), 0);
        if (selection->count == OBJECT_DELETE_KEYS_MAX) {
            st = batch_run(selection, err);
        }
    }
    buffer_release(&name);
    return st == ST_OK ? batch_run(selection, err) : st;
}

static enum status
open_buckets(struct selection *selection, struct error *err)
{
    struct object_store *store = job_run_store(selection->run);
    enum status st = bucket_open(store, principal_of_root(), selection->source_name,
                                 ACTION_DELETE_OBJECT, &selection->source, err);

    selection->has_source = st == ST_OK;
    if (st == ST_OK && selection->destination_name.size > 0) {
        st = bucket_open(store, principal_of_root(), selection->destination_name, ACTION_PUT_OBJECT,
                         &selection->destination, err);
        selection->has_destination = st == ST_OK;
    }
    return st;
}

/* What is written into the source meanwhile is moved too, until it is empty. */
static enum status
finish_move(struct selection *selection, struct error *err)
{
    struct object_store *store = job_run_store(selection->run);
    enum status st = ST_BUCKET_NOT_EMPTY;

    for (size_t i = 0; i < MOVE_TRY_COUNT && st == ST_BUCKET_NOT_EMPTY; i++) {
        st = i > 0 ? run_prefix(selection, err) : ST_OK;
        if (st == ST_OK) {
            st = bucket_delete(store, principal_of_root(), selection->source_name, err);
        }
    }
    return st;
}

static enum status
selection_run(struct job_run *run, struct error *err)
{
    const char *options = job_run_options(run);
    struct selection *selection = xcalloc(1, sizeof(*selection));
    enum status st;

    selection->run = run;
    memcpy(&selection->packed, options, sizeof(selection->packed));
    selection->texts = bytes_of(options + sizeof(selection->packed), selection->packed.size);
    selection->source_name = unpack_text(&selection->texts);
    selection->destination_name = unpack_text(&selection->texts);
    selection->template = unpack_text(&selection->texts);
    selection->prepend = unpack_text(&selection->texts);
    report(selection);
    st = open_buckets(selection, err);
    if (st == ST_OK) {
        st = selection->packed.has_names ? run_names(selection, err) : run_template(selection, err);
    }
    if (st == ST_OK && selection->packed.verb == SELECTION_MOVE_BUCKET) {
        st = finish_move(selection, err);
    }
    if (selection->has_source) {
        bucket_close(&selection->source);
    }
    if (selection->has_destination) {
        bucket_close(&selection->destination);
    }
    arena_release(&selection->arena);
    free(selection);
    return st;
}

static const struct job_kind KINDS[SELECTION_VERB_COUNT] = {
    [SELECTION_DELETE] = {.name = "delete-listrange", .run = selection_run, .is_concurrent = true},
    [SELECTION_COPY] = {.name = "copy-listrange", .run = selection_run, .is_concurrent = true},
    [SELECTION_COPY_BUCKET] = {.name = "copy-bck", .run = selection_run, .is_concurrent = true},
    [SELECTION_MOVE_BUCKET] = {.name = "move-bck", .run = selection_run, .is_concurrent = true},
};

enum status
selection_job_start(struct job_registry *registry, const struct selection_options *options,
                    char ret_id[JOB_ID_SIZE], struct error *err)
{
    struct packed_options packed = {.verb = options->verb,
                                    .is_dry_run = options->is_dry_run,
                                    .has_names = options->names != NULL,
                                    .name_count = (uint32_t)options->name_count};
    struct buffer memory = BUFFER_INIT;
    struct name_template template;
    enum status st = name_template_parse(options->template, &template, err);

    if (st != ST_OK) {
        return st;
    }
    buffer_append(&memory, &packed, sizeof(packed));
    pack_text(&memory, options->source);
    pack_text(&memory, options->destination);
    pack_text(&memory, options->template);
    pack_text(&memory, options->prepend);
    for (size_t i = 0; i < options->name_count; i++) {
        pack_text(&memory, options->names[i]);
    }
    packed.size = (uint32_t)(memory.size - sizeof(packed));
    memcpy(memory.data, &packed, sizeof(packed));
    st = job_start(registry, &KINDS[options->verb], memory.data, memory.size, ret_id, err);
    buffer_release(&memory);
    return st;
}
