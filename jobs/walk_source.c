/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/walk_source.h"

#include "base/field_codec.h"
#include "object/object_list.h"

#include "base/banned.h"

/* Of names nobody knows how large their objects are: fewer at once. */
#define NAMED_BATCH_OBJECTS 500

enum status
walk_source_open(struct walk_source *source, const struct bucket *bucket,
                 const struct walk_message *message, struct error *err)
{
    struct bytes rest = message->names;
    struct bytes name;
    enum status st;

    *source = (struct walk_source){.bucket = bucket,
                                   .prefix = message->template,
                                   .is_list = message->has_names,
                                   .names = message->names};
    while (source->is_list && rest.size > 0) {
        if (!field_cut_counted(&rest, &name)) {
            return fail(err, ST_INVALID, "the names of a job cannot be read");
        }
        source->name_count++;
    }
    if (source->is_list) {
        return ST_OK;
    }
    st =
        message->is_prefix ? ST_OK : name_template_parse(message->template, &source->template, err);
    source->is_template = st == ST_OK && source->template.range_count > 0;
    if (source->is_template) {
        source->name_count = source->template.count;
    }
    return st;
}

void
walk_source_close(struct walk_source *source)
{
    buffer_release(&source->name);
    buffer_release(&source->last);
}

bool
walk_source_is_named(const struct walk_source *source)
{
    return source->is_list || source->is_template;
}

static void
set_last(struct walk_source *source, struct bytes last)
{
    buffer_clear(&source->last);
    buffer_append_bytes(&source->last, last);
    source->position.last = buffer_bytes(&source->last);
}

/* The next name; lives until the one after it.  False: there is none. */
static bool
next_name(struct walk_source *source, struct bytes *ret_name)
{
    if (source->is_template) {
        bool is_there = name_template_next(&source->template, &source->name);

        *ret_name = buffer_bytes(&source->name);
        return is_there;
    }
    return source->names.size > 0 && field_cut_counted(&source->names, ret_name);
}

void
walk_source_go_to(struct walk_source *source, const struct walk_position *position)
{
    struct bytes name;

    source->position = *position;
    set_last(source, position->last);
    for (uint64_t i = 0; walk_source_is_named(source) && i < position->consumed; i++) {
        if (!next_name(source, &name)) {
            return;
        }
    }
}

static void
read_names(struct walk_source *source, struct arena *arena, struct walk_item *items, size_t *count)
{
    struct bytes name;

    while (*count < NAMED_BATCH_OBJECTS) {
        if (!next_name(source, &name)) {
            source->position.is_listed = true;
            return;
        }
        source->position.consumed++;
        items[(*count)++].name = arena_copy(arena, name);
    }
}

struct page {
    struct arena *arena;
    struct walk_item *items;
    size_t count;
    uint64_t byte_count;
    bool is_full;
};

static void
take_listed(struct bytes name, const struct object_record *record, void *arg)
{
    struct page *page = arg;

    if (page->is_full || (page->count > 0 && page->byte_count + record->size > WALK_BATCH_BYTES)) {
        page->is_full = true;
        return;
    }
    page->byte_count += record->size;
    page->items[page->count] = (struct walk_item){.name = arena_copy(page->arena, name),
                                                  .size = record->size,
                                                  .stored_size = record->stored_size};
    walk_item_set_etag(&page->items[page->count++], record->etag);
}

enum status
walk_source_next(struct walk_source *source, struct arena *arena, struct walk_item **ret_items,
                 size_t *ret_count, struct error *err)
{
    struct walk_item *items = arena_calloc(arena, WALK_BATCH_OBJECTS, sizeof(*items));
    struct object_list_options options = {.prefix = source->prefix,
                                          .after = source->position.last,
                                          .is_continued = source->position.last.size > 0,
                                          .count_max = WALK_BATCH_OBJECTS};
    struct page page = {.arena = arena, .items = items};
    struct object_list_result result;
    enum status st;

    if (walk_source_is_named(source)) {
        size_t count = 0;

        read_names(source, arena, items, &count);
        *ret_items = items;
        *ret_count = count;
        return ST_OK;
    }
    st = object_list(source->bucket, &options, take_listed, &page, arena, &result, err);
    if (st != ST_OK) {
        return st;
    }
    if (page.count > 0) {
        set_last(source, page.items[page.count - 1].name);
    }
    source->position.is_listed = !result.is_truncated && !page.is_full;
    *ret_items = items;
    *ret_count = page.count;
    return ST_OK;
}
