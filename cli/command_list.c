/* SPDX-License-Identifier: Apache-2.0 */
/* lode ls, and the walk over a listing that other commands use. */
#include <stdio.h>

#include "base/encode.h"
#include "base/xml_reader.h"
#include "cli/command.h"

#include "base/banned.h"

/* One page of ListObjectsV2, percent-encoded names. */
static enum status
fetch_page(struct command_context *context, struct arena *arena, struct bytes bucket,
           struct bytes prefix, bool is_recursive, struct bytes token, struct xml_node **ret_root,
           struct error *err)
{
    struct s3_client_request request = {.method = "GET", .bucket = bucket};
    struct s3_client_response response;
    struct buffer query = BUFFER_INIT;
    enum status st;

    if (token.size > 0) {
        buffer_append_string(&query, "continuation-token=");
        encode_uri(token, false, &query);
        buffer_append_char(&query, '&');
    }
    buffer_append_string(&query, is_recursive ? "" : "delimiter=%2F&");
    buffer_append_string(&query, "encoding-type=url&list-type=2&prefix=");
    encode_uri(prefix, false, &query);
    buffer_append_char(&query, '\0');
    request.query = query.data;
    st = s3_client_send(context->client, &request, arena, &response, err);
    if (st == ST_OK) {
        st = xml_read(response.body, arena, ret_root, err);
    }
    buffer_release(&query);
    return st;
}

static enum status
decode_name(struct arena *arena, struct bytes encoded, struct bytes *ret_name, struct error *err)
{
    struct buffer name = BUFFER_INIT;
    enum status st = decode_uri(encoded, true, &name);

    if (st == ST_OK) {
        *ret_name = arena_copy(arena, buffer_bytes(&name));
    } else {
        fail(err, st, "The server sent a name that is not percent-encoded");
    }
    buffer_release(&name);
    return st;
}

static enum status
walk_page(struct arena *arena, const struct xml_node *root, command_entry_fn *found, void *arg,
          struct error *err)
{
    for (const struct xml_node *node = root->first_child; node != NULL; node = node->next) {
        struct command_entry entry = {.is_prefix =
                                          bytes_equal_string(node->name, "CommonPrefixes")};
        enum status st;

        if (!entry.is_prefix && !bytes_equal_string(node->name, "Contents")) {
            continue;
        }
        st = decode_name(arena, xml_find_text(node, entry.is_prefix ? "Prefix" : "Key"),
                         &entry.name, err);
        entry.size = xml_find_text(node, "Size");
        entry.etag = xml_find_text(node, "ETag");
        entry.last_modified = xml_find_text(node, "LastModified");
        if (st == ST_OK) {
            st = found(&entry, arg, err);
        }
        if (st != ST_OK) {
            return st;
        }
    }
    return ST_OK;
}

enum status
command_list(struct command_context *context, struct bytes bucket, struct bytes prefix,
             bool is_recursive, command_entry_fn *found, void *arg, struct error *err)
{
    struct buffer token = BUFFER_INIT;
    bool is_truncated = true;
    enum status st = ST_OK;

    while (st == ST_OK && is_truncated) {
        struct arena arena = ARENA_INIT;
        struct xml_node *root = NULL;

        st = fetch_page(context, &arena, bucket, prefix, is_recursive, buffer_bytes(&token), &root,
                        err);
        if (st == ST_OK) {
            is_truncated = bytes_equal_string(xml_find_text(root, "IsTruncated"), "true");
            buffer_clear(&token);
            buffer_append_bytes(&token, xml_find_text(root, "NextContinuationToken"));
            st = walk_page(&arena, root, found, arg, err);
        }
        arena_release(&arena);
    }
    buffer_release(&token);
    return st;
}

static enum status
print_entry(const struct command_entry *entry, void *arg, struct error *err)
{
    struct command_context *context = arg;

    if (context->options->is_json) {
        struct arena arena = ARENA_INIT;
        const char *name = arena_string(&arena, entry->name);

        if (entry->is_prefix) {
            command_print_json("prefix", name, NULL);
        } else {
            command_print_json("key", name, "size", arena_string(&arena, entry->size), "etag",
                               arena_string(&arena, entry->etag), "last_modified",
                               arena_string(&arena, entry->last_modified), NULL);
        }
        arena_release(&arena);
    } else if (entry->is_prefix) {
        printf("%-24s %10s  %.*s\n", "", "", BYTES_ARGS(entry->name));
    } else {
        uint64_t size = 0;
        char text[16] = "?";

        if (bytes_parse_u64(entry->size, UINT64_MAX, &size) == ST_OK) {
            progress_format_size(size, text, sizeof(text));
        }
        printf("%-24.*s %10s  %.*s\n", BYTES_ARGS(entry->last_modified), text,
               BYTES_ARGS(entry->name));
    }
    return ST_OK;
}

static enum status
list_buckets(struct command_context *context, struct error *err)
{
    struct s3_client_request request = {.method = "GET"};
    struct s3_client_response response;
    struct xml_node *root = NULL;
    const struct xml_node *buckets;
    enum status st = s3_client_send(context->client, &request, context->arena, &response, err);

    if (st == ST_OK) {
        st = xml_read(response.body, context->arena, &root, err);
    }
    buckets = st == ST_OK ? xml_find(root, "Buckets") : NULL;
    for (const struct xml_node *bucket = buckets != NULL ? buckets->first_child : NULL;
         bucket != NULL; bucket = bucket->next) {
        const char *name = arena_string(context->arena, xml_find_text(bucket, "Name"));
        const char *created = arena_string(context->arena, xml_find_text(bucket, "CreationDate"));

        if (context->options->is_json) {
            command_print_json("bucket", name, "created", created, NULL);
        } else {
            printf("%-24s %s\n", created, name);
        }
    }
    return st;
}

enum status
command_ls(struct command_context *context, struct error *err)
{
    struct bytes bucket;
    struct bytes prefix;
    enum status st;

    if (context->word_count == 0) {
        return list_buckets(context, err);
    }
    st = s3_client_parse_path(context->words[0], &bucket, &prefix, err);
    if (st == ST_OK) {
        st = command_list(context, bucket, prefix, context->options->is_recursive, print_entry,
                          context, err);
    }
    return st;
}
