/* SPDX-License-Identifier: Apache-2.0 */
#include "base/xml_reader.h"

#include <libxml/parser.h>
#include <limits.h>

#include "base/check.h"

#include "base/banned.h"

struct xml_builder {
    struct arena *arena;
    struct xml_node *stack[XML_READER_DEPTH_MAX];
    struct buffer texts[XML_READER_DEPTH_MAX]; /* text of the open elements */
    size_t depth;
    size_t node_count;
    struct xml_node *root;
    const char *refusal; /* why parsing was stopped, NULL if it was not */
    xmlParserCtxtPtr parser;
};

static void
refuse(struct xml_builder *builder, const char *why)
{
    if (builder->refusal == NULL) {
        builder->refusal = why;
    }
    xmlStopParser(builder->parser);
}

static void
on_start_element(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                 int namespace_count, const xmlChar **namespaces, int attribute_count,
                 int default_count, const xmlChar **attributes)
{
    struct xml_builder *builder = context;
    struct xml_node *node;

    if (builder->depth == XML_READER_DEPTH_MAX) {
        refuse(builder, "it is nested too deep");
        return;
    }
    if (++builder->node_count > XML_READER_NODE_MAX) {
        refuse(builder, "it has too many elements");
        return;
    }
    node = arena_calloc(builder->arena, 1, sizeof(*node));
    node->name = arena_copy(builder->arena, bytes_of_string((const char *)name));
    for (int i = 0; i < attribute_count && i < 2; i++) {
        const xmlChar **attribute = attributes + (size_t)i * 5;

        node->attributes[i].name =
            arena_copy(builder->arena, bytes_of_string((const char *)attribute[0]));
        node->attributes[i].value = arena_copy(
            builder->arena, bytes_of(attribute[3], (size_t)(attribute[4] - attribute[3])));
        node->attribute_count++;
    }
    if (builder->depth == 0) {
        builder->root = node;
    } else {
        struct xml_node *parent = builder->stack[builder->depth - 1];

        if (parent->last_child == NULL) {
            parent->first_child = node;
        } else {
            parent->last_child->next = node;
        }
        parent->last_child = node;
    }
    buffer_clear(&builder->texts[builder->depth]);
    builder->stack[builder->depth++] = node;
}

static void
on_end_element(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct xml_builder *builder = context;
    struct bytes text;

    CHECK(builder->depth > 0);
    builder->depth--;
    text = buffer_bytes(&builder->texts[builder->depth]);
    /* libxml2 lets overlong forms through in CDATA sections */
    if (!bytes_is_utf8(text)) {
        refuse(builder, "it has text that is not UTF-8");
        return;
    }
    builder->stack[builder->depth]->text = arena_copy(builder->arena, text);
}

static void
on_characters(void *context, const xmlChar *text, int size)
{
    struct xml_builder *builder = context;

    if (builder->depth > 0) {
        buffer_append(&builder->texts[builder->depth - 1], text, (size_t)size);
    }
}

static void
on_dtd(void *context, const xmlChar *name, const xmlChar *external_id, const xmlChar *system_id)
{
    refuse(context, "it has a document type declaration");
}

/* Without it libxml2 writes what a client sent to standard error. */
static void
on_library_error(void *context, xmlErrorPtr error)
{
}

enum status
xml_read(struct bytes document, struct arena *arena, struct xml_node **ret_root, struct error *err)
{
    struct xml_builder builder = {.arena = arena};
    xmlSAXHandler handler = {.initialized = XML_SAX2_MAGIC,
                             .startElementNs = on_start_element,
                             .endElementNs = on_end_element,
                             .characters = on_characters,
                             .cdataBlock = on_characters,
                             .internalSubset = on_dtd};
    enum status st = ST_OK;

    if (document.size == 0 || document.size > INT_MAX) {
        return fail(err, ST_INVALID, "The XML document is empty or too large.");
    }
    xmlSetStructuredErrorFunc(NULL, on_library_error); /* of this thread */
    builder.parser = xmlCreatePushParserCtxt(&handler, &builder, NULL, 0, NULL);
    CHECK(builder.parser != NULL);
    xmlCtxtUseOptions(builder.parser, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (xmlParseChunk(builder.parser, document.data, (int)document.size, 1) != 0 ||
        !builder.parser->wellFormed || !builder.parser->nsWellFormed || builder.root == NULL ||
        builder.depth != 0 || builder.refusal != NULL) {
        st = fail(err, ST_INVALID, "The XML document is refused: %s.",
                  builder.refusal != NULL ? builder.refusal : "it is not well formed");
    }
    xmlFreeParserCtxt(builder.parser);
    for (size_t i = 0; i < XML_READER_DEPTH_MAX; i++) {
        buffer_release(&builder.texts[i]);
    }
    if (st == ST_OK) {
        *ret_root = builder.root;
    }
    return st;
}

struct xml_node *
xml_find(const struct xml_node *parent, const char *name)
{
    for (struct xml_node *node = parent->first_child; node != NULL; node = node->next) {
        if (bytes_equal_string(node->name, name)) {
            return node;
        }
    }
    return NULL;
}

struct bytes
xml_text_trimmed(const struct xml_node *node)
{
    struct bytes text = node->text;

    while (text.size > 0 && strchr(" \t\r\n", text.data[0]) != NULL) {
        text = bytes_slice(text, 1, text.size);
    }
    while (text.size > 0 && strchr(" \t\r\n", text.data[text.size - 1]) != NULL) {
        text.size--;
    }
    return text;
}

struct bytes
xml_find_text(const struct xml_node *parent, const char *name)
{
    const struct xml_node *node = xml_find(parent, name);

    return node != NULL ? xml_text_trimmed(node) : BYTES_NONE;
}
