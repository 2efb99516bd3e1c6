/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_promote.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "object/promote_walk.h"
#include "tests/unit/object/object_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* A store whose clients may promote from <test directory>, where also its own data are. */
static struct bucket
begin(struct object_fixture *fixture)
{
    fixture_open(fixture, test_directory(), 2);
    fixture_stop(fixture);
    fixture->promote_from = test_directory();
    fixture_start(fixture);
    return fixture_bucket(fixture, "abc");
}

static void
end(struct object_fixture *fixture, struct bucket *bucket)
{
    bucket_close(bucket);
    fixture_expect_clean(fixture);
    fixture_close(fixture);
}

static char *
path_of(const char *name)
{
    return xasprintf("%s/%s", test_directory(), name);
}

static void
make_directory(const char *name)
{
    char *path = path_of(name);

    CHECK(mkdir(path, 0700) == 0);
    free(path);
}

static void
make_file(const char *name, struct bytes data)
{
    char *path = path_of(name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    CHECK(fd >= 0 && write(fd, data.data, data.size) == (ssize_t)data.size && close(fd) == 0);
    free(path);
}

static bool
is_there(const char *name)
{
    char *path = path_of(name);
    bool is = access(path, F_OK) == 0;

    free(path);
    return is;
}

static enum status
open_source(struct object_fixture *fixture, const char *name, struct promote_source *source,
            struct error *err)
{
    char *path = path_of(name);
    enum status st = promote_source_open(fixture->store, bytes_of_string(path), source, err);

    free(path);
    return st;
}

static enum status
promote(struct object_fixture *fixture, const struct bucket *bucket, const char *name,
        const struct object_promote_options *options, struct object_promote_result *result,
        struct error *err)
{
    struct promote_source source;
    enum status st = open_source(fixture, name, &source, err);

    if (st == ST_OK) {
        st = object_promote(bucket, &source, options, result, err);
        promote_source_close(&source);
    }
    return st;
}

static void
expect_stored(const struct bucket *bucket, const char *key, struct bytes expected)
{
    struct buffer got = BUFFER_INIT;
    struct error err;

    EXPECT_OK(fixture_get(bucket, key, &got, &err), &err);
    EXPECT(bytes_equal(expected, buffer_bytes(&got)));
    buffer_release(&got);
}

/* SPEC: AIStore promote: the object is the file, with the bucket's checksum; ovw: what is there
 * gives way, else it stays; dls: the file goes once the object is there. */
TEST(a_file_becomes_an_object)
{
    static const size_t SIZES[] = {0, 100, 5000, 262144, 700000, 1500000};
    struct object_fixture fixture;
    struct object_promote_result result;
    struct buffer data = BUFFER_INIT;
    struct bucket bucket = begin(&fixture);
    struct error err = ERROR_INIT;

    for (size_t i = 0; i < ARRAY_COUNT(SIZES); i++) {
        struct object_promote_options options = {.key = {"k", 1}};
        struct object_get_options head = {.key = {"k", 1}, .is_head = true, .mode = READ_MAY_WAIT};
        struct object_get_result got;
        struct arena arena = ARENA_INIT;

        fixture_fill(&data, SIZES[i], i);
        make_file("file", buffer_bytes(&data));
        options.overwrites = i > 0;
        EXPECT_OK(promote(&fixture, &bucket, "file", &options, &result, &err), &err);
        EXPECT_INT(PROMOTE_WRITTEN, result.outcome);
        EXPECT_INT(SIZES[i], result.size);
        expect_stored(&bucket, "k", buffer_bytes(&data));
        EXPECT_OK(object_get(&bucket, &head, &arena, &got, &err), &err);
        EXPECT_INT(NATIVE_CHECKSUM_XXHASH2, got.record.native_checksum.type);
        EXPECT(is_there("file"));
        arena_release(&arena);
    }
    make_file("file", BYTES_LITERAL("other"));
    {
        struct object_promote_options options = {.key = {"k", 1}, .removes_source = true};

        EXPECT_OK(promote(&fixture, &bucket, "file", &options, &result, &err), &err);
        EXPECT_INT(PROMOTE_KEPT, result.outcome);
        EXPECT(is_there("file"));
        expect_stored(&bucket, "k", buffer_bytes(&data));
        options.overwrites = true;
        EXPECT_OK(promote(&fixture, &bucket, "file", &options, &result, &err), &err);
        EXPECT_INT(PROMOTE_WRITTEN, result.outcome);
        EXPECT(!is_there("file"));
        expect_stored(&bucket, "k", BYTES_LITERAL("other"));
    }
    buffer_release(&data);
    end(&fixture, &bucket);
}

/* Without the option nothing is opened, and the sentence names it. */
TEST(nothing_is_promoted_unless_the_operator_allows_it)
{
    struct object_fixture fixture;
    struct promote_source source;
    struct error err = ERROR_INIT;

    fixture_open(&fixture, test_directory(), 1);
    make_file("file", BYTES_LITERAL("x"));
    EXPECT_STATUS(ST_DENIED, open_source(&fixture, "file", &source, &err));
    EXPECT(strstr(err.text, "--promote-from") != NULL);
    fixture_close(&fixture);
}

/* Only below the directory that was given; no way leads out of it, and none into the server's own
 * data, which lie below it here. */
TEST(nothing_else_is_opened)
{
    static const struct {
        const char *path; /* after the directory */
        enum status status;
    } CASES[] = {
        {"../file", ST_INVALID},
        {"in/../file", ST_INVALID},
        {"in/./file", ST_INVALID},
        {"in/link", ST_INVALID},
        {"in/out/passwd", ST_INVALID},
        {"in/here/file", ST_INVALID},
        {"in/fifo", ST_INVALID},
        {"in/none", ST_NOT_FOUND},
        {"in/file/below", ST_NOT_FOUND},
        {"data", ST_DENIED},
        {"data/node", ST_DENIED},
        {"mp1/identity", ST_DENIED},
        {"mp2/chunks", ST_DENIED},
        {"in/file", ST_OK},
        {"in//file", ST_OK},
        {"in/", ST_OK},
        {"in", ST_OK},
    };
    struct object_fixture fixture;
    struct bucket bucket = begin(&fixture);
    struct promote_source source;
    struct error err = ERROR_INIT;
    char *path;

    make_directory("in");
    make_file("in/file", BYTES_LITERAL("x"));
    path = path_of("in/link");
    CHECK(symlink("file", path) == 0);
    free(path);
    path = path_of("in/out");
    CHECK(symlink("/etc", path) == 0);
    free(path);
    path = path_of("in/here");
    CHECK(symlink(".", path) == 0);
    free(path);
    path = path_of("in/fifo");
    CHECK(mkfifo(path, 0600) == 0);
    free(path);
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        enum status st = open_source(&fixture, CASES[i].path, &source, &err);

        if (st != CASES[i].status) {
            printf("# %s: %s\n", CASES[i].path, err.text);
        }
        EXPECT_STATUS(CASES[i].status, st);
        if (st == ST_OK) {
            promote_source_close(&source);
        }
    }
    EXPECT_STATUS(ST_INVALID,
                  promote_source_open(fixture.store, BYTES_LITERAL("/etc/passwd"), &source, &err));
    EXPECT(strstr(err.text, "--promote-from") != NULL);
    EXPECT_STATUS(ST_INVALID,
                  promote_source_open(fixture.store, BYTES_LITERAL("in/file"), &source, &err));
    EXPECT_STATUS(ST_INVALID, promote_source_open(fixture.store, BYTES_NONE, &source, &err));
    path = xasprintf("%s-beside/file", test_directory()); /* a prefix, but no directory of it */
    EXPECT_STATUS(ST_INVALID,
                  promote_source_open(fixture.store, bytes_of_string(path), &source, &err));
    free(path);
    end(&fixture, &bucket);
}

