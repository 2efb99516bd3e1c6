/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_contract.h"

#include <inttypes.h>

#include "base/banned.h"

/* SPEC: AIStore api/apc/provider.go: names and their aliases. */
const struct native_field native_field_provider = {
    .name = "provider",
    .doc = "Whose bucket it is; absent: ais. Others are refused with 501, unknown ones with 400."};
const struct native_field native_field_namespace = {
    .name = "namespace",
    .doc = "Namespace of the bucket as @uuid#name; absent: the global one, whose buckets are S3's. "
           "Of another cluster: 501."};
const struct native_field native_field_upload_id = {.name = "uploadId",
                                                    .doc = "Id of the multipart upload."};
const struct native_field native_field_bucket_to = {
    .name = "bck_to", .doc = "Destination as provider/@uuid#namespace/bucket/"};
const struct native_field native_field_node_id = {
    .name = "Ais-Node-Id", .doc = "The node that is meant; absent: the one that is asked."};
const struct native_field native_field_checksum_type = {
    .name = "Ais-Checksum-Type",
    .doc = "Type of the checksum: none, xxhash, xxhash2, md5, crc32c, sha256 or sha512."};
const struct native_field native_field_checksum_value = {.name = "Ais-Checksum-Value",
                                                         .doc = "The checksum in lower-case hex."};
const struct native_field native_field_etag = {.name = "ETag", .doc = "The entity tag, quoted."};
const struct native_field native_field_version = {
    .name = "Ais-Version", .doc = "Counts overwrites, from 1.", .number_max = UINT64_MAX};
const struct native_field native_field_atime = {
    .name = "Ais-Atime", .doc = "Time of the last write, ns since 1970.", .number_max = UINT64_MAX};

static bool
is_one_of(const char *words, struct bytes value)
{
    struct bytes rest = bytes_of_string(words);

    while (rest.size > 0) {
        if (bytes_equal(bytes_cut(&rest, ' '), value)) {
            return true;
        }
    }
    return false;
}

static enum status
check_value(const struct native_field *field, struct bytes value, struct error *err)
{
    int size = (int)(value.size < 64 ? value.size : 64);
    uint64_t number;

    if (field->words != NULL && !is_one_of(field->words, value)) {
        return fail(err, ST_INVALID, "invalid %s \"%.*s\" (expecting one of: %s)", field->name,
                    size, value.data, field->words);
    }
    if (field->number_max > 0 && (bytes_parse_u64(value, field->number_max, &number) != ST_OK ||
                                  number < field->number_min)) {
        return fail(err, ST_INVALID,
                    "invalid %s \"%.*s\" (expecting a number from %" PRIu64 " to %" PRIu64 ")",
                    field->name, size, value.data, field->number_min, field->number_max);
    }
    return ST_OK;
}

static enum status
check_list(const native_field_list fields, bool are_needed, const struct native_query *query,
           struct error *err)
{
    enum status st = ST_OK;

    for (size_t i = 0; st == ST_OK && i < NATIVE_FIELD_COUNT_MAX && fields[i] != NULL; i++) {
        struct bytes value = native_query_get(query, fields[i]->name);

        if (value.size > 0) {
            st = check_value(fields[i], value, err);
        } else if (are_needed) {
            st = fail(err, ST_INVALID, "parameter %s is missing", fields[i]->name);
        }
    }
    return st;
}

enum status
native_contract_check_query(const native_field_list needed, const native_field_list known,
                            const struct native_query *query, struct error *err)
{
    enum status st = check_list(needed, true, query, err);

    return st == ST_OK ? check_list(known, false, query, err) : st;
}
