/* SPDX-License-Identifier: Apache-2.0 */
#include "object/bucket_value.h"

#include <jansson.h>

#include "base/check.h"
#include "object/native_checksum.h"

#include "base/banned.h"

#define CHUNK_BYTES_DEFAULT ((uint64_t)64 << 20)

static const char *const STATE_NAMES[] = {"active", "deleting"};
static const char *const DURABILITY_NAMES[] = {"strict", "relaxed", "none"};

void
bucket_properties_init(struct bucket_properties *properties)
{
    *properties = (struct bucket_properties){.durability = DURABILITY_STRICT,
                                             .chunk_bytes = CHUNK_BYTES_DEFAULT,
                                             .chunk_spread = 0,
                                             .verify_read = true,
                                             .native_checksum = NATIVE_CHECKSUM_XXHASH2};
}

enum status
bucket_properties_check(const struct bucket_properties *properties, struct error *err)
{
    const struct chunk_policy policy = bucket_chunk_policy(properties);
    enum status st = chunk_policy_check(&policy, err);

    if (st != ST_OK) {
        return st;
    }
    if ((unsigned int)properties->durability >= ARRAY_COUNT(DURABILITY_NAMES)) {
        return fail(err, ST_INVALID, "durability must be strict, relaxed or none");
    }
    if (properties->chunk_spread > MOUNTPATH_MAX) {
        return fail(err, ST_INVALID, "chunk spread %u is above %u", properties->chunk_spread,
                    (unsigned int)MOUNTPATH_MAX);
    }
    return ST_OK;
}

