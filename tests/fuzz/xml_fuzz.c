/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/xml_reader.h on any bytes: a document is refused with a sentence, or becomes a tree within
 * the limits that survives being written and read again.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/xml_reader.h"
#include "base/xml_writer.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_tree(const struct xml_node *node, size_t depth)
{
    CHECK(depth <= XML_READER_DEPTH_MAX);
    CHECK(node->name.size > 0 && bytes_is_utf8(node->name) && bytes_is_utf8(node->text));
    CHECK(node->attribute_count <= ARRAY_COUNT(node->attributes));
    CHECK(xml_text_trimmed(node).size <= node->text.size);
    for (const struct xml_node *child = node->first_child; child != NULL; child = child->next) {
        CHECK(child->next != NULL || child == node->last_child);
        check_tree(child, depth + 1);
    }
}

static void
write_tree(const struct xml_node *node, struct arena *arena, struct buffer *out)
{
    const char *name = arena_string(arena, node->name);

    xml_open(out, name);
    xml_escape(out, node->text);
    for (const struct xml_node *child = node->first_child; child != NULL; child = child->next) {
        write_tree(child, arena, out);
    }
    xml_close(out, name);
}

static void
check_equal(const struct xml_node *a, const struct xml_node *b)
{
    CHECK(bytes_equal(a->name, b->name));
    CHECK(bytes_equal(a->text, b->text));
    a = a->first_child;
    b = b->first_child;
    while (a != NULL && b != NULL) {
        check_equal(a, b);
        a = a->next;
        b = b->next;
    }
    CHECK(a == NULL && b == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct buffer text = BUFFER_INIT;
    struct error err = ERROR_INIT;
    struct xml_node *root = NULL;
    struct xml_node *again = NULL;

    if (xml_read(bytes_of(data, size), &arena, &root, &err) == ST_OK) {
        check_tree(root, 1);
        write_tree(root, &arena, &text);
        CHECK(xml_read(buffer_bytes(&text), &arena, &again, &err) == ST_OK);
        check_equal(root, again);
    } else {
        CHECK(root == NULL && err.code == ST_INVALID && err.text[0] != '\0');
    }
    buffer_release(&text);
    arena_release(&arena);
    return 0;
}
