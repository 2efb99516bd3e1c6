/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "jobs/job_place.h"
#include "jobs/name_template.h"
#include "jobs/walk_message.h"

#include "base/banned.h"

static enum status
find_id(struct object_store *store, struct bytes name, uint64_t *ret_id, struct error *err)
{
    struct bucket bucket;
    enum status st = bucket_open(store, principal_of_root(), name, ACTION_GET_OBJECT, &bucket, err);

    if (st == ST_OK) {
        *ret_id = bucket.id;
        bucket_close(&bucket);
    }
    return st;
}

static int
compare_names(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* In order, and each once: a name that is given twice is one object. */
static void
put_names(const struct walk_options *options, struct buffer *out)
{
    struct bytes *names = xcalloc(options->name_count + 1, sizeof(*names));
    size_t count = 0;

    memcpy(names, options->names, options->name_count * sizeof(*names));
    qsort(names, options->name_count, sizeof(*names), compare_names);
    for (size_t i = 0; i < options->name_count; i++) {
        if (i == 0 || !bytes_equal(names[i], names[count - 1])) {
            names[count++] = names[i];
        }
    }
    walk_message_put_names(names, count, out);
    free(names);
}

enum status
walk_start(struct job_registry *registry, struct object_store *store,
           const struct walk_options *options, char ret_id[JOB_ID_SIZE], struct error *err)
{
    struct walk_message message = {.source = options->source,
                                   .destination = options->destination,
                                   .template = options->template,
                                   .prepend = options->prepend,
                                   .extra = options->extra,
                                   .is_dry_run = options->is_dry_run,
                                   .is_prefix = options->is_prefix,
                                   .has_names = options->names != NULL};
    struct name_template template;
    struct buffer names = BUFFER_INIT;
    struct buffer text = BUFFER_INIT;
    enum status st =
        options->is_prefix ? ST_OK : name_template_parse(options->template, &template, err);

    if (st == ST_OK && options->extra.size > WALK_EXTRA_MAX) {
        st = fail(err, ST_TOO_LARGE, "the message of the job is too long");
    }
    if (st == ST_OK) {
        st = find_id(store, options->source, &message.source_id, err);
    }
    if (st == ST_OK && options->destination.size > 0) {
        st = find_id(store, options->destination, &message.destination_id, err);
    }
    if (st == ST_OK) {
        if (message.has_names) {
            put_names(options, &names);
        }
        message.names = buffer_bytes(&names);
        walk_message_write(&message, &text);
        st =
            job_place_start(registry, store, &options->kind->job, buffer_bytes(&text), ret_id, err);
    }
    buffer_release(&names);
    buffer_release(&text);
    return st;
}
