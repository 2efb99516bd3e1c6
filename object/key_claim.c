/* SPDX-License-Identifier: Apache-2.0 */
#include "object/key_claim.h"

#include "base/check.h"
#include "cluster/placement.h"
#include "meta/meta_key.h"
#include "object/client_rest.h"
#include "object/object_current.h"
#include "object/object_internal.h"
#include "object/placement_rules.h"

#include "base/banned.h"

#define UNAME_PREFIX "ais/"
#define UNAME_GLOBAL "@#/"
/* SPEC: S3 bucket names have at most 63 bytes; native ones are checked by bucket_name_check too. */
#define UNAME_BYTES_MAX 256

uint64_t
key_claim_digest(struct bytes bucket_name, struct bytes key)
{
    char uname[UNAME_BYTES_MAX];
    /* A bucket of a native namespace is named "@#<namespace>/<name>": object_cluster_uname. */
    bool has_namespace = bytes_has_prefix(bucket_name, BYTES_LITERAL("@#"));
    struct bytes prefix =
        has_namespace ? BYTES_LITERAL(UNAME_PREFIX) : BYTES_LITERAL(UNAME_PREFIX UNAME_GLOBAL);
    size_t size = prefix.size;

    CHECK(size + bucket_name.size + 1 <= sizeof(uname));
    memcpy(uname, prefix.data, size);
    memcpy(uname + size, bucket_name.data, bucket_name.size);
    size += bucket_name.size;
    uname[size++] = '/';
    return placement_digest(bytes_of(uname, size), key);
}

enum status
key_claim_admit(const struct bucket *bucket, struct bytes key, enum read_mode mode,
                struct key_claim *ret_claim, struct error *err)
{
    struct key_claim claim = {.ownership = object_store_ownership(bucket->store)};
    bool is_stopped = false;
    enum status st;

    client_rest_note_asked(bucket->store);
    if (claim.ownership == NULL) {
        *ret_claim = claim;
        return ST_OK;
    }
    claim.digest = key_claim_digest(bucket->name, key);
    for (;;) {
        st = ownership_check(claim.ownership, claim.digest, 0, &claim.view, &is_stopped, err);
        if (st != ST_MOVED || !is_stopped) {
            break;
        }
        st = mode == READ_NO_WAIT ? fail(err, ST_WOULD_WAIT, "a change of the map is pending")
                                  : ownership_wait(claim.ownership, err);
        if (st != ST_OK) {
            break;
        }
    }
    if (st == ST_OK) {
        *ret_claim = claim;
    }
    return st;
}

enum status
key_claim_check(const void *arg, struct error *err)
{
    const struct key_claim *claim = arg;
    struct ownership_view view;

    if (claim->ownership == NULL) {
        return ST_OK;
    }
    return ownership_check(claim->ownership, claim->digest, claim->view.placement, &view, NULL,
                           err);
}

void
key_claim_mark(const struct key_claim *claim, struct commit *commit, uint64_t bucket_id,
               struct bytes key, bool is_delete)
{
    struct former_record mark;
    struct buffer value = BUFFER_INIT;
    struct meta_key mark_key;

    if (claim->ownership == NULL || !claim->view.is_placing) {
        return;
    }
    placement_mark_write(is_delete, claim->view.placement, &mark);
    former_record_encode(&mark, &value);
    meta_key_object(&mark_key, bucket_id, key);
    commit_put_record(commit, FAMILY_FORMER, meta_key_bytes(&mark_key), buffer_bytes(&value));
    buffer_release(&value);
}

enum status
key_claim_judge(const struct key_claim *claim, enum status st, struct error *err)
{
    if (st != ST_OK && !object_commit_is_doubtful(st) && key_claim_check(claim, NULL) != ST_OK) {
        st = fail(err, ST_MOVED, "the key was another node's meanwhile");
    }
    return st;
}

enum status
key_claim_commit(const struct key_claim *claim, struct commit_options *options, struct seq *ret_seq,
                 struct error *err)
{
    enum status st;

    if (claim->ownership == NULL) {
        return commit_run(options, ret_seq, err);
    }
    options->admit = key_claim_check;
    options->admit_arg = claim;
    st = commit_run(options, ret_seq, err);
    return key_claim_judge(claim, st, err);
}
