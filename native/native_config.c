/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_config.h"

#include "native/native_smap.h"

#include "base/banned.h"

/* Sections of things that are not here, all off. */
static const char OFF[] =
    "\"rate_limit\":{\"backend\":{\"enabled\":false},\"frontend\":{\"enabled\":false}},"
    "\"ec\":{\"enabled\":false,\"data_slices\":0,\"parity_slices\":0,\"objsize_limit\":0,"
    "\"disk_only\":false,\"compression\":\"never\"},"
    "\"mirror\":{\"copies\":1,\"burst_buffer\":0,\"enabled\":false},"
    "\"lru\":{\"dont_evict_time\":\"0s\",\"capacity_upd_time\":\"0s\",\"enabled\":false},"
    "\"rebalance\":{\"dest_retry_time\":\"0s\",\"enabled\":false,\"compression\":\"never\"},"
    "\"get_batch\":{},\"downloader\":{\"timeout\":\"0s\"},"
    "\"tcb\":{\"compression\":\"never\"},\"tco\":{\"compression\":\"never\"},"
    "\"arch\":{\"compression\":\"never\"},\"lso\":{\"compression\":\"never\"},"
    "\"transport\":{},\"keepalivetracker\":{\"proxy\":{},\"target\":{}},\"periodic\":{},"
    "\"client\":{},\"timeout\":{},\"memsys\":{},\"log\":{},\"space\":{},\"disk\":{},"
    "\"fshc\":{\"enabled\":true},\"resilver\":{\"enabled\":true},";

void
native_config_append(const struct native_call *call, struct buffer *out)
{
    const struct native *native = call->native;
    struct bytes primary = native_smap_primary_url(call);
    struct bytes uuid = native_smap_uuid(call);

    buffer_append_string(
        out, "{\"write_policy\":{\"data\":\"\",\"md\":\"immediate\"},\"checksum\":{\"type\":"
             "\"xxhash2\",\"validate_cold_get\":false,\"validate_warm_get\":true,"
             "\"validate_obj_move\":true,\"enable_read_range\":false},");
    buffer_append_string(out, OFF);
    buffer_printf(out,
                  "\"chunks\":{\"objsize_limit\":\"64MiB\",\"max_monolithic_size\":\"5GiB\","
                  "\"chunk_size\":\"64MiB\"},"
                  "\"versioning\":{\"enabled\":true,\"validate_warm_get\":false,\"synchronize\":"
                  "false},\"auth\":{\"client_auth_required\":%s},\"backend\":{\"ais\":{}},"
                  "\"net\":{\"http\":{\"use_https\":%s}},\"proxy\":{\"primary_url\":\"%.*s\","
                  "\"original_url\":\"\",\"discovery_url\":\"\",\"non_electable\":false},"
                  "\"features\":\"0\",\"uuid\":\"%.*s\",\"config_version\":\"1\","
                  "\"lastupdate_time\":\"\"}",
                  native->is_anonymous_allowed ? "false" : "true",
                  call->http->is_tls ? "true" : "false", BYTES_ARGS(primary), BYTES_ARGS(uuid));
}
