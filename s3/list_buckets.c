/* SPDX-License-Identifier: Apache-2.0 */
/* ListBuckets.  SPEC: S3 ListBuckets / max-buckets, continuation-token, prefix, bucket-region. */
#include "base/check.h"
#include "base/xml_writer.h"
#include "s3/s3_continuation.h"
#include "s3/s3_handler.h"
#include "s3/s3_time.h"

#include "base/banned.h"

/* SPEC: S3 ListBuckets / max-buckets: 1 to 10,000. */
#define LIST_BUCKETS_MAX 10000
_Static_assert(LIST_BUCKETS_MAX == BUCKET_COUNT_MAX, "one page may show all buckets of a user");

struct page {
    struct bucket_info *buckets;
    size_t count;
    bool is_truncated;
    bool shows_region;
};

static struct buffer
render(const struct s3_request *request, const struct page *page)
{
    const struct principal *principal = request->authentication.principal;
    struct bytes prefix = s3_request_parameter(request, "prefix");
    struct buffer out = BUFFER_INIT;

    buffer_reserve(&out, 512 + page->count * 160);
    xml_begin_document(&out, "ListAllMyBucketsResult", S3_XMLNS);
    xml_open(&out, "Owner");
    xml_element(&out, "ID", principal_user(principal));
    xml_element(&out, "DisplayName", principal_display_name(principal));
    xml_close(&out, "Owner");
    xml_open(&out, "Buckets");
    for (size_t i = 0; i < page->count; i++) {
        xml_open(&out, "Bucket");
        xml_element(&out, "Name", page->buckets[i].name);
        s3_time_element(&out, "CreationDate", page->buckets[i].created_ns);
        if (page->shows_region) {
            xml_element(&out, "BucketRegion", request->s3->region);
        }
        xml_close(&out, "Bucket");
    }
    xml_close(&out, "Buckets");
    if (prefix.size != 0) {
        xml_element(&out, "Prefix", prefix);
    }
    if (page->is_truncated) {
        s3_continuation_element(&out, "ContinuationToken", page->buckets[page->count - 1].name);
    }
    xml_close(&out, "ListAllMyBucketsResult");
    return out;
}

enum status
s3_list_buckets(struct s3_request *request, struct error *err)
{
    const struct s3_query *query = &request->route.query;
    struct bytes token = s3_query_value(query, "continuation-token");
    struct bytes region = s3_query_value(query, "bucket-region");
    struct bucket_list_options options = {.prefix = s3_request_parameter(request, "prefix"),
                                          .after = BYTES_LITERAL("")};
    struct page page = {.shows_region = query->count != 0};
    uint64_t count_max = LIST_BUCKETS_MAX;
    struct buffer document;
    enum status st = s3_query_u64(query, "max-buckets", 1, LIST_BUCKETS_MAX, &count_max, err);

    if (st == ST_OK && token.data != NULL) {
        st = s3_continuation_parse(token, request->arena, &options.after, err);
    }
    options.count_max = count_max;
    if (st == ST_OK && (region.data == NULL || bytes_equal(region, request->s3->region))) {
        st = bucket_list(request->s3->options.store, request->authentication.principal, &options,
                         request->arena, &page.buckets, &page.count, &page.is_truncated, err);
    }
    if (st != ST_OK) {
        return st;
    }
    CHECK(!page.is_truncated || page.count != 0);
    document = render(request, &page);
    s3_reply_xml(request, &document);
    return ST_OK;
}
