/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_admission.h"

#include "s3/s3_answer.h"

#include "base/banned.h"

static void
route(const struct s3 *s3, const struct http_request *http, struct arena *arena,
      struct s3_route *ret_route)
{
    struct s3_route_input input = s3_route_input_of(s3, http);

    input.has_copy_source = http_request_header(http, "x-amz-copy-source").data != NULL;
    if (s3_route(&input, arena, ret_route, NULL) != ST_OK) {
        ret_route->operation = NULL; /* it is refused anyway, which is a small thing */
    }
}

enum load_class
s3_classify(struct http_exchange *exchange, void *arg)
{
    struct s3_route found = {.operation = NULL};

    route(arg, http_exchange_request(exchange), http_exchange_arena(exchange), &found);
    return found.operation != NULL ? found.operation->load_class : LOAD_SMALL;
}

void
s3_refuse(struct http_exchange *exchange, unsigned retry_after_s, const char *sentence, void *arg)
{
    struct arena *arena = http_exchange_arena(exchange);
    struct s3_request *request = arena_calloc(arena, 1, sizeof(*request));
    struct error err = ERROR_INIT;

    request->magic = S3_REQUEST_MAGIC;
    request->s3 = arg;
    request->exchange = exchange;
    request->http = http_exchange_request(exchange);
    request->arena = arena;
    request->retry_after_s = retry_after_s;
    route(request->s3, request->http, arena, &request->route);
    request->operation = request->route.operation;
    (void)fail(&err, ST_BUSY, "%s", sentence);
    s3_answer_error(request, &err);
}
