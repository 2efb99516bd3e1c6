/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_conditions.h"

#include "base/clock.h"

#include "base/banned.h"

struct etag_list {
    struct bytes rest;
};

/* The next entity tag of a list as sent, without quotes; *ret_is_weak: it began with W/. */
static bool
etag_list_next(struct etag_list *list, struct bytes *ret_etag, bool *ret_is_weak)
{
    struct bytes rest = list->rest;
    size_t end;

    while (rest.size > 0 && (rest.data[0] == ' ' || rest.data[0] == '\t' || rest.data[0] == ',')) {
        rest = bytes_slice(rest, 1, rest.size);
    }
    if (rest.size == 0) {
        return false;
    }
    *ret_is_weak = bytes_has_prefix(rest, BYTES_LITERAL("W/"));
    if (*ret_is_weak) {
        rest = bytes_slice(rest, 2, rest.size);
    }
    if (rest.size > 0 && rest.data[0] == '"') {
        end = bytes_find_char(rest, 1, '"');
        if (end == SIZE_MAX) {
            end = rest.size;
        }
        *ret_etag = bytes_slice(rest, 1, end);
        end = end < rest.size ? end + 1 : end;
    } else {
        end = bytes_find_char(rest, 0, ',');
        if (end == SIZE_MAX) {
            end = rest.size;
        }
        *ret_etag = bytes_trim(bytes_slice(rest, 0, end));
    }
    list->rest = bytes_slice(rest, end, rest.size);
    return true;
}

static bool
etag_list_has(struct bytes text, struct bytes etag, bool is_strong)
{
    struct etag_list list = {text};
    struct bytes one;
    bool is_weak;

    if (bytes_equal_string(bytes_trim(text), "*")) {
        return true;
    }
    while (etag_list_next(&list, &one, &is_weak)) {
        if (bytes_equal(one, etag) && !(is_strong && is_weak)) {
            return true;
        }
    }
    return false;
}

/* Last-Modified, and so every comparison with it, has whole seconds. */
static int64_t
modified_s(const struct object_record *record)
{
    int64_t s = record->created_ns / CLOCK_NS_PER_S;

    return record->created_ns % CLOCK_NS_PER_S < 0 ? s - 1 : s;
}

enum status
object_conditions_check_read(const struct object_conditions *conditions,
                             const struct object_record *record, struct error *err)
{
    /* SPEC: RFC 9110 section 13.2.2, which S3 follows: the tag makes the date irrelevant. */
    if (conditions->if_match.data != NULL) {
        if (!etag_list_has(conditions->if_match, record->etag, false)) {
            return fail(err, ST_PRECONDITION, "If-Match does not name the current ETag");
        }
    } else if (conditions->has_if_unmodified_since &&
               modified_s(record) > conditions->if_unmodified_since_s) {
        return fail(err, ST_PRECONDITION, "modified after If-Unmodified-Since");
    }
    if (conditions->if_none_match.data != NULL) {
        if (etag_list_has(conditions->if_none_match, record->etag, false)) {
            return fail(err, ST_NOT_MODIFIED, "If-None-Match names the current ETag");
        }
    } else if (conditions->has_if_modified_since &&
               modified_s(record) <= conditions->if_modified_since_s) {
        return fail(err, ST_NOT_MODIFIED, "not modified after If-Modified-Since");
    }
    return ST_OK;
}

enum status
object_conditions_check_source(const struct object_conditions *conditions,
                               const struct object_record *record, struct error *err)
{
    enum status st = object_conditions_check_read(conditions, record, err);

    if (st == ST_NOT_MODIFIED) {
        return fail(err, ST_PRECONDITION, "the source of the copy was not modified");
    }
    return st;
}

enum status
object_conditions_check_write(const struct object_conditions *conditions,
                              const struct object_record *record, struct error *err)
{
    if (conditions->if_match.data != NULL) {
        if (record == NULL) {
            return fail(err, ST_NO_SUCH_KEY, "If-Match was given and the key does not exist");
        }
        if (!etag_list_has(conditions->if_match, record->etag, true)) {
            return fail(err, ST_PRECONDITION, "If-Match does not name the current ETag");
        }
    }
    if (conditions->has_if_unmodified_since && record != NULL &&
        modified_s(record) > conditions->if_unmodified_since_s) {
        return fail(err, ST_PRECONDITION, "modified after If-Unmodified-Since");
    }
    if (conditions->if_none_match.data != NULL && record != NULL &&
        etag_list_has(conditions->if_none_match, record->etag, true)) {
        return fail(err, ST_PRECONDITION, "If-None-Match holds what exists already");
    }
    if (conditions->has_if_modified_since && record != NULL &&
        modified_s(record) <= conditions->if_modified_since_s) {
        return fail(err, ST_PRECONDITION, "not modified after If-Modified-Since");
    }
    return ST_OK;
}
