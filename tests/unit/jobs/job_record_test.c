/* SPDX-License-Identifier: Apache-2.0 */
/* What a kill leaves of a job's file, and what is read of it.  SPEC: docs/decisions/018. */
#include "jobs/job_record.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "jobs/walk_message.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct arena arena;
static struct error err;

static struct job_record *
create(const char *id)
{
    const struct job_record_head head = {.id = bytes_of_string(id),
                                         .kind = BYTES_LITERAL("copy-bck"),
                                         .started_ns = 17,
                                         .options = bytes_of("a\0b", 3)};
    struct job_record *record = NULL;

    EXPECT_OK(job_record_create(test_directory(), &head, &record, &err), &err);
    return record;
}

static void
save(struct job_record *record, uint64_t count, struct bytes cursor)
{
    const struct job_record_state state = {
        .counters = {.object_count = count, .byte_count = 10 * count, .total_count = 99},
        .cursor = cursor};

    EXPECT_OK(job_record_save(record, &state, &err), &err);
}

static char *
path_of(const char *id)
{
    return xasprintf("%s/%s" JOB_RECORD_SUFFIX, test_directory(), id);
}

static struct job_record_content
read_back(const char *id)
{
    struct job_record_content content;
    struct job_record *record = NULL;
    char *path = path_of(id);

    EXPECT_OK(job_record_open(path, &arena, &record, &content, &err), &err);
    job_record_close(&record);
    free(path);
    return content;
}

static size_t
size_of(const char *id)
{
    char *path = path_of(id);
    struct stat about;

    EXPECT(stat(path, &about) == 0);
    free(path);
    return (size_t)about.st_size;
}

static void
cut(const char *id, size_t size)
{
    char *path = path_of(id);

    EXPECT(truncate(path, (off_t)size) == 0);
    free(path);
}

/* Head and state are read back as they were written; the last state counts. */
TEST(the_last_state_counts)
{
    struct job_record *record = create("copy-bck-1");
    struct job_record_content content;

    content = read_back("copy-bck-1");
    EXPECT_BYTES(BYTES_LITERAL("copy-bck-1"), content.head.id);
    EXPECT_BYTES(BYTES_LITERAL("copy-bck"), content.head.kind);
    EXPECT_BYTES(bytes_of("a\0b", 3), content.head.options);
    EXPECT_INT(17, content.head.started_ns);
    EXPECT(!content.has_state && content.end.size == 0);

    save(record, 1, BYTES_LITERAL("one"));
    save(record, 2, BYTES_LITERAL("two"));
    job_record_close(&record);
    content = read_back("copy-bck-1");
    EXPECT(content.has_state);
    EXPECT_INT(2, content.state.counters.object_count);
    EXPECT_INT(20, content.state.counters.byte_count);
    EXPECT_INT(99, content.state.counters.total_count);
    EXPECT_BYTES(BYTES_LITERAL("two"), content.state.cursor);
    arena_release(&arena);
}

/* A kill leaves any front part of what was being appended: then the state before it counts,
 * counters and cursor together, and the next one is appended behind that. */
TEST(a_state_that_is_cut_does_not_count)
{
    struct job_record *record = create("copy-bck-1");
    struct job_record_content content;
    char *path = path_of("copy-bck-1");
    size_t first, second;

    save(record, 1, BYTES_LITERAL("one"));
    first = size_of("copy-bck-1");
    save(record, 2, BYTES_LITERAL("two"));
    second = size_of("copy-bck-1");
    job_record_close(&record);
    for (size_t size = second - 1; size >= first; size--) {
        cut("copy-bck-1", size);
        content = read_back("copy-bck-1");
        EXPECT_INT(1, content.state.counters.object_count);
        EXPECT_BYTES(BYTES_LITERAL("one"), content.state.cursor);
        EXPECT(size_of("copy-bck-1") == first);
    }
    EXPECT_OK(job_record_open(path, &arena, &record, &content, &err), &err);
    save(record, 3, BYTES_LITERAL("three"));
    job_record_close(&record);
    content = read_back("copy-bck-1");
    EXPECT_BYTES(BYTES_LITERAL("three"), content.state.cursor);
    free(path);
    arena_release(&arena);
}

/* A file whose head is cut names no job. */
TEST(a_file_without_a_head_is_refused)
{
    struct job_record *record = create("copy-bck-1");
    struct job_record_content content;
    size_t size = size_of("copy-bck-1");
    char *path = path_of("copy-bck-1");

    job_record_close(&record);
    for (size_t left = 0; left < size; left++) {
        cut("copy-bck-1", left);
        EXPECT_STATUS(ST_CORRUPT, job_record_open(path, &arena, &record, &content, NULL));
    }
    free(path);
    arena_release(&arena);
}

