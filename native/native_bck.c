/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_bck.h"

#include "base/check.h"
#include "base/log.h"

#include "base/banned.h"

/* SPEC: AIStore api/apc/provider.go: names, aliases, and the scheme of each in messages. */
static const struct {
    const char *name;
    const char *alias;
    const char *scheme;
} PROVIDERS[] = {
    {"ais", "", "ais"},    {"aws", "s3", "s3"},  {"gcp", "gs", "gs"},
    {"azure", "az", "az"}, {"oci", "oc", "oci"}, {"ht", "ht", "ht"},
};

static size_t
provider_index(struct bytes text)
{
    for (size_t i = 0; i < ARRAY_COUNT(PROVIDERS); i++) {
        if (bytes_equal_string(text, PROVIDERS[i].name) ||
            bytes_equal_string(text, PROVIDERS[i].alias)) {
            return i;
        }
    }
    return ARRAY_COUNT(PROVIDERS);
}

static bool
is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

static enum status
check_name(const char *what, struct bytes name, struct error *err)
{
    if (name.size == 0 || name.size > NATIVE_BCK_NAME_BYTES_MAX) {
        return fail(err, ST_INVALID, "%s name must have 1 to %d characters", what,
                    NATIVE_BCK_NAME_BYTES_MAX);
    }
    for (size_t i = 0; i < name.size; i++) {
        if (!is_name_byte(name.data[i]) ||
            (i > 0 && name.data[i] == '.' && name.data[i - 1] == '.')) {
            return fail(err, ST_INVALID,
                        "%s name \"%.*s\" is invalid: may only contain letters, numbers, dashes "
                        "(-), underscores (_), and single dots (.)",
                        what, BYTES_ARGS(name));
        }
    }
    if (name.data[0] == '.') {
        return fail(err, ST_INVALID, "%s name \"%.*s\" is invalid: cannot start with a dot", what,
                    BYTES_ARGS(name));
    }
    return ST_OK;
}

/* "@uuid#name", either half may be empty. */
static void
cut_namespace(struct bytes text, struct native_bck *bck)
{
    bck->namespace_uuid = bytes_cut(&text, '#');
    bck->namespace_name = text;
    if (bck->namespace_uuid.size > 0 && bck->namespace_uuid.data[0] == '@') {
        bck->namespace_uuid = bytes_slice(bck->namespace_uuid, 1, bck->namespace_uuid.size);
    }
}

static enum status
refuse_remote(const struct native_bck *bck, struct error *err)
{
    struct buffer url = BUFFER_INIT;

    native_bck_append_url(bck, &url);
    fail_as(err, ST_NOT_IMPLEMENTED, "ErrUnsupp",
            "remote bucket \"%.*s\" is not supported: this cluster has no backend for provider "
            "\"%.*s\"%s",
            (int)url.size, url.data, BYTES_ARGS(bck->provider),
            bck->namespace_uuid.size > 0 ? " and no remote cluster is attached" : "");
    buffer_release(&url);
    return ST_NOT_IMPLEMENTED;
}

enum status
native_bck_init(struct bytes provider, struct bytes namespace_text, struct bytes name,
                struct arena *arena, struct native_bck *ret_bck, struct error *err)
{
    size_t index = provider_index(provider);
    struct native_bck bck = {.name = name};
    enum status st = ST_OK;

    if (index == ARRAY_COUNT(PROVIDERS)) {
        return fail_as(err, ST_INVALID, "ErrInvalidBucketProvider",
                       "invalid backend provider \"%.*s\"",
                       (int)(provider.size < 32 ? provider.size : 32), provider.data);
    }
    bck.provider = bytes_of_string(PROVIDERS[index].name);
    cut_namespace(namespace_text, &bck);
    if (name.size > 0) {
        st = check_name("bucket", name, err);
    }
    if (st == ST_OK && bck.namespace_name.size > 0) {
        st = check_name("namespace", bck.namespace_name, err);
    }
    if (st == ST_OK && (index != 0 || bck.namespace_uuid.size > 0)) {
        st = refuse_remote(&bck, err);
    }
    if (st != ST_OK) {
        return st;
    }
    bck.own_name = bck.namespace_name.size == 0
                       ? name
                       : arena_printf_bytes(arena, "@#%.*s/%.*s", BYTES_ARGS(bck.namespace_name),
                                            BYTES_ARGS(name));
    *ret_bck = bck;
    return ST_OK;
}

enum status
native_bck_parse_uname(struct bytes uname, struct arena *arena, struct native_bck *ret_bck,
                       struct bytes *ret_object, struct error *err)
{
    struct bytes rest = uname;
    struct bytes provider = bytes_cut(&rest, '/');
    struct bytes namespace_text = bytes_cut(&rest, '/');
    struct bytes name = bytes_cut(&rest, '/');

    if (namespace_text.size < 2 || namespace_text.data[0] != '@' || name.size == 0) {
        return fail(err, ST_INVALID, "\"%.*s\" is no provider/@uuid#namespace/bucket/[object]",
                    (int)(uname.size < 128 ? uname.size : 128), uname.data);
    }
    *ret_object = rest;
    return native_bck_init(provider, namespace_text, name, arena, ret_bck, err);
}

void
native_bck_of_own_name(struct bytes own_name, struct native_bck *ret_bck)
{
    struct bytes rest = own_name;

    *ret_bck = (struct native_bck){
        .provider = BYTES_LITERAL("ais"), .name = own_name, .own_name = own_name};
    if (bytes_has_prefix(own_name, BYTES_LITERAL("@#"))) {
        rest = bytes_slice(own_name, 2, own_name.size);
        ret_bck->namespace_name = bytes_cut(&rest, '/');
        ret_bck->name = rest;
    }
}

void
native_bck_append_url(const struct native_bck *bck, struct buffer *out)
{
    size_t index = provider_index(bck->provider);

    buffer_printf(out, "%s://", index < ARRAY_COUNT(PROVIDERS) ? PROVIDERS[index].scheme : "ais");
    if (bck->namespace_uuid.size > 0) {
        buffer_printf(out, "@%.*s", BYTES_ARGS(bck->namespace_uuid));
    }
    if (bck->namespace_name.size > 0) {
        buffer_printf(out, "#%.*s", BYTES_ARGS(bck->namespace_name));
    }
    if (bck->namespace_uuid.size + bck->namespace_name.size > 0) {
        buffer_append_char(out, '/');
    }
    buffer_append_bytes(out, bck->name);
}

void
native_bck_append_json(const struct native_bck *bck, struct buffer *out)
{
    buffer_append_string(out, "{\"name\":");
    log_append_json_string(out, bck->name);
    buffer_append_string(out, ",\"provider\":");
    log_append_json_string(out, bck->provider);
    buffer_append_string(out, ",\"namespace\":{\"uuid\":");
    log_append_json_string(out, bck->namespace_uuid);
    buffer_append_string(out, ",\"name\":");
    log_append_json_string(out, bck->namespace_name);
    buffer_append_string(out, "}}");
}
