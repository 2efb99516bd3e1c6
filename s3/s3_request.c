/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_request.h"

#include "object/multipart.h"
#include "object/object_route.h"
#include "s3/s3_copy_source.h"

#include "base/banned.h"

enum status
s3_request_check_version(const struct s3_request *request, struct error *err)
{
    return s3_version_check(s3_query_value(&request->route.query, "versionId"), err);
}

enum status
s3_request_upload_id(const struct s3_request *request, struct upload_id *ret_id, struct error *err)
{
    struct bytes name = s3_query_value(&request->route.query, "uploadId");
    struct bytes node;

    if (object_upload_parse(name, ret_id, &node, NULL) != ST_OK) {
        return fail(err, ST_NO_SUCH_UPLOAD,
                    "The specified upload does not exist. The upload ID may be invalid, or the "
                    "upload may have been aborted or completed.");
    }
    return ST_OK;
}

enum status
s3_request_part_number(const struct s3_request *request, uint32_t *ret_number, struct error *err)
{
    uint64_t number = 0;

    if (bytes_parse_u64(s3_query_value(&request->route.query, "partNumber"), PART_NUMBER_MAX,
                        &number) != ST_OK ||
        number == 0) {
        return fail_as(err, ST_INVALID, "InvalidArgument",
                       "Part number must be an integer between 1 and %d, inclusive.",
                       PART_NUMBER_MAX);
    }
    *ret_number = (uint32_t)number;
    return ST_OK;
}

struct bytes
s3_request_parameter(const struct s3_request *request, const char *name)
{
    struct bytes value = s3_query_value(&request->route.query, name);

    return value.data != NULL ? value : BYTES_LITERAL("");
}
