/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DeleteObjects.  Each key has its own result; the keys that can be tried go to the committers
 * together.  SPEC: S3 DeleteObjects.
 */
#include "base/check.h"
#include "base/xml_writer.h"
#include "s3/s3_copy_source.h"
#include "s3/s3_error.h"
#include "s3/s3_handler.h"
#include "s3/s3_xml.h"

#include "base/banned.h"

/* What can be told before anything is tried. */
static enum status
check_entry(const struct object_delete_entry *entry, struct bytes version_id, struct error *err)
{
    if (entry->key.size > OBJECT_KEY_BYTES_MAX) {
        return fail_as(err, ST_INVALID, "KeyTooLongError",
                       "Your key is too long: it has %zu bytes and may have %d.", entry->key.size,
                       OBJECT_KEY_BYTES_MAX);
    }
    return s3_version_check(version_id, err);
}

/* The entries that may be tried, behind one another; index[i] is where they stood. */
static size_t
select_entries(const struct s3_delete_document *document, struct object_delete_entry *tried,
               size_t *index)
{
    size_t count = 0;

    for (size_t i = 0; i < document->count; i++) {
        struct object_delete_entry *entry = &document->entries[i];

        entry->status = check_entry(entry, document->version_ids[i], &entry->error);
        if (entry->status == ST_OK) {
            index[count] = i;
            tried[count++] = *entry;
        }
    }
    return count;
}

static void
write_result(struct buffer *out, const struct object_delete_entry *entry, struct bytes version_id,
             bool is_quiet)
{
    struct s3_error_code code;

    if (entry->status == ST_OK) {
        if (!is_quiet) {
            xml_open(out, "Deleted");
            xml_element(out, "Key", entry->key);
            if (version_id.data != NULL) {
                xml_element(out, "VersionId", version_id);
            }
            xml_close(out, "Deleted");
        }
        return;
    }
    code = s3_error_code_of(&entry->error);
    xml_open(out, "Error");
    xml_element(out, "Key", entry->key);
    if (version_id.data != NULL) {
        xml_element(out, "VersionId", version_id);
    }
    xml_element_string(out, "Code", code.code);
    xml_element(out, "Message",
                s3_error_is_ours(&code)
                    ? BYTES_LITERAL("We encountered an internal error. Please try again.")
                    : s3_error_whole_utf8(bytes_of_string(entry->error.text)));
    xml_close(out, "Error");
}

static enum status
delete_entries(struct s3_request *request, const struct s3_delete_document *document,
               struct error *err)
{
    struct object_delete_entry *tried =
        arena_alloc(request->arena, document->count * sizeof(*tried));
    size_t *index = arena_alloc(request->arena, document->count * sizeof(*index));
    size_t count = select_entries(document, tried, index);
    enum status st = count != 0 ? object_delete(&request->bucket, tried, count, err) : ST_OK;

    for (size_t i = 0; st == ST_OK && i < count; i++) {
        struct object_delete_entry *entry = &document->entries[index[i]];

        *entry = tried[i];
        if (entry->status == ST_NO_SUCH_KEY && request->s3->options.delete_if_match_missing_ok) {
            entry->status = ST_OK;
        }
    }
    return st;
}

enum status
s3_delete_objects(struct s3_request *request, struct error *err)
{
    struct s3_delete_document document;
    struct buffer out = BUFFER_INIT;
    enum status st = s3_xml_read_delete(request->body, request->arena, &document, err);

    if (st == ST_OK) {
        st = delete_entries(request, &document, err);
    }
    if (st != ST_OK) {
        return st;
    }
    buffer_reserve(&out, 256 + document.count * 96);
    xml_begin_document(&out, "DeleteResult", S3_XMLNS);
    for (size_t i = 0; i < document.count; i++) {
        write_result(&out, &document.entries[i], document.version_ids[i], document.is_quiet);
    }
    xml_close(&out, "DeleteResult");
    s3_reply_xml(request, &out);
    return ST_OK;
}