/* What is written meanwhile is neither the file before nor the one after. */
TEST(a_file_that_changes_is_not_promoted)
{
    struct object_promote_options options = {.key = {"k", 1}, .overwrites = true};
    struct object_fixture fixture;
    struct object_promote_result result;
    struct promote_source source;
    struct buffer data = BUFFER_INIT;
    struct buffer got = BUFFER_INIT;
    struct bucket bucket = begin(&fixture);
    struct error err = ERROR_INIT;

    fixture_fill(&data, 700000, 1);
    make_file("file", buffer_bytes(&data));
    EXPECT_OK(open_source(&fixture, "file", &source, &err), &err);
    make_file("file", bytes_slice(buffer_bytes(&data), 0, 1000));
    EXPECT_STATUS(ST_CONFLICT, object_promote(&bucket, &source, &options, &result, &err));
    buffer_append_string(&data, "more");
    make_file("file", buffer_bytes(&data));
    EXPECT_STATUS(ST_CONFLICT, object_promote(&bucket, &source, &options, &result, &err));
    promote_source_close(&source);
    EXPECT_STATUS(ST_NO_SUCH_KEY, fixture_get(&bucket, "k", &got, &err));

    /* The name of the file that was opened is another's by now: that one is not removed. */
    options.removes_source = true;
    EXPECT_OK(open_source(&fixture, "file", &source, &err), &err);
    {
        char *from = path_of("file");
        char *to = path_of("moved");

        CHECK(rename(from, to) == 0);
        free(from);
        free(to);
    }
    make_file("file", BYTES_LITERAL("new"));
    EXPECT_STATUS(ST_CONFLICT, object_promote(&bucket, &source, &options, &result, &err));
    promote_source_close(&source);
    EXPECT(is_there("file"));
    EXPECT(is_there("moved"));
    expect_stored(&bucket, "k", buffer_bytes(&data));
    buffer_release(&data);
    buffer_release(&got);
    end(&fixture, &bucket);
}

