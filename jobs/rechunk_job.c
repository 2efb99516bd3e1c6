/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/rechunk_job.h"

#include "base/encode.h"
#include "jobs/name_template.h"
#include "object/object_rechunk.h"

#include "base/banned.h"

/* walk_options.extra: chunk and limit, big-endian. */
#define EXTRA_SIZE 16

static void
rechunk_some(const struct walk_share *share, struct walk_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct object_rechunk_options options = {.key = items[i].name,
                                                 .is_stopped = share->is_stopped};
        struct object_rechunk_result result;

        if (share->extra.size != EXTRA_SIZE) {
            items[i].status =
                fail(&items[i].error, ST_CORRUPT, "the message of the job cannot be read");
            continue;
        }
        options.policy.chunk_bytes = decode_u64_be(share->extra.data);
        options.policy.limit_bytes = decode_u64_be(share->extra.data + 8);
        items[i].status = chunk_policy_check(&options.policy, &items[i].error);
        if (items[i].status == ST_OK) {
            items[i].status = object_rechunk(&share->source, &options, &result, &items[i].error);
        }
        if (items[i].status == ST_OK && result.outcome == RECHUNK_GONE) {
            items[i].status = fail(&items[i].error, ST_NO_SUCH_KEY, "the object is gone");
        }
    }
}

const struct walk_kind rechunk_job = {
    .job = {.name = "rechunk", .is_concurrent = true, .is_resumable = true, .run = walk_run},
    .work = rechunk_some,
};

enum status
rechunk_job_start(struct job_registry *registry, struct object_store *store,
                  const struct rechunk_job_options *options, char ret_id[JOB_ID_SIZE],
                  struct error *err)
{
    unsigned char extra[EXTRA_SIZE];
    struct name_template template;
    enum status st = chunk_policy_check(&options->policy, err);

    if (st == ST_OK && (name_template_parse(options->prefix, &template, NULL) != ST_OK ||
                        template.range_count > 0)) {
        st = fail(err, ST_INVALID, "the prefix \"%.*s\" would be a range of names",
                  (int)(options->prefix.size < 128 ? options->prefix.size : 128),
                  options->prefix.data);
    }
    if (st != ST_OK) {
        return st;
    }
    encode_u64_be(extra, options->policy.chunk_bytes);
    encode_u64_be(extra + 8, options->policy.limit_bytes);
    return walk_start(registry, store,
                      &(struct walk_options){.kind = &rechunk_job,
                                             .source = options->bucket,
                                             .template = options->prefix,
                                             .extra = bytes_of(extra, sizeof(extra))},
                      ret_id, err);
}
