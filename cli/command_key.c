/* SPDX-License-Identifier: Apache-2.0 */
/* lode key add|ls|rm: a client of the IAM query API. */
#include <stdio.h>

#include "base/encode.h"
#include "base/xml_reader.h"
#include "cli/command.h"

#include "base/banned.h"

/* POST Action=... with pairs of name, value; *ret_result is the element below the response. */
static enum status
call_iam(struct command_context *context, const char *action, const char *const *pairs,
         struct xml_node **ret_result, struct error *err)
{
    static const char *const HEADERS[] = {"content-type: application/x-www-form-urlencoded", NULL};
    struct buffer form = BUFFER_INIT;
    struct s3_client_request request = {.method = "POST", .service = "iam", .headers = HEADERS};
    struct s3_client_response response;
    struct xml_node *root = NULL;
    enum status st;

    buffer_printf(&form, "Action=%s&Version=2010-05-08", action);
    for (size_t i = 0; pairs[i] != NULL; i += 2) {
        buffer_printf(&form, "&%s=", pairs[i]);
        encode_uri(bytes_of_string(pairs[i + 1]), false, &form);
    }
    request.body = buffer_bytes(&form);
    st = s3_client_send(context->client, &request, context->arena, &response, err);
    if (st == ST_OK) {
        st = xml_read(response.body, context->arena, &root, err);
    }
    if (st == ST_OK) {
        *ret_result = root->first_child != NULL ? root->first_child : root;
    }
    buffer_release(&form);
    return st;
}

static enum status
add_key(struct command_context *context, const char *name, struct error *err)
{
    const char *const pairs[] = {"UserName", name, NULL};
    struct xml_node *result = NULL;
    struct error exists = ERROR_INIT;
    const char *access_key;
    const char *secret_key;
    enum status st = call_iam(context, "CreateUser", pairs, &result, &exists);

    if (st != ST_OK && st != ST_EXISTS) {
        *err = exists;
        return st;
    }
    st = call_iam(context, "CreateAccessKey", pairs, &result, err);
    if (st != ST_OK) {
        return st;
    }
    result = xml_find(result, "AccessKey");
    if (result == NULL) {
        return fail(err, ST_INVALID, "The server's answer holds no access key");
    }
    access_key = arena_string(context->arena, xml_find_text(result, "AccessKeyId"));
    secret_key = arena_string(context->arena, xml_find_text(result, "SecretAccessKey"));
    if (context->options->is_json) {
        command_print_json("access_key", access_key, "secret_key", secret_key, "user", name, NULL);
    } else {
        printf("user        %s\naccess key  %s\nsecret key  %s   (not shown again)\n", name,
               access_key, secret_key);
    }
    return ST_OK;
}

static enum status
list_keys(struct command_context *context, const char *name, struct error *err)
{
    const char *const pairs[] = {"UserName", name, NULL};
    struct xml_node *result = NULL;
    const struct xml_node *members;
    enum status st = call_iam(context, "ListAccessKeys", pairs, &result, err);

    if (st != ST_OK) {
        return st;
    }
    members = xml_find(result, "AccessKeyMetadata");
    for (const struct xml_node *member = members != NULL ? members->first_child : NULL;
         member != NULL; member = member->next) {
        const char *access_key = arena_string(context->arena, xml_find_text(member, "AccessKeyId"));
        const char *created = arena_string(context->arena, xml_find_text(member, "CreateDate"));

        if (context->options->is_json) {
            command_print_json("access_key", access_key, "user", name, "created", created, NULL);
        } else {
            printf("%s  %s\n", created, access_key);
        }
    }
    return ST_OK;
}

/* One key, or all of the user's and then the user. */
static enum status
remove_keys(struct command_context *context, const char *name, const char *access_key,
            struct error *err)
{
    const char *pairs[] = {"UserName", name, NULL, NULL, NULL};
    struct xml_node *result = NULL;
    const struct xml_node *members;
    enum status st;

    if (access_key != NULL) {
        pairs[2] = "AccessKeyId";
        pairs[3] = access_key;
        return call_iam(context, "DeleteAccessKey", pairs, &result, err);
    }
    st = call_iam(context, "ListAccessKeys", pairs, &result, err);
    members = st == ST_OK ? xml_find(result, "AccessKeyMetadata") : NULL;
    for (const struct xml_node *member = members != NULL ? members->first_child : NULL;
         member != NULL && st == ST_OK; member = member->next) {
        pairs[2] = "AccessKeyId";
        pairs[3] = arena_string(context->arena, xml_find_text(member, "AccessKeyId"));
        st = call_iam(context, "DeleteAccessKey", pairs, &result, err);
    }
    pairs[2] = NULL;
    if (st == ST_OK) {
        st = call_iam(context, "DeleteUser", pairs, &result, err);
    }
    return st;
}

enum status
command_key(struct command_context *context, struct error *err)
{
    const char *verb = context->words[0];
    const char *name = context->words[1];
    const char *access_key = context->word_count == 3 ? context->words[2] : NULL;

    if (strcmp(verb, "add") == 0 && access_key == NULL) {
        return add_key(context, name, err);
    } else if (strcmp(verb, "ls") == 0 && access_key == NULL) {
        return list_keys(context, name, err);
    } else if (strcmp(verb, "rm") == 0) {
        return remove_keys(context, name, access_key, err);
    }
    return fail(err, ST_INVALID, "Usage: lode key add|ls|rm NAME [ACCESS_KEY, for rm]");
}
