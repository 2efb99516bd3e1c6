/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields that several records share: attributes that a client gave, layouts, extents.
 */
#include "base/check.h"
#include "base/encode.h"
#include "meta/record_codec.h"

#include "base/banned.h"

#define UUID_BYTES 16
#define EXTENT_BYTES_MAX 96

void
record_put_attributes(struct buffer *out, const struct object_attributes *attributes)
{
    for (size_t i = 0; i < CONTENT_HEADER_COUNT; i++) {
        struct bytes header = attributes->content[i];

        if (header.data != NULL) {
            buffer_append_char(out, (char)TAG_CONTENT_HEADER);
            record_put_varint(out, header.size + 1);
            buffer_append_char(out, (char)i);
            buffer_append_bytes(out, header);
        }
    }
    for (size_t i = 0; i < attributes->metadata_count; i++) {
        const struct metadata_entry *entry = &attributes->metadata[i];
        struct buffer size = BUFFER_INIT;

        record_put_varint(&size, entry->name.size);
        buffer_append_char(out, (char)TAG_METADATA);
        record_put_varint(out, size.size + entry->name.size + entry->value.size);
        buffer_append_bytes(out, buffer_bytes(&size));
        buffer_append_bytes(out, entry->name);
        buffer_append_bytes(out, entry->value);
        buffer_release(&size);
    }
    record_put_text(out, TAG_STORAGE_CLASS, attributes->storage_class);
}

static size_t
put_u64(unsigned char *out, uint64_t value)
{
    encode_u64_be(out, value);
    return 8;
}

static size_t
put_raw(unsigned char *out, const void *data, size_t size)
{
    memcpy(out, data, size);
    return size;
}

void
record_put_extent(struct buffer *out, const struct extent *extent)
{
    unsigned char payload[EXTENT_BYTES_MAX];
    size_t size = 0;

    payload[size++] = (unsigned char)extent->kind;
    size += put_u64(payload + size, extent->length);
    size += put_raw(payload + size, extent->write_id.bytes, WRITE_ID_BYTES);
    switch (extent->kind) {
    case EXTENT_PACK:
        size += put_u64(payload + size, extent->pack_id);
        size += put_u64(payload + size, extent->offset);
        break;
    case EXTENT_CHUNK:
        size += put_raw(payload + size, extent->chunk_id.bytes, CHUNK_ID_BYTES);
        size += put_raw(payload + size, extent->mountpath, UUID_BYTES);
        encode_u32_be(payload + size, extent->table_crc);
        size += 4;
        break;
    case EXTENT_INDIRECT:
        break;
    }
    record_put_field(out, TAG_EXTENT, bytes_of(payload, size));
}

void
record_put_layout(struct buffer *out, const struct layout *layout)
{
    unsigned char payload[1 + WRITE_ID_BYTES + 8];

    if (layout->kind == LAYOUT_NONE) {
        return;
    }
    payload[0] = (unsigned char)layout->kind;
    memcpy(payload + 1, layout->write_id.bytes, WRITE_ID_BYTES);
    encode_u64_be(payload + 1 + WRITE_ID_BYTES,
                  layout->kind == LAYOUT_PAGES ? layout->page_count : 0);
    record_put_field(out, TAG_LAYOUT, bytes_of(payload, sizeof(payload)));
    if (layout->kind == LAYOUT_INLINE) {
        record_put_field(out, TAG_INLINE_DATA, layout->inline_data);
    }
    if (layout->kind == LAYOUT_EXTENTS) {
        CHECK(layout->extent_count <= LAYOUT_PAGE_EXTENT_MAX);
        for (size_t i = 0; i < layout->extent_count; i++) {
            record_put_extent(out, &layout->extents[i]);
        }
    }
}

static bool
cut_u64(struct bytes *payload, uint64_t *ret_value)
{
    struct bytes raw;

    if (!record_cut_bytes(payload, 8, &raw)) {
        return false;
    }
    *ret_value = decode_u64_be(raw.data);
    return true;
}

static bool
cut_raw(struct bytes *payload, void *out, size_t size)
{
    struct bytes raw;

    if (!record_cut_bytes(payload, size, &raw)) {
        return false;
    }
    memcpy(out, raw.data, size);
    return true;
}