/* Index of a member's text in names; false if it is missing or none of them. */
static bool
member_choice(const json_t *object, const char *member, const char *const *names, size_t count,
              size_t *ret_index)
{
    const char *text = json_string_value(json_object_get(object, member));

    for (size_t i = 0; text != NULL && i < count; i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

static bool
member_text(const json_t *object, const char *member, struct arena *arena, struct bytes *ret_text)
{
    const json_t *text = json_object_get(object, member);

    if (!json_is_string(text)) {
        return false;
    }
    *ret_text = arena_copy(arena, bytes_of(json_string_value(text), json_string_length(text)));
    return true;
}

static bool
properties_parse(const json_t *object, struct bucket_properties *ret_properties)
{
    const json_t *chunk_bytes = json_object_get(object, "chunk_bytes");
    const json_t *chunk_limit = json_object_get(object, "chunk_limit_bytes");
    const json_t *chunk_spread = json_object_get(object, "chunk_spread");
    const json_t *verify_read = json_object_get(object, "verify_read");
    struct bytes checksum =
        bytes_of_string(json_string_value(json_object_get(object, "native_checksum")));
    enum native_checksum_type native_checksum = NATIVE_CHECKSUM_XXHASH2;
    size_t durability;

    if (!member_choice(object, "durability", DURABILITY_NAMES, ARRAY_COUNT(DURABILITY_NAMES),
                       &durability) ||
        !json_is_integer(chunk_bytes) || json_integer_value(chunk_bytes) < 0 ||
        (chunk_limit != NULL &&
         (!json_is_integer(chunk_limit) || json_integer_value(chunk_limit) < 0)) ||
        !json_is_integer(chunk_spread) || json_integer_value(chunk_spread) < 0 ||
        json_integer_value(chunk_spread) > MOUNTPATH_MAX || !json_is_boolean(verify_read) ||
        (checksum.size > 0 && native_checksum_find(checksum, &native_checksum, NULL) != ST_OK)) {
        return false;
    }
    *ret_properties = (struct bucket_properties){
        .durability = (enum durability)durability,
        .chunk_bytes = (uint64_t)json_integer_value(chunk_bytes),
        .has_chunk_limit = chunk_limit != NULL,
        .chunk_limit_bytes = (uint64_t)json_integer_value(chunk_limit),
        .chunk_spread = (uint32_t)json_integer_value(chunk_spread),
        .verify_read = json_is_true(verify_read),
        .native_checksum = native_checksum,
    };
    return bucket_properties_check(ret_properties, NULL) == ST_OK;
}

enum status
bucket_value_parse(struct bytes json, struct arena *arena, struct bucket_value *ret_value,
                   struct error *err)
{
    json_t *root = json_loadb(json.data, json.size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *id = json_object_get(root, "id");
    const json_t *created = json_object_get(root, "created_ns");
    struct bucket_value value = {0};
    enum status st = ST_OK;
    size_t state;

    if (!json_is_integer(id) || json_integer_value(id) <= 0 || !json_is_integer(created) ||
        !member_choice(root, "state", STATE_NAMES, ARRAY_COUNT(STATE_NAMES), &state) ||
        !member_text(root, "name", arena, &value.name) ||
        !member_text(root, "owner", arena, &value.owner) ||
        !properties_parse(json_object_get(root, "properties"), &value.properties)) {
        st = fail(err, ST_CORRUPT, "the document of a bucket lacks a member or has a wrong one");
        goto out;
    }
    value.id = (uint64_t)json_integer_value(id);
    value.created_ns = json_integer_value(created);
    value.state = (enum bucket_state)state;
    *ret_value = value;
out:
    json_decref(root);
    return st;
}

static json_t *
properties_format(const struct bucket_properties *properties, json_t *previous)
{
    json_t *object = json_is_object(previous) ? json_incref(previous) : json_object();

    CHECK(json_object_set_new(object, "durability",
                              json_string(DURABILITY_NAMES[properties->durability])) == 0);
    CHECK(json_object_set_new(object, "chunk_bytes",
                              json_integer((json_int_t)properties->chunk_bytes)) == 0);
    if (properties->has_chunk_limit) {
        CHECK(json_object_set_new(object, "chunk_limit_bytes",
                                  json_integer((json_int_t)properties->chunk_limit_bytes)) == 0);
    } else {
        (void)json_object_del(object, "chunk_limit_bytes");
    }
    CHECK(json_object_set_new(object, "chunk_spread",
                              json_integer((json_int_t)properties->chunk_spread)) == 0);
    CHECK(json_object_set_new(object, "verify_read", json_boolean(properties->verify_read)) == 0);
    if (properties->native_checksum != NATIVE_CHECKSUM_XXHASH2) {
        CHECK(json_object_set_new(object, "native_checksum",
                                  json_string(native_checksum_name(properties->native_checksum))) ==
              0);
    } else {
        (void)json_object_del(object, "native_checksum");
    }
    return object;
}

static int
append_json(const char *data, size_t size, void *arg)
{
    buffer_append(arg, data, size);
    return 0;
}

enum status
bucket_value_format(const struct bucket_value *value, struct bytes previous, struct buffer *out,
                    struct error *err)
{
    json_t *root = previous.size == 0
                       ? json_object()
                       : json_loadb(previous.data, previous.size, JSON_REJECT_DUPLICATES, NULL);
    enum status st = ST_OK;

    if (!json_is_object(root)) {
        st = fail(err, ST_CORRUPT, "the document of a bucket is no JSON object");
        goto out;
    }
    CHECK(json_object_set_new(root, "id", json_integer((json_int_t)value->id)) == 0);
    CHECK(json_object_set_new(root, "created_ns", json_integer(value->created_ns)) == 0);
    CHECK(json_object_set_new(root, "name", json_stringn(value->name.data, value->name.size)) == 0);
    CHECK(json_object_set_new(root, "owner", json_stringn(value->owner.data, value->owner.size)) ==
          0);
    CHECK(json_object_set_new(root, "state", json_string(STATE_NAMES[value->state])) == 0);
    CHECK(json_object_set_new(
              root, "properties",
              properties_format(&value->properties, json_object_get(root, "properties"))) == 0);
    CHECK(json_dump_callback(root, append_json, out, JSON_COMPACT | JSON_SORT_KEYS) == 0);
out:
    json_decref(root);
    return st;
}
