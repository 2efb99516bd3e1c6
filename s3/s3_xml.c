/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_xml.h"

#include "base/check.h"
#include "base/xml_reader.h"
#include "s3/s3_checksum.h"

#include "base/banned.h"

static enum status
fail_malformed(struct error *err, const char *why)
{
    return fail_as(err, ST_INVALID, "MalformedXML",
                   "The XML you provided was not well-formed or did not validate against our "
                   "published schema: %s.",
                   why);
}

static bool
is_named(const struct xml_node *node, const char *name)
{
    return bytes_equal_string(node->name, name);
}

static enum status
fail_unknown(const struct xml_node *node, struct error *err)
{
    return fail_as(err, ST_INVALID, "MalformedXML",
                   "The XML you provided did not validate against our published schema: the "
                   "element %.*s is not known here or stands twice.",
                   (int)(node->name.size < 64 ? node->name.size : 64), node->name.data);
}

static enum status
read_root(struct bytes body, const char *name, struct arena *arena, struct xml_node **ret_root,
          struct error *err)
{
    struct error why = ERROR_INIT;

    if (body.size == 0) {
        return fail_as(err, ST_INVALID, "MissingRequestBodyError", "Request body is empty.");
    }
    if (xml_read(body, arena, ret_root, &why) != ST_OK) {
        return fail_as(err, ST_INVALID, "MalformedXML",
                       "The XML you provided was not well-formed: %s", why.text);
    }
    if (!is_named(*ret_root, name)) {
        return fail_malformed(err, "its root element is another one");
    }
    return ST_OK;
}

static size_t
count_children(const struct xml_node *parent)
{
    size_t count = 0;

    for (const struct xml_node *node = parent->first_child; node != NULL; node = node->next) {
        count++;
    }
    return count;
}

struct bytes
s3_xml_unquote(struct bytes text)
{
    if (text.size >= 2 && text.data[0] == '"' && text.data[text.size - 1] == '"') {
        return bytes_slice(text, 1, text.size - 1);
    }
    return text;
}

/* SPEC: S3 DeleteObjects / Object: Key, VersionId, ETag; LastModifiedTime and Size are of directory
 * buckets. */
static enum status
read_delete_object(const struct xml_node *object, struct object_delete_entry *entry,
                   struct bytes *version_id, struct error *err)
{
    for (const struct xml_node *node = object->first_child; node != NULL; node = node->next) {
        if (is_named(node, "Key") && entry->key.data == NULL) {
            entry->key = node->text;
        } else if (is_named(node, "VersionId") && version_id->data == NULL) {
            *version_id = xml_text_trimmed(node);
        } else if (is_named(node, "ETag") && entry->conditions.if_match.data == NULL) {
            entry->conditions.if_match = xml_text_trimmed(node);
        } else if (is_named(node, "LastModifiedTime") || is_named(node, "Size")) {
            return fail(err, ST_NOT_IMPLEMENTED,
                        "The conditions LastModifiedTime and Size are for directory buckets and "
                        "not implemented.");
        } else {
            return fail_unknown(node, err);
        }
    }
    if (entry->key.size == 0) {
        return fail_malformed(err, "an Object has no Key");
    }
    return ST_OK;
}

enum status
s3_xml_read_delete(struct bytes body, struct arena *arena, struct s3_delete_document *ret_document,
                   struct error *err)
{
    struct s3_delete_document document = {.count = 0};
    struct xml_node *root;
    enum status st = read_root(body, "Delete", arena, &root, err);
    size_t child_count;
    bool has_quiet = false;

    if (st != ST_OK) {
        return st;
    }
    child_count = count_children(root);
    if (child_count > OBJECT_DELETE_KEYS_MAX + 1) {
        return fail_malformed(err, "it names more than 1,000 keys");
    }
    document.entries = arena_calloc(arena, child_count + 1, sizeof(*document.entries));
    document.version_ids = arena_calloc(arena, child_count + 1, sizeof(*document.version_ids));
    for (const struct xml_node *node = root->first_child; node != NULL; node = node->next) {
        if (is_named(node, "Quiet") && !has_quiet) {
            has_quiet = true;
            document.is_quiet = bytes_equal_ignore_case(xml_text_trimmed(node), "true");
        } else if (is_named(node, "Object")) {
            st = read_delete_object(node, &document.entries[document.count],
                                    &document.version_ids[document.count], err);
            document.count++;
        } else {
            st = fail_unknown(node, err);
        }
        if (st != ST_OK) {
            return st;
        }
    }
    if (document.count == 0 || document.count > OBJECT_DELETE_KEYS_MAX) {
        return fail_malformed(err, "it must name 1 to 1,000 keys");
    }
    *ret_document = document;
    return ST_OK;
}

