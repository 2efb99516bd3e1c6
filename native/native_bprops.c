/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_bprops.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "object/bucket_value.h"
#include "object/native_checksum.h"

#include "base/banned.h"

#define BID_OF_AIS (UINT64_C(1) << 63)
/* SPEC: AIStore api/apc/access.go: every bit. */
#define ACCESS_ALL "18446744073709551615"
/* A size as "64MiB". */
#define SIZE_TEXT_SIZE 32
#define PATH_SIZE 96

uint64_t
native_bprops_bid(const struct bucket *bucket)
{
    return bucket->id | BID_OF_AIS;
}

static void
size_format(uint64_t size, char out[SIZE_TEXT_SIZE])
{
    static const char *const UNITS[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;

    while (size > 0 && size % 1024 == 0 && unit + 1 < ARRAY_COUNT(UNITS)) {
        size /= 1024;
        unit++;
    }
    snprintf(out, SIZE_TEXT_SIZE, "%" PRIu64 "%s", size, UNITS[unit]);
}

/* SPEC: AIStore cmn/cos/size.go: a number and a unit, in any case, powers of 1024. */
static bool
size_parse(const json_t *value, uint64_t *ret_size)
{
    static const char UNITS[] = "bkmgt";
    struct bytes text = bytes_of_string(json_string_value(value));
    size_t digits = 0;
    uint64_t number;
    const char *unit;
    int shift;

    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *ret_size = (uint64_t)json_integer_value(value);
        return true;
    }
    while (digits < text.size && text.data[digits] >= '0' && text.data[digits] <= '9') {
        digits++;
    }
    if (bytes_parse_u64(bytes_slice(text, 0, digits), INT64_MAX, &number) != ST_OK) {
        return false;
    }
    text = bytes_trim(bytes_slice(text, digits, text.size));
    unit = text.size == 0 ? UNITS : strchr(UNITS, text.data[0] | 0x20);
    if (unit == NULL || *unit == '\0' || text.size > 3) {
        return false;
    }
    shift = 10 * (int)(unit - UNITS);
    *ret_size = number << shift;
    return number <= (uint64_t)INT64_MAX >> shift;
}

void
native_bprops_append(const struct native_bck *bck, const struct bucket *bucket, struct buffer *out)
{
    const struct chunk_policy policy = bucket_chunk_policy(&bucket->properties);
    char limit[SIZE_TEXT_SIZE];
    char max[SIZE_TEXT_SIZE];
    char chunk[SIZE_TEXT_SIZE];

    size_format(policy.limit_bytes, limit);
    size_format(CHUNK_POLICY_BYTES_MAX, max);
    size_format(policy.chunk_bytes, chunk);
    buffer_append_string(out,
                         "{\"backend_bck\":{\"name\":\"\",\"provider\":\"\",\"namespace\":"
                         "{\"uuid\":\"\",\"name\":\"\"}},\"write_policy\":{\"data\":\"\",\"md\":"
                         "\"immediate\"},");
    buffer_printf(out,
                  "\"provider\":\"%.*s\",\"Renamed\":\"\",\"checksum\":{\"type\":\"%s\","
                  "\"validate_cold_get\":false,\"validate_warm_get\":%s,"
                  "\"validate_obj_move\":true,\"enable_read_range\":false},",
                  BYTES_ARGS(bck->provider),
                  native_checksum_name(bucket->properties.native_checksum),
                  bucket->properties.verify_read ? "true" : "false");
    buffer_append_string(
        out, "\"extra\":{\"aws\":{},\"gcp\":{},\"oci\":{}},\"rate_limit\":{\"backend\":"
             "{\"num_retries\":0,\"interval\":\"0s\",\"max_tokens\":0,\"enabled\":false},"
             "\"frontend\":{\"burst_size\":0,\"interval\":\"0s\",\"max_tokens\":0,\"enabled\":"
             "false}},\"ec\":{\"compression\":\"never\",\"bundle_multiplier\":0,\"burst_buffer\":0,"
             "\"objsize_limit\":0,\"data_slices\":0,\"parity_slices\":0,\"enabled\":false,"
             "\"disk_only\":false},");
    buffer_printf(out,
                  "\"chunks\":{\"objsize_limit\":\"%s\",\"max_monolithic_size\":\"%s\","
                  "\"chunk_size\":\"%s\",\"checkpoint_every\":0},"
                  "\"mirror\":{\"copies\":1,\"burst_buffer\":0,\"enabled\":false},"
                  "\"lru\":{\"dont_evict_time\":\"0s\",\"capacity_upd_time\":\"0s\",\"enabled\":"
                  "false},\"access\":\"" ACCESS_ALL "\",\"features\":\"0\",\"bid\":\"%" PRIu64
                  "\",\"created\":\"%" PRId64 "\",\"versioning\":{\"enabled\":true,"
                  "\"validate_warm_get\":false,\"synchronize\":false}}",
                  limit, max, chunk, native_bprops_bid(bucket), bucket->created_ns);
}

