/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/credential_document.h"

#include <jansson.h>

#include "auth/credential_store.h"

#include "base/banned.h"

#define DOCUMENT_VERSION 1

static struct bytes
json_bytes(const json_t *text)
{
    return bytes_of(json_string_value(text), json_string_length(text));
}

bool
credential_document_read(struct bytes text, bool is_key, struct credential_document *ret_document)
{
    json_t *root = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
    json_t *created = json_object_get(root, "created_s");
    struct credential_document document = {.json = root, .created_s = json_integer_value(created)};
    bool is_good = json_integer_value(json_object_get(root, "version")) == DOCUMENT_VERSION &&
                   json_is_integer(created);

    if (is_good && is_key) {
        document.user = json_bytes(json_object_get(root, "user"));
        document.secret = json_bytes(json_object_get(root, "secret"));
        is_good = document.user.size > 0 && document.user.size <= USER_NAME_BYTES_MAX &&
                  document.secret.size > 0 && document.secret.size <= SECRET_KEY_BYTES_MAX;
    }
    if (!is_good) {
        json_decref(root);
        return false;
    }
    *ret_document = document;
    return true;
}

void
credential_document_release(struct credential_document *document)
{
    json_decref(document->json);
    document->json = NULL;
}

void
credential_document_write(struct buffer *out, int64_t created_s, struct bytes user,
                          struct bytes secret)
{
    buffer_printf(out, "{\"version\":%d,\"created_s\":%lld", DOCUMENT_VERSION,
                  (long long)created_s);
    if (user.data != NULL) {
        buffer_printf(out, ",\"user\":\"%.*s\",\"secret\":\"%.*s\"", BYTES_ARGS(user),
                      BYTES_ARGS(secret));
    }
    buffer_append_char(out, '}');
}

struct bytes
credential_document_key(struct arena *arena, const char *prefix, struct bytes name)
{
    return arena_printf_bytes(arena, "%s%.*s", prefix, BYTES_ARGS(name));
}