static enum status
read_part_checksum(const struct xml_node *node, struct multipart_part *part, struct error *err)
{
    struct bytes name = bytes_slice(node->name, strlen("Checksum"), node->name.size);
    enum checksum_algorithm algorithm;
    enum status st = s3_checksum_parse_algorithm(name, "the checksum of a Part", &algorithm, err);

    if (st == ST_OK && part->checksum.algorithm != CHECKSUM_NONE) {
        return fail_malformed(err, "a Part has more than one checksum");
    }
    return st == ST_OK ? s3_checksum_parse_value(algorithm, xml_text_trimmed(node), false,
                                                 &part->checksum, err)
                       : st;
}

static enum status
read_part_number(const struct xml_node *node, struct multipart_part *part, struct error *err)
{
    uint64_t number;

    if (bytes_parse_u64(xml_text_trimmed(node), UINT32_MAX, &number) != ST_OK) {
        return fail_malformed(err, "a PartNumber is no number");
    }
    if (number == 0 || number > PART_NUMBER_MAX) {
        return fail_as(err, ST_INVALID, "InvalidArgument",
                       "Part number must be an integer between 1 and %d, inclusive.",
                       PART_NUMBER_MAX);
    }
    part->number = (uint32_t)number;
    return ST_OK;
}

static enum status
read_part(const struct xml_node *parent, struct multipart_part *part, struct error *err)
{
    enum status st = ST_OK;

    for (const struct xml_node *node = parent->first_child; node != NULL; node = node->next) {
        if (is_named(node, "PartNumber") && part->number == 0) {
            st = read_part_number(node, part, err);
        } else if (is_named(node, "ETag") && part->etag.data == NULL) {
            part->etag = s3_xml_unquote(xml_text_trimmed(node));
        } else if (bytes_has_prefix(node->name, BYTES_LITERAL("Checksum"))) {
            st = read_part_checksum(node, part, err);
        } else {
            st = fail_unknown(node, err);
        }
        if (st != ST_OK) {
            return st;
        }
    }
    if (part->number == 0 || part->etag.size == 0) {
        return fail_malformed(err, "a Part lacks its PartNumber or its ETag");
    }
    return ST_OK;
}

enum status
s3_xml_read_complete(struct bytes body, struct arena *arena,
                     struct s3_complete_document *ret_document, struct error *err)
{
    struct s3_complete_document document = {.count = 0};
    struct xml_node *root;
    enum status st;

    if (body.size == 0) { /* unlike the other operations, S3 does not call it missing */
        return fail_malformed(err, "it must name 1 to 10,000 parts");
    }
    st = read_root(body, "CompleteMultipartUpload", arena, &root, err);
    if (st != ST_OK) {
        return st;
    }
    document.count = count_children(root);
    if (document.count == 0 || document.count > PART_NUMBER_MAX) {
        return fail_malformed(err, "it must name 1 to 10,000 parts");
    }
    document.parts = arena_calloc(arena, document.count, sizeof(*document.parts));
    document.count = 0;
    for (const struct xml_node *node = root->first_child; node != NULL; node = node->next) {
        if (!is_named(node, "Part")) {
            return fail_unknown(node, err);
        }
        st = read_part(node, &document.parts[document.count++], err);
        if (st != ST_OK) {
            return st;
        }
    }
    *ret_document = document;
    return ST_OK;
}

enum status
s3_xml_read_create(struct bytes body, struct arena *arena, struct s3_create_document *ret_document,
                   struct error *err)
{
    struct s3_create_document document = {BYTES_NONE};
    struct xml_node *root;
    enum status st;

    if (body.size == 0) {
        *ret_document = document;
        return ST_OK;
    }
    st = read_root(body, "CreateBucketConfiguration", arena, &root, err);
    if (st != ST_OK) {
        return st;
    }
    for (const struct xml_node *node = root->first_child; node != NULL; node = node->next) {
        if (is_named(node, "LocationConstraint") && document.location.data == NULL) {
            document.location = xml_text_trimmed(node);
        } else if (is_named(node, "Location") || is_named(node, "Bucket") ||
                   is_named(node, "Tags")) {
            return fail(err, ST_NOT_IMPLEMENTED,
                        "The element %.*s of CreateBucketConfiguration is not implemented.",
                        BYTES_ARGS(node->name));
        } else {
            return fail_unknown(node, err);
        }
    }
    *ret_document = document;
    return ST_OK;
}
