/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_conditions.h"

#include "base/check.h"
#include "base/clock.h"
#include "net/http_date.h"

#include "base/banned.h"

static bool
parse_date(struct bytes text, int64_t *ret_s)
{
    return text.data != NULL && http_date_parse(text, clock_wall_s(), ret_s) == ST_OK;
}

struct object_conditions
s3_conditions_of_read(const struct s3_headers *headers)
{
    struct object_conditions conditions = {
        .if_match = headers->values[S3_IF_MATCH],
        .if_none_match = headers->values[S3_IF_NONE_MATCH],
    };

    conditions.has_if_modified_since =
        parse_date(headers->values[S3_IF_MODIFIED_SINCE], &conditions.if_modified_since_s);
    conditions.has_if_unmodified_since =
        parse_date(headers->values[S3_IF_UNMODIFIED_SINCE], &conditions.if_unmodified_since_s);
    return conditions;
}

struct object_conditions
s3_conditions_of_source(const struct s3_headers *headers)
{
    struct object_conditions conditions = {
        .if_match = headers->values[S3_COPY_SOURCE_IF_MATCH],
        .if_none_match = headers->values[S3_COPY_SOURCE_IF_NONE_MATCH],
    };

    conditions.has_if_modified_since = parse_date(headers->values[S3_COPY_SOURCE_IF_MODIFIED_SINCE],
                                                  &conditions.if_modified_since_s);
    conditions.has_if_unmodified_since = parse_date(
        headers->values[S3_COPY_SOURCE_IF_UNMODIFIED_SINCE], &conditions.if_unmodified_since_s);
    return conditions;
}

enum status
s3_conditions_of_write(const struct s3_headers *headers, bool allows_etag,
                       struct object_conditions *ret_conditions, struct error *err)
{
    static const enum s3_header_id REFUSED[] = {S3_IF_MODIFIED_SINCE, S3_IF_UNMODIFIED_SINCE};
    struct object_conditions conditions = {
        .if_match = headers->values[S3_IF_MATCH],
        .if_none_match = headers->values[S3_IF_NONE_MATCH],
    };

    if (conditions.if_match.data != NULL && conditions.if_none_match.data != NULL) {
        return fail(err, ST_NOT_IMPLEMENTED,
                    "If-Match and If-None-Match together on a write are not implemented.");
    }
    if (conditions.if_none_match.data != NULL && !allows_etag &&
        !bytes_equal_string(conditions.if_none_match, "*")) {
        return fail(err, ST_NOT_IMPLEMENTED,
                    "If-None-Match on a write must be *; other values are not implemented.");
    }
    *ret_conditions = conditions;
    return s3_headers_refuse(headers, REFUSED, ARRAY_COUNT(REFUSED), err);
}

enum status
s3_conditions_of_delete(const struct s3_headers *headers, struct object_conditions *ret_conditions,
                        struct error *err)
{
    static const enum s3_header_id REFUSED[] = {S3_IF_NONE_MATCH, S3_IF_MODIFIED_SINCE,
                                                S3_IF_UNMODIFIED_SINCE, S3_IF_MATCH_SIZE,
                                                S3_IF_MATCH_LAST_MODIFIED};

    *ret_conditions = (struct object_conditions){.if_match = headers->values[S3_IF_MATCH]};
    return s3_headers_refuse(headers, REFUSED, ARRAY_COUNT(REFUSED), err);
}

struct bytes
s3_conditions_culprit(const struct object_conditions *conditions)
{
    if (conditions->if_match.data != NULL) {
        return BYTES_LITERAL("If-Match");
    } else if (conditions->has_if_unmodified_since) {
        return BYTES_LITERAL("If-Unmodified-Since");
    } else if (conditions->if_none_match.data != NULL) {
        return BYTES_LITERAL("If-None-Match");
    }
    return BYTES_LITERAL("If-Modified-Since");
}
