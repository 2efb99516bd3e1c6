/* SPDX-License-Identifier: Apache-2.0 */
#include "base/xml_reader.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/xml_writer.h"
#include "tests/unit/test.h"

#include "base/banned.h"

TEST(a_delete_request_becomes_a_tree)
{
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;
    struct xml_node *root = NULL;
    struct bytes document =
        BYTES_LITERAL("<?xml version=\"1.0\"?><Delete xmlns=\"http://s3.amazonaws.com/doc/\">"
                      "<Object><Key>a&amp;b&#x41;<![CDATA[<c>]]></Key></Object>"
                      "<Object><Key>d</Key></Object><Quiet> true </Quiet></Delete>");

    EXPECT_OK(xml_read(document, &arena, &root, &err), &err);
    EXPECT_BYTES(BYTES_LITERAL("Delete"), root->name);
    EXPECT_BYTES(BYTES_LITERAL("true"), xml_find_text(root, "Quiet"));
    EXPECT_BYTES(BYTES_LITERAL("a&bA<c>"), xml_find_text(xml_find(root, "Object"), "Key"));
    EXPECT_BYTES(BYTES_LITERAL("d"), xml_find_text(xml_find(root, "Object")->next, "Key"));
    EXPECT(xml_find(root, "Nothing") == NULL);
    arena_release(&arena);
}

/* Entity bombs and foreign entities start with a DTD; neither is ever looked at. */
TEST(hostile_documents_are_refused)
{
    static const char *const BAD[] = {"",
                                      "x",
                                      "<a>",
                                      "<a></b>",
                                      "<a/><b/>",
                                      "<a>\x01</a>",
                                      "<a>&foo;</a>",
                                      "<!DOCTYPE a [<!ENTITY b \"cc\">]><a>&b;</a>",
                                      "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
                                      "<a b='1' b='2'/>",
                                      "<a><![CDATA[\xC1\x87]]></a>",
                                      "<p:a/>",
                                      "<p:a:b xmlns:p='x'/>",
                                      "<a>\xFF</a>"};
    struct arena arena = ARENA_INIT;
    struct xml_node *root = NULL;

    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct error err = ERROR_INIT;

        EXPECT_STATUS(ST_INVALID, xml_read(bytes_of_string(BAD[i]), &arena, &root, &err));
        EXPECT(root == NULL && err.text[0] != '\0');
    }
    arena_release(&arena);
}

/* What a client sends must not reach standard error by way of libxml2's own reports. */
TEST(refusals_print_nothing)
{
    struct bytes document = BYTES_LITERAL("\xFF\xFE<\0a\0>\0\x98\xD8\0K");
    struct arena arena = ARENA_INIT;
    struct xml_node *root = NULL;
    char *path = xasprintf("%s/stderr", test_directory());
    int saved = dup(STDERR_FILENO);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    enum status st;
    off_t size;

    dup2(fd, STDERR_FILENO);
    st = xml_read(document, &arena, &root, NULL);
    dup2(saved, STDERR_FILENO);
    size = lseek(fd, 0, SEEK_END);
    close(saved);
    close(fd);
    free(path);
    arena_release(&arena);

    EXPECT_STATUS(ST_INVALID, st);
    EXPECT_INT(0, size);
}

TEST(depth_is_bounded)
{
    struct arena arena = ARENA_INIT;
    struct xml_node *root = NULL;

    for (size_t depth = XML_READER_DEPTH_MAX; depth <= XML_READER_DEPTH_MAX + 1; depth++) {
        struct buffer document = BUFFER_INIT;

        for (size_t i = 0; i < depth; i++) {
            xml_open(&document, "a");
        }
        for (size_t i = 0; i < depth; i++) {
            xml_close(&document, "a");
        }
        EXPECT_STATUS(depth <= XML_READER_DEPTH_MAX ? ST_OK : ST_INVALID,
                      xml_read(buffer_bytes(&document), &arena, &root, NULL));
        buffer_release(&document);
    }
    arena_release(&arena);
}

TEST(what_the_writer_escapes_the_reader_gives_back)
{
    struct arena arena = ARENA_INIT;
    struct buffer document = BUFFER_INIT;
    struct xml_node *root = NULL;
    struct bytes text = BYTES_LITERAL("<&>\"'\r\n\t\xC3\xA9");

    xml_begin_document(&document, "R", "urn:x");
    xml_element(&document, "Key", text);
    xml_element_u64(&document, "Size", UINT64_MAX);
    xml_close(&document, "R");

    EXPECT_STATUS(ST_OK, xml_read(buffer_bytes(&document), &arena, &root, NULL));
    EXPECT_BYTES(text, xml_find(root, "Key")->text);
    EXPECT_BYTES(BYTES_LITERAL("18446744073709551615"), xml_find_text(root, "Size"));
    buffer_release(&document);
    arena_release(&arena);
}
