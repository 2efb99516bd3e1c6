/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_attributes.h"

#include "object/object_store.h"

#include "base/banned.h"

enum status
object_attributes_check(const struct object_attributes *attributes, struct error *err)
{
    size_t size = 0;

    for (size_t i = 0; i < attributes->metadata_count; i++) {
        size += attributes->metadata[i].name.size + attributes->metadata[i].value.size;
    }
    if (size > OBJECT_METADATA_BYTES_MAX) {
        return fail_as(err, ST_TOO_LARGE, "MetadataTooLarge",
                       "the user metadata has %zu bytes, more than the %d allowed", size,
                       OBJECT_METADATA_BYTES_MAX);
    }
    return ST_OK;
}

static struct bytes
copy_optional(struct arena *arena, struct bytes bytes)
{
    return bytes.data == NULL ? bytes : arena_copy(arena, bytes);
}

void
object_attributes_copy(struct arena *arena, const struct object_attributes *from,
                       struct object_attributes *ret_to)
{
    struct metadata_entry *metadata = arena_alloc(arena, from->metadata_count * sizeof(*metadata));

    for (size_t i = 0; i < CONTENT_HEADER_COUNT; i++) {
        ret_to->content[i] = copy_optional(arena, from->content[i]);
    }
    for (size_t i = 0; i < from->metadata_count; i++) {
        metadata[i].name = arena_copy(arena, from->metadata[i].name);
        metadata[i].value = arena_copy(arena, from->metadata[i].value);
    }
    ret_to->metadata = metadata;
    ret_to->metadata_count = from->metadata_count;
    ret_to->storage_class = copy_optional(arena, from->storage_class);
}

void
object_conditions_copy(struct arena *arena, const struct object_conditions *from,
                       struct object_conditions *ret_to)
{
    *ret_to = *from;
    ret_to->if_match = copy_optional(arena, from->if_match);
    ret_to->if_none_match = copy_optional(arena, from->if_none_match);
}
