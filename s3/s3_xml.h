/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents that clients send, as structs.  Strict: an element that the operation does not know
 * is MalformedXML, one that it knows and cannot do is ST_NOT_IMPLEMENTED.  Results live in arena.
 */
#ifndef S3_S3_XML_H
#define S3_S3_XML_H

#include "base/arena.h"
#include "object/multipart.h"
#include "object/object_delete.h"

struct s3_delete_document {
    struct object_delete_entry *entries; /* key and conditions filled; keys may be too long */
    struct bytes *version_ids;           /* data NULL: not given */
    size_t count;
    bool is_quiet;
};

/* ST_INVALID (MalformedXML, MissingRequestBodyError), ST_NOT_IMPLEMENTED. */
MUST_USE enum status s3_xml_read_delete(struct bytes body, struct arena *arena,
                                        struct s3_delete_document *ret_document, struct error *err);

struct s3_complete_document {
    struct multipart_part *parts;
    size_t count;
};

MUST_USE enum status s3_xml_read_complete(struct bytes body, struct arena *arena,
                                          struct s3_complete_document *ret_document,
                                          struct error *err);

struct s3_create_document {
    struct bytes location; /* data NULL: not given */
};

/* An empty body is an empty document. */
MUST_USE enum status s3_xml_read_create(struct bytes body, struct arena *arena,
                                        struct s3_create_document *ret_document, struct error *err);

/* text without the quotes around an ETag. */
struct bytes s3_xml_unquote(struct bytes text);

#endif
