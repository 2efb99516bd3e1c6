/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_handler.h"

#include "native/native_api.h"

#include "base/banned.h"

bool
native_accepts(const struct http_request *request)
{
    return bytes_equal_string(request->path, "/v1") ||
           bytes_has_prefix(request->path, BYTES_LITERAL("/v1/"));
}

void
native_handle(struct http_exchange *exchange, struct native *native)
{
    native_api_handle(exchange, native);
}
