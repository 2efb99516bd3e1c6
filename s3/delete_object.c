/* SPDX-License-Identifier: Apache-2.0 */
/* DeleteObject.  SPEC: S3 DeleteObject / 204 also for what is not there; If-Match. */
#include "object/object_delete.h"
#include "s3/s3_conditions.h"
#include "s3/s3_handler.h"

#include "base/banned.h"

enum status
s3_delete_object(struct s3_request *request, struct error *err)
{
    struct object_delete_entry entry = {.key = request->route.key};
    enum status st = s3_request_check_version(request, err);

    if (st == ST_OK) {
        st = s3_conditions_of_delete(&request->headers, &entry.conditions, err);
    }
    if (st == ST_OK) {
        st = object_delete(&request->bucket, &entry, 1, err);
    }
    if (st != ST_OK) {
        return st;
    }
    if (entry.status == ST_NO_SUCH_KEY && request->s3->options.delete_if_match_missing_ok) {
        entry.status = ST_OK;
    }
    if (entry.status == ST_PRECONDITION) {
        request->reply.condition = s3_conditions_culprit(&entry.conditions);
    }
    if (entry.status != ST_OK) {
        *err = entry.error;
        return entry.status;
    }
    request->reply.http_status = 204;
    return ST_OK;
}