/* A file does not grow without a bound, and what replaces it says the same. */
TEST(a_file_that_has_grown_is_written_again)
{
    struct job_record *record = create("copy-bck-1");
    struct bytes cursor = bytes_of(xcalloc(1, 1 << 20), 1 << 20);
    struct job_record_content content;

    for (uint64_t i = 1; i <= 20; i++) {
        save(record, i, cursor);
        EXPECT(size_of("copy-bck-1") <= JOB_RECORD_REWRITE_BYTES + (2 << 20));
    }
    job_record_end(record, BYTES_LITERAL("{}"));
    job_record_close(&record);
    content = read_back("copy-bck-1");
    EXPECT_INT(20, content.state.counters.object_count);
    EXPECT_BYTES(BYTES_LITERAL("copy-bck-1"), content.head.id);
    EXPECT_BYTES(BYTES_LITERAL("{}"), content.end);
    free((char *)(uintptr_t)cursor.data);
    arena_release(&arena);
}

/* The cursor of a walk holds where it is, its batch, and who has done how much. */
TEST(a_cursor_is_read_back_whole)
{
    const struct walk_node_count nodes[] = {{BYTES_LITERAL("target-1"), 3, 30},
                                            {BYTES_LITERAL("target-2"), 4, 40}};
    struct walk_item items[2] = {{.name = bytes_of("a\0b", 3), .size = 7},
                                 {.name = BYTES_LITERAL("c")}};
    const struct walk_cursor cursor = {
        .position = {.last = BYTES_LITERAL("c"), .consumed = 12, .is_listed = true},
        .nodes = nodes,
        .node_count = 2,
        .items = items,
        .item_count = 2};
    struct walk_cursor read;
    struct buffer text = BUFFER_INIT;

    walk_item_set_etag(&items[0], BYTES_LITERAL("0123-1"));
    walk_cursor_write(&cursor, &text);
    EXPECT_OK(walk_cursor_read(buffer_bytes(&text), &arena, &read, &err), &err);
    EXPECT_BYTES(BYTES_LITERAL("c"), read.position.last);
    EXPECT_INT(12, read.position.consumed);
    EXPECT(read.position.is_listed);
    EXPECT_INT(2, read.node_count);
    EXPECT_BYTES(BYTES_LITERAL("target-2"), read.nodes[1].node);
    EXPECT_INT(4, read.nodes[1].object_count);
    EXPECT_INT(40, read.nodes[1].byte_count);
    EXPECT_INT(2, read.item_count);
    EXPECT_BYTES(bytes_of("a\0b", 3), read.items[0].name);
    EXPECT_INT(7, read.items[0].size);
    EXPECT_STRING("0123-1", read.items[0].etag);
    EXPECT(read.items[0].is_repeated && read.items[1].is_repeated);
    text.size--;
    EXPECT_STATUS(ST_INVALID, walk_cursor_read(buffer_bytes(&text), &arena, &read, NULL));
    buffer_release(&text);
    arena_release(&arena);
}

/* A message keeps names and ids; what no release wrote is refused. */
TEST(a_message_is_read_back_whole)
{
    const struct bytes names[] = {BYTES_LITERAL("x"), BYTES_LITERAL("y/z")};
    struct buffer list = BUFFER_INIT;
    struct buffer text = BUFFER_INIT;
    struct walk_message message = {.source = BYTES_LITERAL("photos"),
                                   .source_id = 5,
                                   .destination = BYTES_LITERAL("@#team/copies"),
                                   .destination_id = 6,
                                   .prepend = BYTES_LITERAL("p/"),
                                   .extra = bytes_of("\0\1", 2),
                                   .is_dry_run = true,
                                   .has_names = true};
    struct walk_message read;

    walk_message_put_names(names, 2, &list);
    message.names = buffer_bytes(&list);
    walk_message_write(&message, &text);
    EXPECT_OK(walk_message_read(buffer_bytes(&text), &read, &err), &err);
    EXPECT_BYTES(message.source, read.source);
    EXPECT_INT(5, read.source_id);
    EXPECT_BYTES(message.destination, read.destination);
    EXPECT_INT(6, read.destination_id);
    EXPECT_BYTES(message.prepend, read.prepend);
    EXPECT_BYTES(message.extra, read.extra);
    EXPECT(read.is_dry_run && read.has_names);
    EXPECT_BYTES(message.names, read.names);
    buffer_append_char(&text, (char)0xff); /* a critical field that is not known */
    buffer_append_char(&text, 0);
    EXPECT_STATUS(ST_INVALID, walk_message_read(buffer_bytes(&text), &read, NULL));
    EXPECT_STATUS(ST_INVALID, walk_message_read(BYTES_NONE, &read, NULL));
    buffer_release(&list);
    buffer_release(&text);
}