/* A disk that fails while it is read leaves no object and nothing of one. */
TEST(a_file_that_cannot_be_read_leaves_nothing)
{
#ifdef LODE_FAULTS
    struct object_promote_options options = {.key = {"k", 1}};
    struct object_fixture fixture;
    struct object_promote_result result;
    struct buffer data = BUFFER_INIT;
    struct bucket bucket = begin(&fixture);
    struct error err = ERROR_INIT;

    fixture_fill(&data, 1500000, 1);
    make_file("file", buffer_bytes(&data));
    fault_arm("promote_read", 4, 1, 5);
    EXPECT_STATUS(ST_IO, promote(&fixture, &bucket, "file", &options, &result, &err));
    EXPECT_INT(1, fault_acted_count());
    fault_disarm();
    EXPECT_STATUS(ST_NO_SUCH_KEY, fixture_get(&bucket, "k", &data, &err));
    buffer_release(&data);
    end(&fixture, &bucket);
#else
    test_skip("fault points are not compiled in");
#endif
}

/* ---- walks ---- */

#define MANY 20000

static void
walk_open(struct object_fixture *fixture, const char *name, bool is_recursive, const char *after,
          struct promote_walk *walk)
{
    struct promote_source directory;
    struct error err = ERROR_INIT;

    EXPECT_OK(open_source(fixture, name, &directory, &err), &err);
    promote_walk_open(walk, fixture->store, &directory, is_recursive, bytes_of_string(after));
}

/* "a b/c": the paths of a walk. */
static void
walk_all(struct object_fixture *fixture, const char *name, bool is_recursive, const char *after,
         struct buffer *out)
{
    struct promote_walk *walk = xcalloc(1, sizeof(*walk));
    struct promote_walk_entry entry;

    buffer_clear(out);
    walk_open(fixture, name, is_recursive, after, walk);
    while (promote_walk_next(walk, &entry)) {
        EXPECT_STATUS(ST_OK, entry.status);
        buffer_append_string(out, out->size > 0 ? " " : "");
        buffer_append_bytes(out, entry.path);
    }
    promote_walk_release(walk);
    free(walk);
}

