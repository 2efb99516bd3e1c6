/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on many keys, and on keys of two nodes, through a gateway. */
#include <stdio.h>

#include "base/check.h"
#include "base/encode.h"
#include "base/memory.h"
#include "base/xml_reader.h"
#include "object/bucket_delete.h"
#include "object/bucket_value.h"
#include "object/page_merge.h"
#include "stream/digest.h"
#include "tests/unit/peer/cluster_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define KEY_COUNT 60

static struct cluster_fixture cluster;
static struct s3_fixture *ask = &cluster.ask;

static void
start(void)
{
    cluster_fixture_open(&cluster, 2, 3);
    s3_ask(ask, 200, "PUT", "/photos", NULL, "");
}

/* "dir0/key-00" ... in four folders, and some keys beside them. */
static void
key_name(int i, char out[32])
{
    if (i % 5 == 4) {
        snprintf(out, 32, "key-%02d", i);
    } else {
        snprintf(out, 32, "dir%d/key-%02d", i % 5, i);
    }
}

static void
put_keys(void)
{
    size_t counts[CLUSTER_FIXTURE_NODES_MAX] = {0};

    for (int i = 0; i < KEY_COUNT; i++) {
        char key[32], target[64];

        key_name(i, key);
        snprintf(target, sizeof(target), "/photos/%s", key);
        s3_ask(ask, 200, "PUT", target, NULL, "x");
        counts[cluster_fixture_owner(&cluster, "photos", key) - cluster.nodes]++;
    }
    for (size_t i = 2; i < 5; i++) {
        EXPECT(counts[i] > 5); /* every target has some */
    }
}

static void
append_names(struct buffer *out, struct xml_node *root, const char *element, const char *child)
{
    for (struct xml_node *node = root->first_child; node != NULL; node = node->next) {
        if (bytes_equal_string(node->name, element)) {
            buffer_append_bytes(out, xml_find_text(node, child));
            buffer_append_char(out, ' ');
        }
    }
}

