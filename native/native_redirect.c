/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_redirect.h"

#include <inttypes.h>

#include "base/clock.h"
#include "native/native_route.h"

#include "base/banned.h"

bool
native_redirect_is_probe(const struct native_call *call)
{
    return call->http->is_tls && call->route->body == NATIVE_BODY_STREAMED &&
           native_call_parameter(call, "utm").size == 0 &&
           bytes_equal_ignore_case(http_request_header(call->http, "connection"), "close");
}

void
native_redirect_answer(struct native_call *call)
{
    const struct http_request *http = call->http;

    native_reply_header(call, "Location",
                        arena_printf_bytes(call->arena, "%s://%.*s%.*s?%.*s%spid=%s&utm=%" PRId64,
                                           http->is_tls ? "https" : "http", BYTES_ARGS(http->host),
                                           BYTES_ARGS(http->path), (int)http->query.size,
                                           http->query.data != NULL ? http->query.data : "",
                                           http->query.size > 0 ? "&" : "", call->native->node_id,
                                           clock_wall_ns()));
    call->reply.http_status = 307;
    native_call_answer(call);
}
