/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admin_handler.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metrics.h"
#include "store/home.h"
#include "store/store_metrics.h"

#include "base/banned.h"

static void
answer(struct http_exchange *exchange, int status, const char *content_type, struct bytes body,
       const char *operation)
{
    struct arena *arena = http_exchange_arena(exchange);
    struct http_header *header = arena_alloc(arena, sizeof(*header));
    struct http_response response = {.status = status,
                                     .headers = header,
                                     .header_count = 1,
                                     .body = body,
                                     .operation = operation};

    *header = (struct http_header){BYTES_LITERAL("Content-Type"), bytes_of_string(content_type)};
    http_exchange_respond(exchange, &response);
}

static void
answer_metrics(struct http_exchange *exchange)
{
    struct buffer text = BUFFER_INIT;
    struct bytes body;

    metrics_export(&text);
    body = arena_copy(http_exchange_arena(exchange), buffer_bytes(&text));
    buffer_release(&text);
    answer(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", body, "Metrics");
}

static void
answer_ready(struct http_exchange *exchange, struct admin *admin, bool is_whole_cluster)
{
    struct store *store = object_store_store(admin->objects);
    bool is_member;
    struct buffer text = BUFFER_INIT;
    size_t failed_count = 0;
    size_t shown_count = 0;
    struct bytes body;

    buffer_append_char(&text, '{');
    is_member = membership_describe(admin->membership, is_whole_cluster, &text);
    buffer_append_string(&text, "\"homes\":[");
    for (size_t i = 0; i < store_home_count(store); i++) {
        struct home *home = store_home_at(store, i);
        struct error err = ERROR_INIT;
        bool is_held;
        bool is_ready;

        if (!home_is_holder(home)) {
            continue;
        }
        is_held = home_hold(home); /* it is not closed meanwhile */
        is_ready = home_require_writable(home, &err) == ST_OK;
        if (is_held) {
            home_unhold(home);
        }
        failed_count += !is_ready;
        buffer_printf(&text, "%s{\"ready\":%s,\"reason\":", shown_count++ > 0 ? "," : "",
                      is_ready ? "true" : "false");
        log_append_json_string(&text, bytes_of_string(err.text));
        buffer_append_string(&text, "}");
    }
    failed_count += !is_member;
    buffer_printf(&text, "],\"ready\":%s}\n", failed_count == 0 ? "true" : "false");
    body = arena_copy(http_exchange_arena(exchange), buffer_bytes(&text));
    buffer_release(&text);
    answer(exchange, failed_count == 0 ? 200 : 503, "application/json", body, "Health");
}

void
admin_handle(struct http_exchange *exchange, void *arg)
{
    const struct http_request *request = http_exchange_request(exchange);

    if (!bytes_equal_string(request->method, "GET") &&
        !bytes_equal_string(request->method, "HEAD")) {
        answer(exchange, 405, "text/plain", BYTES_LITERAL("only GET and HEAD\n"), "Admin");
    } else if (bytes_equal_string(request->path, "/metrics")) {
        answer_metrics(exchange);
    } else if (bytes_equal_string(request->path, "/healthz/live")) {
        answer(exchange, 200, "application/json", BYTES_LITERAL("{\"live\":true}\n"), "Health");
    } else if (bytes_equal_string(request->path, "/healthz/ready") ||
               bytes_equal_string(request->path, "/healthz/cluster")) {
        answer_ready(exchange, arg, bytes_equal_string(request->path, "/healthz/cluster"));
    } else {
        answer(exchange, 404, "text/plain",
               BYTES_LITERAL("there is /metrics and /healthz/{live,ready,cluster}\n"), "Admin");
    }
}

static uint64_t
resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long total = 0;
    unsigned long resident = 0;

    if (file != NULL) {
        if (fscanf(file, "%lu %lu", &total, &resident) != 2) {
            resident = 0;
        }
        fclose(file);
    }
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void
gauge(struct buffer *out, const char *name, const char *help, uint64_t value)
{
    buffer_printf(out, "# HELP %s %s\n# TYPE %s gauge\n%s %" PRIu64 "\n", name, help, name, name,
                  value);
}

static void
collect(struct buffer *out, void *arg)
{
    struct object_store *objects = arg;
    struct rusage usage;

    store_append_metrics(object_store_store(objects), out);
    gauge(out, "lode_process_resident_bytes", "Resident memory", resident_bytes());
    getrusage(RUSAGE_SELF, &usage);
    buffer_printf(out,
                  "# HELP lode_process_cpu_seconds_total User and system time\n"
                  "# TYPE lode_process_cpu_seconds_total counter\n"
                  "lode_process_cpu_seconds_total %.6f\n",
                  (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                      (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}

void
admin_register_metrics(struct object_store *objects)
{
    metric_register_collector(collect, objects);
}