/* All names of a walk in pages, each page sorted; "prefixes| keys" of each page. */
static void
walk(const char *parameters, int max_keys, struct buffer *keys, struct buffer *prefixes,
     int *ret_pages)
{
    struct bytes token = BYTES_NONE;
    bool is_truncated = true;

    buffer_clear(keys);
    buffer_clear(prefixes);
    for (*ret_pages = 0; is_truncated && *ret_pages < 1000; ++*ret_pages) {
        struct buffer target = BUFFER_INIT;
        struct error err = ERROR_INIT;
        struct xml_node *root;

        buffer_printf(&target, "/photos?%slist-type=2&max-keys=%d", parameters, max_keys);
        if (token.size != 0) {
            buffer_append_string(&target, "&continuation-token=");
            encode_uri(token, false, &target);
        }
        buffer_append_char(&target, '\0');
        s3_ask(ask, 200, "GET", target.data, NULL, NULL);
        EXPECT_OK(xml_read(buffer_bytes(&ask->response.body), &ask->arena, &root, &err), &err);
        append_names(keys, root, "Contents", "Key");
        append_names(prefixes, root, "CommonPrefixes", "Prefix");
        is_truncated = bytes_equal_string(xml_find_text(root, "IsTruncated"), "true");
        token = xml_find_text(root, "NextContinuationToken");
        EXPECT(is_truncated == (token.size != 0));
        buffer_release(&target);
    }
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void
expect_all_keys(const struct buffer *keys, const char *prefix)
{
    static char names[KEY_COUNT][32];
    struct buffer expected = BUFFER_INIT;

    for (int i = 0; i < KEY_COUNT; i++) {
        key_name(i, names[i]);
    }
    qsort(names, KEY_COUNT, sizeof(names[0]), compare_names);
    for (int i = 0; i < KEY_COUNT; i++) {
        if (strncmp(names[i], prefix, strlen(prefix)) == 0) {
            buffer_printf(&expected, "%s ", names[i]);
        }
    }
    EXPECT_BYTES(buffer_bytes(&expected), buffer_bytes(keys));
    buffer_release(&expected);
}

/* SPEC: S3 ListObjectsV2: every key once, in order, whatever the page size. */
TEST(a_walk_shows_every_key_of_every_target_once)
{
    static const int SIZES[] = {1, 2, 7, 20, 59, 60, 1000};
    struct buffer keys = BUFFER_INIT, prefixes = BUFFER_INIT;
    int pages;

    start();
    put_keys();
    for (size_t i = 0; i < ARRAY_COUNT(SIZES); i++) {
        cluster_fixture_choose(&cluster, cluster_fixture_gateway(&cluster, i % 2));
        walk("", SIZES[i], &keys, &prefixes, &pages);
        expect_all_keys(&keys, "");
        EXPECT_INT((KEY_COUNT + SIZES[i] - 1) / SIZES[i], pages);
        walk("prefix=dir1%2F&", SIZES[i], &keys, &prefixes, &pages);
        expect_all_keys(&keys, "dir1/");
        walk("delimiter=%2F&", SIZES[i], &keys, &prefixes, &pages);
        expect_all_keys(&keys, "key-");
        EXPECT_BYTES(BYTES_LITERAL("dir0/ dir1/ dir2/ dir3/ "), buffer_bytes(&prefixes));
    }
    s3_ask(ask, 200, "GET", "/photos?max-keys=0", NULL, NULL);
    s3_ask(ask, 200, "GET", "/photos?versions=&max-keys=3", NULL, NULL);
    EXPECT(strstr(s3_body(ask), "<IsTruncated>true</IsTruncated>") != NULL);
    buffer_release(&keys);
    buffer_release(&prefixes);
    cluster_fixture_close(&cluster);
}

/* A listing that met an error never ends cleanly. */
TEST(a_listing_without_one_of_its_targets_fails)
{
    struct test_node *target;

    start();
    put_keys();
    target = cluster_fixture_target(&cluster, 1);
    cluster_fixture_set_map(&cluster, cluster_fixture_gateway(&cluster, 0), 2, target);
    s3_ask(ask, 503, "GET", "/photos?list-type=2", NULL, NULL);
    s3_ask(ask, 503, "GET", "/photos?uploads=", NULL, NULL);
    cluster_fixture_set_map(&cluster, cluster_fixture_gateway(&cluster, 0), 1, NULL);
    s3_ask(ask, 200, "GET", "/photos?list-type=2", NULL, NULL);
    cluster_fixture_stop_server(target);
    s3_ask(ask, 503, "GET", "/photos?list-type=2", NULL, NULL);
    cluster_fixture_close(&cluster);
}

/* Rule 6L: all under one map; a target with another refuses, and the page is repeated. */
TEST(a_page_is_repeated_under_the_newer_map)
{
    struct buffer keys = BUFFER_INIT, prefixes = BUFFER_INIT;
    int pages;

    start();
    put_keys();
    cluster_fixture_set_map(&cluster, NULL, 2, NULL);
    cluster_fixture_set_map(&cluster, cluster_fixture_target(&cluster, 2), 2, NULL);
    walk("", 1000, &keys, &prefixes, &pages);
    expect_all_keys(&keys, "");
    buffer_release(&keys);
    buffer_release(&prefixes);
    cluster_fixture_close(&cluster);
}

/* A copy that lies where it should not is not shown, nor is it a reason for a common prefix. */
TEST(misplaced_copies_do_not_count)
{
    struct error err = ERROR_INIT;
    struct buffer keys = BUFFER_INIT, prefixes = BUFFER_INIT;
    struct object_fixture objects = {.store = NULL};
    struct bucket bucket;
    struct test_node *owner, *other;
    int pages;

    start();
    put_keys();
    owner = cluster_fixture_owner(&cluster, "photos", "zz/misplaced");
    other = owner == cluster_fixture_target(&cluster, 0) ? cluster_fixture_target(&cluster, 1)
                                                         : cluster_fixture_target(&cluster, 0);
    objects.store = other->store;
    bucket = fixture_bucket_open(&objects, "photos");
    EXPECT_OK(fixture_put(&bucket, "zz/misplaced", BYTES_LITERAL("x"), &err), &err);
    bucket_close(&bucket);
    walk("", 1000, &keys, &prefixes, &pages);
    expect_all_keys(&keys, "");
    walk("delimiter=%2F&", 1000, &keys, &prefixes, &pages);
    EXPECT_BYTES(BYTES_LITERAL("dir0/ dir1/ dir2/ dir3/ "), buffer_bytes(&prefixes));
    buffer_release(&keys);
    buffer_release(&prefixes);
    cluster_fixture_close(&cluster);
}

/* SPEC: S3 DeleteObjects: each key has its own result, in order. */
TEST(keys_of_all_targets_are_deleted_by_one_request)
{
    struct buffer body = BUFFER_INIT;
    struct buffer keys = BUFFER_INIT, prefixes = BUFFER_INIT;
    char md5[ENCODE_BASE64_SIZE(16) + 1];
    struct digest_value digest;
    int pages;

    start();
    put_keys();
    cluster_fixture_set_map(&cluster, NULL, 2, NULL);
    cluster_fixture_set_map(&cluster, cluster_fixture_target(&cluster, 1), 2, NULL);
    buffer_append_string(&body, "<Delete>");
    for (int i = 0; i < KEY_COUNT; i++) {
        char key[32];

        key_name(i, key);
        buffer_printf(&body, "<Object><Key>%s</Key>%s</Object>", key,
                      i == 7 ? "<ETag>\"0123\"</ETag>" : "");
    }
    buffer_append_string(&body, "</Delete>");
    digest_of(DIGEST_MD5, buffer_bytes(&body), &digest);
    encode_base64(digest_value_bytes(&digest), md5);
    buffer_append_char(&body, '\0');
    s3_ask(ask, 200, "POST",
           "/photos?delete=", S3_HEADERS(arena_printf(&ask->arena, "Content-MD5: %s", md5)),
           body.data);
    EXPECT(strstr(s3_body(ask), "<Error><Key>dir2/key-07</Key><Code>PreconditionFailed</Code>") !=
           NULL);
    walk("", 1000, &keys, &prefixes, &pages);
    EXPECT_BYTES(BYTES_LITERAL("dir2/key-07 "), buffer_bytes(&keys));
    buffer_release(&body);
    buffer_release(&keys);
    buffer_release(&prefixes);
    cluster_fixture_close(&cluster);
}

/* SPEC: S3 CopyObject: from the owner of the source to the owner of the destination. */
TEST(copies_between_owners_keep_content_and_attributes)
{
    char from[64] = "", to[64] = "";
    const char *source;

    start();
    for (int i = 0; to[0] == '\0'; i++) {
        struct test_node *owner;
        char key[32];

        snprintf(key, sizeof(key), "copy-%d", i);
        owner = cluster_fixture_owner(&cluster, "photos", key);
        if (owner == cluster_fixture_target(&cluster, 0) && from[0] == '\0') {
            snprintf(from, sizeof(from), "/photos/%s", key);
        } else if (owner == cluster_fixture_target(&cluster, 2)) {
            snprintf(to, sizeof(to), "/photos/%s", key);
        }
    }
    s3_ask(ask, 200, "PUT", from, S3_HEADERS("x-amz-meta-a: b", "Content-Type: text/x"), "hello");
    source = arena_printf(&ask->arena, "x-amz-copy-source: %s", from);
    s3_ask(ask, 200, "PUT", to, S3_HEADERS(source), "");
    EXPECT(strstr(s3_body(ask), "5d41402abc4b2a76b9719d911017c592") != NULL);
    s3_ask(ask, 200, "GET", to, NULL, NULL);
    EXPECT_STRING("hello", s3_body(ask));
    EXPECT_STRING("b", s3_header(ask, "x-amz-meta-a"));
    EXPECT_STRING("text/x", s3_header(ask, "Content-Type"));
    s3_ask(ask, 412, "PUT", to, S3_HEADERS(source, "x-amz-copy-source-if-match: \"0\""), "");
    s3_ask(ask, 200, "PUT", to, S3_HEADERS(source, "x-amz-checksum-algorithm: SHA256"), "");
    s3_ask(ask, 404, "PUT", to, S3_HEADERS("x-amz-copy-source: /photos/nothing"), "");
    s3_expect_code(ask, "NoSuchKey");
    cluster_fixture_close(&cluster);
}

/* Rule 9: empty on every target, and then gone on every node. */
TEST(a_bucket_is_deleted_when_every_target_says_it_is_empty)
{
    struct buffer keys = BUFFER_INIT, prefixes = BUFFER_INIT;
    int pages;

    start();
    put_keys();
    for (int i = 0; i < KEY_COUNT; i++) {
        char key[32], target[64];

        s3_ask(ask, 409, "DELETE", "/photos", NULL, NULL);
        s3_expect_code(ask, "BucketNotEmpty");
        key_name(i, key);
        snprintf(target, sizeof(target), "/photos/%s", key);
        s3_ask(ask, 204, "DELETE", target, NULL, NULL);
    }
    s3_ask(ask, 200, "POST", "/photos/up?uploads=", NULL, "");
    cluster_fixture_set_map(&cluster, cluster_fixture_gateway(&cluster, 0), 2,
                            cluster_fixture_target(&cluster, 1));
    s3_ask(ask, 503, "DELETE", "/photos", NULL, NULL);
    cluster_fixture_set_map(&cluster, cluster_fixture_gateway(&cluster, 0), 1, NULL);
    s3_ask(ask, 200, "PUT", "/photos/again", NULL, "x");
    s3_ask(ask, 204, "DELETE", "/photos/again", NULL, NULL);
    s3_ask(ask, 204, "DELETE", "/photos", NULL, NULL);
    cluster_fixture_choose(&cluster, cluster_fixture_gateway(&cluster, 1));
    s3_ask(ask, 404, "GET", "/photos/again", NULL, NULL);
    s3_expect_code(ask, "NoSuchBucket");
    s3_ask(ask, 200, "PUT", "/photos", NULL, "");
    s3_ask(ask, 200, "GET", "/photos?uploads=", NULL, NULL);
    EXPECT(strstr(s3_body(ask), "<Upload>") == NULL);
    walk("", 1000, &keys, &prefixes, &pages);
    EXPECT_INT(0, keys.size);
    buffer_release(&keys);
    buffer_release(&prefixes);
    cluster_fixture_close(&cluster);
}

static void
leave_deleting(const char *name)
{
    struct buffer json = BUFFER_INIT;
    struct error err = ERROR_INIT;
    struct arena arena = ARENA_INIT;
    struct bytes key = arena_printf_bytes(&arena, BUCKET_VALUE_PREFIX "%s", name);
    struct control_value old;
    struct bucket_value value;
    uint64_t revision;

    EXPECT_OK(control_get(cluster.control, key, &arena, &old, &err), &err);
    EXPECT_OK(bucket_value_parse(old.value, &arena, &value, &err), &err);
    value.state = BUCKET_DELETING;
    EXPECT_OK(bucket_value_format(&value, old.value, &json, &err), &err);
    EXPECT_OK(control_put(cluster.control, key, buffer_bytes(&json), old.revision, &revision, &err),
              &err);
    buffer_release(&json);
    arena_release(&arena);
}

/* Rule 9: whoever comes next finishes it, or takes it back. */
TEST(a_deletion_whose_node_is_gone_is_finished_or_taken_back)
{
    start();
    s3_ask(ask, 200, "PUT", "/empty", NULL, "");
    s3_ask(ask, 200, "PUT", "/again", NULL, "");
    s3_ask(ask, 200, "PUT", "/photos/key", NULL, "x");
    leave_deleting("empty");
    leave_deleting("photos");
    leave_deleting("again");
    s3_ask(ask, 404, "PUT", "/photos/other", NULL, "x");
    s3_ask(ask, 204, "DELETE", "/again", NULL, NULL);

    bucket_delete_resume(cluster_fixture_gateway(&cluster, 1)->store);
    s3_ask(ask, 404, "HEAD", "/empty", NULL, NULL);
    s3_ask(ask, 200, "PUT", "/photos/other", NULL, "x");
    s3_ask(ask, 200, "GET", "/photos/key", NULL, NULL);
    cluster_fixture_close(&cluster);
}

/* SPEC: S3 ListMultipartUploads, over the nodes that have them. */
TEST(uploads_of_all_targets_are_listed)
{
    size_t count = 0;
    const char *at;

    start();
    for (int i = 0; i < 12; i++) {
        char target[64];

        snprintf(target, sizeof(target), "/photos/up-%02d?uploads=", i);
        s3_ask(ask, 200, "POST", target, NULL, "");
    }
    s3_ask(ask, 200, "GET", "/photos?uploads=&max-uploads=5", NULL, NULL);
    EXPECT(strstr(s3_body(ask), "<NextKeyMarker>up-04</NextKeyMarker>") != NULL);
    EXPECT(strstr(s3_body(ask), "<IsTruncated>true</IsTruncated>") != NULL);
    s3_ask(ask, 200, "GET", "/photos?uploads=&key-marker=up-04", NULL, NULL);
    for (at = s3_body(ask); (at = strstr(at, "<Key>up-")) != NULL; at++) {
        count++;
    }
    EXPECT_INT(7, count);
    EXPECT(strstr(s3_body(ask), "<IsTruncated>false</IsTruncated>") != NULL);
    cluster_fixture_close(&cluster);
}
