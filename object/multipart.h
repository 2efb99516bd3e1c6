/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multipart uploads.  Parts are written by object_put and object_copy with an upload id. Completion
 * is one batch in the home of the final key: the object with its part table, the upload's state,
 * the old object's release; a repeated completion answers from the upload's record for 24 hours.
 */
#ifndef OBJECT_MULTIPART_H
#define OBJECT_MULTIPART_H

#include "base/arena.h"
#include "object/object_put.h"

/* Text form: 32 lower-case hex digits. */
#define UPLOAD_ID_TEXT_SIZE 33
void upload_id_format(struct upload_id id, char out[UPLOAD_ID_TEXT_SIZE]);
/* ST_NO_SUCH_UPLOAD: not of that form. */
MUST_USE enum status upload_id_parse(struct bytes text, struct upload_id *ret_id,
                                     struct error *err);

struct multipart_create_options {
    struct bytes key;
    struct object_attributes attributes;
    enum checksum_algorithm checksum_algorithm; /* NONE: CRC64NVME is computed, not demanded */
    enum checksum_type checksum_type;           /* ST_INVALID where the algorithm lacks it */
};
MUST_USE ON_WORKER enum status multipart_create(const struct bucket *bucket,
                                                const struct multipart_create_options *options,
                                                struct upload_id *ret_id, struct error *err);
MUST_USE ON_WORKER enum status multipart_abort(const struct bucket *bucket, struct bytes key,
                                               struct upload_id id, struct error *err);

struct multipart_part {
    uint32_t number;
    struct bytes etag;        /* as sent, quotes removed; empty: see is_native */
    struct checksum checksum; /* algorithm NONE: not sent */
};
struct multipart_complete_options {
    struct bytes key;
    struct upload_id id;
    const struct multipart_part *parts;
    size_t part_count;
    struct object_conditions conditions;
    struct checksum checksum; /* whole object, as sent; algorithm NONE: not sent */
    bool has_checksum_type;   /* x-amz-checksum-type, must agree with the upload's */
    enum checksum_type checksum_type;
    uint64_t size;  /* x-amz-mp-object-size, or OBJECT_SIZE_UNKNOWN */
    bool is_native; /* AIStore's: parts of any size, and those without an ETag are not compared */
};
/* ST_NO_SUCH_UPLOAD, ST_INVALID_PART, ST_INVALID_PART_ORDER, ST_PART_TOO_SMALL, ST_DIGEST_MISMATCH,
 * ST_PRECONDITION, ST_NO_SUCH_KEY, ST_CONFLICT. */
MUST_USE ON_WORKER enum status multipart_complete(const struct bucket *bucket,
                                                  const struct multipart_complete_options *options,
                                                  struct object_put_result *ret_result,
                                                  struct error *err);

/* The upload's own record; for ListParts and UploadPart's rules.  In arena. */
MUST_USE enum status multipart_get(const struct bucket *bucket, struct bytes key,
                                   struct upload_id id, struct arena *arena,
                                   struct upload_record *ret_record, struct error *err);
/* Parts with number > after. */
MUST_USE ON_WORKER enum status multipart_list_parts(const struct bucket *bucket, struct bytes key,
                                                    struct upload_id id, uint32_t after,
                                                    size_t count_max, struct arena *arena,
                                                    struct part_record **ret_parts,
                                                    size_t *ret_count, bool *ret_is_truncated,
                                                    struct error *err);

struct multipart_upload_entry {
    struct bytes key; /* or a common prefix, then is_prefix */
    bool is_prefix;
    struct upload_id id;
    struct bytes name; /* what clients call it: object_upload_name */
    struct upload_record record;
};
/* What one node asks another for at most.  SPEC: S3 ListMultipartUploads / max-uploads. */
#define MULTIPART_LIST_PAGE_MAX ((size_t)1000)

struct multipart_list_options {
    struct bytes prefix;
    struct bytes delimiter;
    struct bytes key_marker;
    bool has_upload_id_marker; /* uploads of key_marker with greater id also count */
    struct upload_id upload_id_marker;
    size_t count_max;
    /* For the merge of pages while keys move between targets: */
    bool is_flat;      /* one by one, with what is not open */
    bool is_continued; /* the marker is an entry: the rest of its common prefix is looked at too */
};
/* The page that a peer asks this target for; as object_list_serve. */
MUST_USE ON_WORKER enum status multipart_list_serve(const struct bucket *bucket,
                                                    struct bytes arguments, uint64_t map_version,
                                                    struct buffer *out, bool *ret_is_truncated,
                                                    struct error *err);
/* Open uploads in order of key, then of id, merged over all targets and homes.  Never ends short.
 */
MUST_USE ON_WORKER enum status
multipart_list(const struct bucket *bucket, const struct multipart_list_options *options,
               struct arena *arena, struct multipart_upload_entry **ret_entries, size_t *ret_count,
               bool *ret_is_truncated, struct error *err);

#endif
