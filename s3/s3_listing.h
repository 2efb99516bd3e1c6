/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the listings have in common: their parameters, the encoding of names, and the writer of one
 * page.  Entries are written while object_list walks: no copy of a page is ever held as structs.
 *
 *   s3_listing_read -> object_list(..., s3_listing_found, listing) -> s3_listing_end
 */
#ifndef S3_S3_LISTING_H
#define S3_S3_LISTING_H

#include "object/object_list.h"
#include "s3/s3_request.h"

/* SPEC: S3 ListObjects / max-keys: at most 1,000 are returned. */
#define S3_LISTING_MAX 1000

enum s3_listing_kind { S3_LISTING_V1, S3_LISTING_V2, S3_LISTING_VERSIONS };

struct s3_listing {
    enum s3_listing_kind kind;
    struct object_list_options options;
    struct object_list_result result;
    bool is_url_encoded;
    bool has_delimiter;
    bool shows_owner;
    bool last_is_prefix;
    struct bytes bucket_owner;
    struct buffer entries;  /* Contents or Version */
    struct buffer prefixes; /* CommonPrefixes */
};

/* prefix, delimiter, max-keys, encoding-type.  ST_INVALID (InvalidArgument). */
MUST_USE enum status s3_listing_read(const struct s3_request *request, enum s3_listing_kind kind,
                                     struct s3_listing *ret_listing, struct error *err);
/* Walks and collects the entries.  ON_WORKER. */
MUST_USE ON_WORKER enum status s3_listing_run(const struct s3_request *request,
                                              struct s3_listing *listing, struct error *err);
void s3_listing_release(struct s3_listing *listing);

/* encoding-type.  ST_INVALID (InvalidArgument). */
MUST_USE enum status s3_listing_encoding(const struct s3_request *request, bool *ret_is_url,
                                         struct error *err);
/* <name>value</name>, percent-encoded if is_url. */
void s3_listing_element(struct buffer *out, const char *name, struct bytes value, bool is_url);
/* <CommonPrefixes><Prefix>...; */
void s3_listing_common_prefix(struct buffer *out, struct bytes prefix, bool is_url);
/* <Owner><ID>...; also Initiator. */
void s3_listing_user(struct buffer *out, const char *element, struct bytes user);
/* object_list_fn; arg is the listing. */
void s3_listing_found(struct bytes name, const struct object_record *record, void *arg);

#endif