bool
record_get_extent(struct bytes payload, struct extent *ret_extent)
{
    struct extent extent;
    unsigned char kind;
    unsigned char crc[4];

    memset(&extent, 0, sizeof(extent));
    if (!cut_raw(&payload, &kind, 1) || !cut_u64(&payload, &extent.length) ||
        !cut_raw(&payload, extent.write_id.bytes, WRITE_ID_BYTES)) {
        return false;
    }
    extent.kind = (enum extent_kind)kind;
    switch (kind) {
    case EXTENT_PACK:
        if (!cut_u64(&payload, &extent.pack_id) || !cut_u64(&payload, &extent.offset)) {
            return false;
        }
        break;
    case EXTENT_CHUNK:
        if (!cut_raw(&payload, extent.chunk_id.bytes, CHUNK_ID_BYTES) ||
            !cut_raw(&payload, extent.mountpath, UUID_BYTES) ||
            !cut_raw(&payload, crc, sizeof(crc))) {
            return false;
        }
        extent.table_crc = decode_u32_be(crc);
        break;
    case EXTENT_INDIRECT:
        break;
    default:
        return false;
    }
    *ret_extent = extent;
    return payload.size == 0;
}

void
record_collector_init(struct record_collector *collector, const struct record_survey *survey,
                      struct arena *arena)
{
    *collector = (struct record_collector){NULL, 0, NULL, 0};
    if (survey->metadata_count > 0) {
        collector->metadata =
            arena_calloc(arena, survey->metadata_count, sizeof(*collector->metadata));
    }
    if (survey->extent_count > 0) {
        collector->extents = arena_calloc(arena, survey->extent_count, sizeof(*collector->extents));
    }
}

bool
record_get_attribute(const struct record_field *field, struct record_collector *collector,
                     struct object_attributes *attributes, bool *ret_is_mine)
{
    struct bytes payload = field->payload;

    *ret_is_mine = true;
    if (field->tag == TAG_STORAGE_CLASS) {
        attributes->storage_class = payload;
        return payload.size > 0;
    }
    if (field->tag == TAG_CONTENT_HEADER) {
        unsigned char index;

        if (!cut_raw(&payload, &index, 1) || index >= CONTENT_HEADER_COUNT ||
            attributes->content[index].data != NULL) {
            return false;
        }
        attributes->content[index] = payload;
        return true;
    }
    if (field->tag == TAG_METADATA) {
        struct metadata_entry *entry = &collector->metadata[collector->metadata_count];
        uint64_t name_size;

        if (!record_cut_varint(&payload, &name_size) || name_size > payload.size) {
            return false;
        }
        entry->name = bytes_slice(payload, 0, name_size);
        entry->value = bytes_slice(payload, name_size, payload.size);
        attributes->metadata = collector->metadata;
        attributes->metadata_count = ++collector->metadata_count;
        return true;
    }
    *ret_is_mine = false;
    return true;
}

bool
record_get_layout(const struct record_field *field, struct record_collector *collector,
                  struct layout *layout, bool *ret_is_mine)
{
    struct bytes payload = field->payload;
    unsigned char kind;

    *ret_is_mine = true;
    if (field->tag == TAG_LAYOUT) {
        if (!cut_raw(&payload, &kind, 1) ||
            !cut_raw(&payload, layout->write_id.bytes, WRITE_ID_BYTES) ||
            !cut_u64(&payload, &layout->page_count) || payload.size != 0 || kind == LAYOUT_NONE ||
            kind > LAYOUT_PAGES) {
            return false;
        }
        layout->kind = (enum layout_kind)kind;
        return true;
    }
    if (field->tag == TAG_INLINE_DATA) {
        layout->inline_data = payload;
        return true;
    }
    if (field->tag == TAG_EXTENT) {
        if (!record_get_extent(payload, &collector->extents[collector->extent_count])) {
            return false;
        }
        layout->extents = collector->extents;
        layout->extent_count = ++collector->extent_count;
        return true;
    }
    *ret_is_mine = false;
    return true;
}

bool
record_layout_is_sane(const struct layout *layout)
{
    bool has_extents = layout->extent_count > 0;
    bool has_inline = layout->inline_data.data != NULL;
    bool has_pages = layout->page_count > 0;

    switch (layout->kind) {
    case LAYOUT_NONE:
        return !has_extents && !has_inline && !has_pages;
    case LAYOUT_INLINE:
        return !has_extents && has_inline && !has_pages;
    case LAYOUT_EXTENTS:
        return has_extents && layout->extent_count <= LAYOUT_PAGE_EXTENT_MAX && !has_inline &&
               !has_pages;
    case LAYOUT_PAGES:
        return !has_extents && !has_inline && has_pages;
    }
    return false;
}
