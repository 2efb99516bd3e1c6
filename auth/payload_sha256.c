/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/payload_sha256.h"

#include "base/check.h"
#include "base/memory.h"
#include "stream/digest.h"

#include "base/banned.h"

struct payload_sha256 {
    struct sink sink;
    struct sink *next;
    const struct authentication *authentication;
    struct digest digest;
};

static struct payload_sha256 *
filter_from(struct sink *sink)
{
    return CONTAINER_OF(struct payload_sha256, sink, sink);
}

static enum status
filter_write(struct sink *sink, struct bytes data, struct error *err)
{
    struct payload_sha256 *filter = filter_from(sink);

    digest_update(&filter->digest, data);
    return sink_write(filter->next, data, err);
}

static enum status
filter_finish(struct sink *sink, struct error *err)
{
    struct payload_sha256 *filter = filter_from(sink);
    struct digest_value value;
    enum status st;

    digest_final(&filter->digest, &value);
    st = authentication_check_body(filter->authentication, &value, err);
    return st != ST_OK ? st : sink_finish(filter->next, err);
}

static void
filter_release(struct sink *sink)
{
    struct payload_sha256 *filter = filter_from(sink);

    sink_release(&filter->next);
    digest_release(&filter->digest);
    free(filter);
}

static const struct sink_ops FILTER_OPS = {filter_write, filter_finish, filter_release};

struct sink *
payload_sha256_create(const struct authentication *authentication, struct sink **take_next)
{
    struct payload_sha256 *filter = xcalloc(1, sizeof(*filter));

    CHECK(authentication->principal != NULL && authentication->payload_mode == PAYLOAD_SIGNED);
    filter->sink.ops = &FILTER_OPS;
    filter->authentication = authentication;
    filter->next = *take_next;
    *take_next = NULL;
    digest_init(&filter->digest, DIGEST_SHA256);
    return &filter->sink;
}
