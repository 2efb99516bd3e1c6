/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a whole XML document that a client sent into a small tree.  No DTD, no entities beyond the
 * five predefined ones and character references, no network, bounded depth and node count.
 * Namespaces are ignored: names are local names.  Any thread.
 */
#ifndef BASE_XML_READER_H
#define BASE_XML_READER_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/status.h"

/* S3 bodies nest at most 5 deep; beyond this it is an attack. */
#define XML_READER_DEPTH_MAX 32
/* CompleteMultipartUpload with 10,000 parts and all checksums has about 80,000 nodes. */
#define XML_READER_NODE_MAX 200000

struct xml_node {
    struct bytes name;
    struct bytes text; /* character data directly inside, concatenated; untrimmed */
    struct xml_node *first_child;
    struct xml_node *last_child;
    struct xml_node *next;
    size_t attribute_count;
    struct {
        struct bytes name;
        struct bytes value;
    } attributes[2]; /* the first two, all that S3 uses (xsi:type) */
};

/* ST_INVALID with a sentence if it is not well formed or over a limit.  The tree lives in arena. */
MUST_USE enum status xml_read(struct bytes document, struct arena *arena,
                              struct xml_node **ret_root, struct error *err);
/* First child of that name, or NULL. */
struct xml_node *xml_find(const struct xml_node *parent, const char *name);
/* Text of the first child of that name, trimmed of white space; BYTES_NONE if there is no such. */
struct bytes xml_find_text(const struct xml_node *parent, const char *name);
struct bytes xml_text_trimmed(const struct xml_node *node);

#endif