/* Each file once, in order, and from where another walk ended; links and pipes are passed over. */
TEST(a_walk_goes_on_where_another_ended)
{
    struct object_fixture fixture;
    struct bucket bucket = begin(&fixture);
    struct buffer found = BUFFER_INIT;
    struct buffer whole = BUFFER_INIT;
    struct bytes rest;
    char *path;

    make_directory("in");
    make_directory("in/b");
    make_directory("in/b/c");
    make_directory("in/empty");
    make_file("in/z", BYTES_LITERAL("1"));
    make_file("in/a", BYTES_LITERAL("2"));
    make_file("in/c", BYTES_LITERAL("3"));
    make_file("in/b.txt", BYTES_LITERAL("4"));
    make_file("in/b/a", BYTES_LITERAL("5"));
    make_file("in/b/c/e", BYTES_LITERAL("6"));
    make_file("in/b/c/d", BYTES_LITERAL("7"));
    path = path_of("in/b/link");
    CHECK(symlink("a", path) == 0);
    free(path);
    walk_all(&fixture, "in", false, "", &found);
    EXPECT_BYTES(BYTES_LITERAL("a b.txt c z"), buffer_bytes(&found));
    walk_all(&fixture, "in", true, "", &found);
    /* "b" is before "b.txt" by its bytes, and what is in it stands where it does. */
    EXPECT_BYTES(BYTES_LITERAL("a b/a b/c/d b/c/e b.txt c z"), buffer_bytes(&found));
    buffer_append_bytes(&whole, buffer_bytes(&found));
    rest = buffer_bytes(&whole);
    while (rest.size > 0) {
        struct bytes last = bytes_cut(&rest, ' ');
        char *after = xasprintf("%.*s", BYTES_ARGS(last));

        walk_all(&fixture, "in", true, after, &found);
        EXPECT_BYTES(rest, buffer_bytes(&found));
        free(after);
    }
    /* Also if the file, or its directory, is gone by then. */
    walk_all(&fixture, "in", true, "b/b", &found);
    EXPECT_BYTES(BYTES_LITERAL("b/c/d b/c/e b.txt c z"), buffer_bytes(&found));
    walk_all(&fixture, "in", true, "b/bb/x", &found);
    EXPECT_BYTES(BYTES_LITERAL("b/c/d b/c/e b.txt c z"), buffer_bytes(&found));
    buffer_release(&found);
    buffer_release(&whole);
    end(&fixture, &bucket);
}

/* More files than are kept in memory at a time: each is met once, in order. */
TEST(large_directories_are_read_in_parts)
{
    struct object_fixture fixture;
    struct bucket bucket = begin(&fixture);
    struct promote_walk *walk = xcalloc(1, sizeof(*walk));
    struct promote_walk_entry entry;
    char expected[32];

    make_directory("many");
    for (int i = 0; i < MANY; i++) {
        char name[48];

        /* Created in another order. */
        snprintf(name, sizeof(name), "many/f%06d", (int)((i * 7919LL) % MANY));
        make_file(name, BYTES_LITERAL(""));
    }
    walk_open(&fixture, "many", true, "", walk);
    for (int i = 0; i < MANY; i++) {
        snprintf(expected, sizeof(expected), "f%06d", i);
        EXPECT(promote_walk_next(walk, &entry));
        EXPECT_BYTES(bytes_of_string(expected), entry.path);
    }
    EXPECT(!promote_walk_next(walk, &entry));
    promote_walk_release(walk);
    walk_open(&fixture, "many", true, "f019997", walk);
    EXPECT(promote_walk_next(walk, &entry));
    EXPECT_BYTES(BYTES_LITERAL("f019998"), entry.path);
    promote_walk_release(walk);
    free(walk);
    end(&fixture, &bucket);
}

/* The server's own data are not walked through, and the walk says so. */
TEST(walks_stay_out_of_the_servers_data)
{
    struct object_fixture fixture;
    struct bucket bucket = begin(&fixture);
    struct promote_walk *walk = xcalloc(1, sizeof(*walk));
    struct promote_walk_entry entry;
    size_t denied_count = 0;
    size_t file_count = 0;

    make_file("file", BYTES_LITERAL("x"));
    walk_open(&fixture, "", true, "", walk);
    while (promote_walk_next(walk, &entry)) {
        denied_count += entry.status == ST_DENIED;
        file_count += entry.status == ST_OK;
    }
    promote_walk_release(walk);
    EXPECT_INT(3, denied_count); /* data, mp1, mp2 */
    EXPECT_INT(1, file_count);
    free(walk);
    end(&fixture, &bucket);
}
