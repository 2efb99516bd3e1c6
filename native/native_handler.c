/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_handler.h"

#include "native/native_api.h"
#include "native/native_query.h"
#include "native/native_redirect.h"

#include "base/banned.h"

bool
native_accepts(const struct http_request *request)
{
    return bytes_equal_string(request->path, "/v1") ||
           bytes_has_prefix(request->path, BYTES_LITERAL("/v1/"));
}

bool
native_is_redirected(struct http_exchange *exchange)
{
    struct native_query query;

    return native_query_parse(http_exchange_request(exchange)->query, http_exchange_arena(exchange),
                              &query, NULL) == ST_OK &&
           native_query_get(&query, NATIVE_REDIRECT_PARAMETER).size > 0;
}

void
native_handle(struct http_exchange *exchange, struct native *native)
{
    native_api_handle(exchange, native);
}