/* SPEC: AIStore ChunksConf: a chunk_size of 0 is the default. */
static enum status
apply_chunks(const char *path, const json_t *value, struct bucket_properties *properties,
             bool *ret_is_known, struct error *err)
{
    bool is_limit = strcmp(path, "chunks.objsize_limit") == 0;
    struct bucket_properties initial;
    uint64_t size;

    *ret_is_known = is_limit || strcmp(path, "chunks.chunk_size") == 0;
    if (!*ret_is_known) {
        return ST_OK;
    }
    if (!size_parse(value, &size)) {
        return fail(err, ST_INVALID, "property %s is no size", path);
    }
    if (is_limit) {
        properties->has_chunk_limit = true;
        properties->chunk_limit_bytes = size;
    } else {
        bucket_properties_init(&initial);
        properties->chunk_bytes = size > 0 ? size : initial.chunk_bytes;
    }
    return ST_OK;
}

/* What can be changed, by its path in the document. */
static enum status
apply_one(const char *path, const json_t *value, struct bucket_properties *properties,
          bool *ret_is_known, struct error *err)
{
    struct bytes text = bytes_of_string(json_string_value(value));

    *ret_is_known = true;
    if (strcmp(path, "checksum.type") == 0) {
        return native_checksum_find(text, &properties->native_checksum, err);
    }
    if (strcmp(path, "checksum.validate_warm_get") == 0) {
        if (!json_is_boolean(value)) {
            return fail(err, ST_INVALID, "property checksum.validate_warm_get is true or false");
        }
        properties->verify_read = json_is_true(value);
        return ST_OK;
    }
    return apply_chunks(path, value, properties, ret_is_known, err);
}

/* Does the property have this value already?  fixed is the document of now. */
static bool
is_as_it_is(const json_t *fixed, const json_t *value)
{
    return json_equal(fixed, value) == 1 ||
           (json_is_string(value) && json_string_length(value) == 0 && fixed == NULL);
}

static enum status
apply_object(const char *prefix, const json_t *value, const json_t *fixed,
             struct bucket_properties *properties, struct error *err)
{
    const char *key;
    json_t *member;

    json_object_foreach((json_t *)value, key, member)
    {
        const json_t *now = native_json_get(fixed, key);
        char path[PATH_SIZE];
        bool is_known;
        enum status st;

        if (json_is_null(member)) {
            continue;
        }
        if (snprintf(path, sizeof(path), "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", key) >=
            PATH_SIZE) {
            return fail(err, ST_INVALID, "unknown property \"%.64s\"", key);
        }
        st = apply_one(path, member, properties, &is_known, err);
        if (st == ST_OK && !is_known && json_is_object(member) &&
            (now == NULL || json_is_object(now))) {
            st = now == NULL && json_object_size(member) > 0
                     ? fail(err, ST_INVALID, "unknown property \"%s\"", path)
                     : apply_object(path, member, now, properties, err);
        } else if (st == ST_OK && !is_known && now == NULL) {
            st = fail(err, ST_INVALID, "unknown property \"%s\"", path);
        } else if (st == ST_OK && !is_known && !is_as_it_is(now, member)) {
            st = fail(err, ST_NOT_IMPLEMENTED,
                      "property \"%s\" cannot be changed: not supported by this server", path);
        }
        if (st != ST_OK) {
            return st;
        }
    }
    return ST_OK;
}

enum status
native_bprops_apply(const json_t *value, struct bucket_properties *properties, struct error *err)
{
    struct native_bck bck = {.provider = BYTES_LITERAL("ais")};
    struct bucket bucket = {.properties = *properties};
    struct buffer text = BUFFER_INIT;
    json_t *fixed;
    json_t *given;
    enum status st;

    if (value == NULL) {
        return ST_OK;
    }
    if (!json_is_object(value)) {
        return fail(err, ST_INVALID, "bucket properties are an object");
    }
    given = json_copy((json_t *)value);
    (void)json_object_del(given, "force");
    native_bprops_append(&bck, &bucket, &text);
    fixed = json_loadb(text.data, text.size, 0, NULL);
    CHECK(fixed != NULL);
    st = apply_object("", given, fixed, properties, err);
    json_decref(fixed);
    json_decref(given);
    buffer_release(&text);
    return st;
}
