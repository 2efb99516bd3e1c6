/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/iam_call.h"

#include <time.h>

#include "auth/authorize.h"
#include "base/check.h"
#include "base/encode.h"
#include "base/xml_writer.h"

#include "base/banned.h"

/* SPEC: IAM MaxItems: 1 to 1,000, default 100. */
#define PAGE_COUNT_DEFAULT 100
#define PAGE_COUNT_MAX 1000

static enum status
malformed(struct error *err, const char *what)
{
    return fail_as(err, ST_INVALID, "MalformedQueryString", "%s", what);
}

static enum status
decode_part(struct iam_call *call, struct bytes text, struct bytes *ret_text, struct error *err)
{
    struct buffer decoded = BUFFER_INIT;
    enum status st = decode_uri(text, true, &decoded);

    if (st == ST_OK) {
        *ret_text = arena_copy(call->arena, buffer_bytes(&decoded));
    }
    buffer_release(&decoded);
    return st == ST_OK ? ST_OK : malformed(err, "The encoding of the form is broken.");
}

enum status
iam_call_parse(struct iam_call *call, struct bytes body, struct error *err)
{
    while (body.size > 0) {
        struct bytes value = bytes_cut(&body, '&');
        struct bytes name = bytes_cut(&value, '=');
        struct iam_parameter *parameter = &call->parameters[call->parameter_count];
        enum status st;

        if (call->parameter_count == IAM_PARAMETER_COUNT_MAX) {
            return malformed(err, "The form has too many parameters.");
        }
        st = decode_part(call, name, &parameter->name, err);
        if (st == ST_OK) {
            st = decode_part(call, value, &parameter->value, err);
        }
        if (st != ST_OK) {
            return st;
        }
        for (size_t i = 0; i < call->parameter_count; i++) {
            if (bytes_equal(call->parameters[i].name, parameter->name)) {
                return malformed(err, "A parameter was sent more than once.");
            }
        }
        call->parameter_count++;
    }
    return ST_OK;
}

struct bytes
iam_call_parameter(const struct iam_call *call, const char *name)
{
    for (size_t i = 0; i < call->parameter_count; i++) {
        if (bytes_equal_string(call->parameters[i].name, name)) {
            return call->parameters[i].value.data != NULL ? call->parameters[i].value
                                                          : BYTES_LITERAL("");
        }
    }
    return BYTES_NONE;
}

enum status
iam_call_refuse(const struct iam_call *call, const char *prefix, struct error *err)
{
    for (size_t i = 0; i < call->parameter_count; i++) {
        if (bytes_has_prefix(call->parameters[i].name, bytes_of_string(prefix))) {
            return fail_as(err, ST_NOT_IMPLEMENTED, "NotImplemented",
                           "The parameter %s is not implemented.", prefix);
        }
    }
    return ST_OK;
}

enum status
iam_call_user(const struct iam_call *call, const char *action, bool may_self,
              struct bytes *ret_user, struct error *err)
{
    struct bytes self = principal_user(call->principal);
    struct bytes user = iam_call_parameter(call, "UserName");
    struct authorize_facts facts = {.principal = call->principal,
                                    .action = ACTION_ADMINISTER_USERS};

    if (user.data == NULL) {
        user = self;
    }
    if (!(may_self && bytes_equal(user, self)) && authorize(&facts, NULL) != ST_OK) {
        return fail_as(err, ST_DENIED, "AccessDenied",
                       "User: arn:aws:iam::000000000000:user/%.*s is not authorized to perform: "
                       "iam:%s",
                       BYTES_ARGS(self), action);
    }
    *ret_user = user;
    return ST_OK;
}

enum status
iam_call_page(const struct iam_call *call, struct bytes *ret_marker, size_t *ret_count_max,
              struct error *err)
{
    struct bytes text = iam_call_parameter(call, "MaxItems");
    uint64_t count_max = PAGE_COUNT_DEFAULT;

    if (text.data != NULL &&
        (bytes_parse_u64(text, PAGE_COUNT_MAX, &count_max) != ST_OK || count_max == 0)) {
        return fail_as(err, ST_INVALID, "ValidationError",
                       "Value at 'maxItems' failed to satisfy constraint: Member must have value "
                       "between 1 and %d",
                       PAGE_COUNT_MAX);
    }
    *ret_marker = iam_call_parameter(call, "Marker");
    *ret_count_max = (size_t)count_max;
    return ST_OK;
}

void
iam_call_date(struct iam_call *call, const char *element, int64_t time_s)
{
    time_t time = time_s;
    struct tm tm;
    char text[32];

    CHECK(gmtime_r(&time, &tm) != NULL);
    CHECK(strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
    xml_element_string(&call->result, element, text);
}
