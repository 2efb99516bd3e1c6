/* SPDX-License-Identifier: Apache-2.0 */
#include "object/key_settle.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/memory.h"
#include "object/fetch_place.h"
#include "object/home_move.h"
#include "object/key_former.h"
#include "object/key_holding.h"
#include "object/key_receive.h"
#include "object/object_internal.h"
#include "object/placement_rules.h"

#include "base/banned.h"

/* Each time something moved between two answers, which one source does once per key and
 * placement; the pause leaves it the time to finish. */
#define SETTLE_TRY_COUNT 200
#define SETTLE_PAUSE_MS 5
/* Turns of keys that are learned from peers, apart from those that move between homes. */
#define SETTLE_TURN_SALT UINT64_C(0x5e771e5e771e5e77)

/* One look at all who may have something of the key. */
struct look {
    const struct bucket *bucket;
    struct bytes key;
    struct cluster_map *map;
    struct arena arena;
    size_t count; /* own first */
    struct key_item items[CLUSTER_FORMERS_MAX + 1];
    struct key_holding holdings[CLUSTER_FORMERS_MAX + 1];
    const struct cluster_node *formers[CLUSTER_FORMERS_MAX];
};

static enum status
look_at_own(struct look *look, struct error *err)
{
    struct store *store = look->bucket->store->store;
    struct home *home;
    enum status st;

    store_enter(store);
    st = home_move_settle(look->bucket->store, look->bucket->id, look->key, &home, NULL, err);
    if (st == ST_OK) {
        st = key_holding_read(home, look->bucket->id, look->key, look->map, &look->arena,
                              &look->holdings[0], err);
    }
    store_leave(store);
    look->items[0] = (struct key_item){.bucket_id = look->bucket->id,
                                       .key = look->key,
                                       .record = look->holdings[0].record_value,
                                       .mark = look->holdings[0].mark_value};
    look->count = 1;
    return st;
}

static enum status
look_at_formers(struct look *look, uint64_t digest, struct error *err)
{
    size_t count =
        cluster_map_former_owners_of(look->map, digest, look->formers, CLUSTER_FORMERS_MAX);
    enum status st = ST_OK;

    for (size_t i = 0; i < count && st == ST_OK; i++) {
        struct key_former_ask ask = {look->bucket, look->key, look->map, look->formers[i],
                                     BYTES_NONE};
        struct key_item *item = &look->items[look->count];

        st = key_former_ask(&ask, &look->arena, item, err);
        if (st == ST_OK) {
            st = key_holding_decode(item->record, item->mark, look->map, &look->arena,
                                    &look->holdings[look->count], err);
        }
        look->count++;
    }
    return st;
}

/* The greatest record or tombstone; PLACEMENT_NOBODY: none.  True: a mark is greater than all, so
 * something moved between two answers. */
static bool
choose(const struct look *look, size_t *ret_chosen)
{
    struct placement_holding holdings[CLUSTER_FORMERS_MAX + 1];
    struct seq greatest = {0, 0};

    for (size_t i = 0; i < look->count; i++) {
        holdings[i] = look->holdings[i].holding;
    }
    *ret_chosen = placement_choose(holdings, look->count);
    if (*ret_chosen != PLACEMENT_NOBODY) {
        (void)placement_seq(&holdings[*ret_chosen], &greatest);
    }
    for (size_t i = 0; i < look->count; i++) {
        if (holdings[i].has_mark && (holdings[i].mark.flags & FORMER_MOVED) != 0 &&
            seq_compare(holdings[i].mark.seq, greatest) > 0) {
            return true;
        }
    }
    return false;
}

/* What a client would take for its own fault, where a former owner was lost while it sent. */
static bool
is_lost(enum status st)
{
    return st == ST_CLOSED || st == ST_TIMEOUT || st == ST_INCOMPLETE || st == ST_INVALID;
}

static enum status
confirm_here(struct look *look, const struct key_claim *claim, size_t chosen, struct error *err)
{
    struct placement_holding *holding = &look->holdings[chosen].holding;
    struct key_item item = look->items[chosen];
    struct source *source = NULL;
    struct key_receive_options options = {
        .bucket = look->bucket,
        .mode = RECEIVE_CONFIRM,
        .map = look->map,
        .claim = claim,
        .item = &item,
        .is_own = chosen == 0,
    };
    enum status st = ST_OK;

    FAULT_KILL("settle_before_confirm");
    if (!placement_shows_record(holding, 0)) {
        item.record = BYTES_NONE; /* the tombstone */
    } else if (chosen != 0) {
        struct key_former_ask ask = {look->bucket, look->key, look->map, look->formers[chosen - 1],
                                     BYTES_NONE};

        st = key_former_fetch(&ask, holding->record_seq, &look->arena, &item, &source, err);
        options.source = source;
    }
    if (st == ST_OK) {
        st = key_receive_run(&options, err);
    }
    FAULT_KILL("settle_after_confirm");
    source_release(&source);
    if (is_lost(st)) {
        st = fail(err, ST_UNAVAILABLE, "a former owner of the key did not send it whole");
    }
    return st;
}

/* Is what was chosen another node's record, and large? */
static bool
is_far(const struct look *look, size_t chosen)
{
    const struct key_holding *holding = &look->holdings[chosen];

    return chosen != 0 && placement_shows_record(&holding->holding, 0) &&
           holding->record.stored_size > KEY_SETTLE_READ_BYTES_MAX;
}

/* ST_BUSY: as many large ones as may come are on their way. */
static enum status
confirm(struct look *look, const struct key_claim *claim, size_t chosen, struct error *err)
{
    struct object_store *store = look->bucket->store;
    bool has_place = is_far(look, chosen);
    enum status st = has_place ? fetch_place_take(store, err) : ST_OK;

    if (st == ST_OK) {
        st = confirm_here(look, claim, chosen, err);
        if (has_place) {
            fetch_place_give_back(store);
        }
    }
    return st;
}

/* The placement that the claim is of may have ended since: then all that counts is here. */
static bool
has_ended(const struct look *look, const struct key_claim *claim)
{
    return !look->map->is_placing || cluster_map_owned_since_of(look->map, claim->digest) == 0;
}

/* What is to be done about a key. */
enum verdict {
    VERDICT_AGAIN,   /* something moved between two looks */
    VERDICT_SETTLED, /* what stands here counts */
    VERDICT_CONFIRM  /* the chosen holding is to be noted as what counts */
};

static enum status
look_at_all(struct look *look, const struct key_claim *claim, enum verdict *ret_verdict,
            size_t *ret_chosen, struct error *err)
{
    enum status st = look_at_own(look, err);

    if (st != ST_OK) {
        return st;
    }
    if (has_ended(look, claim) ||
        placement_counts_alone(&look->holdings[0].holding, claim->view.owned_since)) {
        *ret_verdict = VERDICT_SETTLED;
        return ST_OK;
    }
    st = look_at_formers(look, claim->digest, err);
    if (st != ST_OK) {
        return st;
    }
    if (choose(look, ret_chosen)) {
        *ret_verdict = VERDICT_AGAIN;
    } else {
        *ret_verdict = *ret_chosen == PLACEMENT_NOBODY ? VERDICT_SETTLED : VERDICT_CONFIRM;
    }
    return ST_OK;
}

static void
look_begin(struct look *look, const struct key_claim *claim, const struct bucket *bucket,
           struct bytes key)
{
    *look = (struct look){.bucket = bucket, .key = key, .map = ownership_map(claim->ownership)};
}

static void
look_end(struct look *look)
{
    arena_release(&look->arena);
    cluster_map_unref(look->map);
}

/* *ret_is_settled: what stands here counts.  Else again. */
static enum status
settle_once(struct look *look, const struct key_claim *claim, bool *ret_is_settled,
            struct error *err)
{
    enum verdict verdict = VERDICT_AGAIN;
    size_t chosen = PLACEMENT_NOBODY;
    enum status st = look_at_all(look, claim, &verdict, &chosen, err);

    if (st == ST_OK && verdict == VERDICT_AGAIN) {
        clock_pause_ns(SETTLE_PAUSE_MS * CLOCK_NS_PER_MS);
    }
    if (st == ST_OK && verdict == VERDICT_CONFIRM) {
        st = confirm(look, claim, chosen, err);
        st = st == ST_NO_SUCH_KEY ? ST_OK : st; /* moved on; the next look shows it */
    }
    *ret_is_settled = verdict == VERDICT_SETTLED;
    return st;
}

/* ST_MOVED of a peer is about maps of which this node may know nothing yet. */
static enum status
hear_news(const struct look *look, const struct key_claim *claim, struct error *err)
{
    const struct object_cluster *cluster = object_store_cluster(look->bucket->store);
    enum status st = key_claim_check(claim, err);

    if (st == ST_OK) {
        st = cluster->fetch_map(cluster->arg, look->map->version + 1, err);
    }
    if (st == ST_OK) {
        clock_pause_ns(SETTLE_PAUSE_MS * CLOCK_NS_PER_MS);
        st = key_claim_check(claim, err);
    }
    return st;
}

enum status
key_settle(const struct key_claim *claim, const struct bucket *bucket, struct bytes key,
           struct error *err)
{
    struct look *look;
    uint64_t turn = claim->digest ^ SETTLE_TURN_SALT;
    bool is_settled = false;
    enum status st = ST_OK;

    if (!key_claim_must_ask(claim)) {
        return ST_OK;
    }
    assert_on_worker();
    look = xcalloc(1, sizeof(*look));
    key_turn_take(bucket->store->turns, turn);
    for (size_t try = 0; try < SETTLE_TRY_COUNT && st == ST_OK && !is_settled; try++) {
        look_begin(look, claim, bucket, key);
        st = settle_once(look, claim, &is_settled, err);
        if (st == ST_MOVED) {
            st = hear_news(look, claim, err);
        }
        look_end(look);
    }
    key_turn_give_back(bucket->store->turns, turn);
    free(look);
    if (st == ST_BUSY) { /* no worker waits its turn for a peer, the request comes again */
        st = fail(err, ST_MOVED, "too many requests wait for a former owner");
    }
    if (st == ST_OK && !is_settled) {
        st = fail(err, ST_UNAVAILABLE, "what counts for the key could not be learned");
    }
    return st == ST_OK ? key_claim_check(claim, err) : st;
}

/* ---- reads ---- */

static enum status
take_far(struct look *look, size_t chosen, struct arena *arena, struct key_far *ret_far,
         struct error *err)
{
    struct key_far far = {.map = NULL};
    enum status st = object_record_decode(arena_copy(arena, look->holdings[chosen].record_value),
                                          arena, &far.record, err);

    if (st == ST_OK) {
        far.map = cluster_map_ref(look->map);
        far.node = look->formers[chosen - 1];
        *ret_far = far;
    }
    return st;
}

/* *ret_is_known: ret_far is filled in, or key_settle has nothing large to bring. */
static enum status
look_for_read(struct look *look, const struct key_claim *claim, struct arena *arena,
              bool *ret_is_known, struct key_far *ret_far, struct error *err)
{
    enum verdict verdict = VERDICT_AGAIN;
    size_t chosen = PLACEMENT_NOBODY;
    enum status st = look_at_all(look, claim, &verdict, &chosen, err);

    *ret_is_known = st == ST_OK && verdict != VERDICT_AGAIN;
    if (st == ST_OK && verdict == VERDICT_CONFIRM && is_far(look, chosen)) {
        return take_far(look, chosen, arena, ret_far, err);
    }
    if (st == ST_MOVED) {
        return hear_news(look, claim, err);
    }
    if (st == ST_BUSY || (st == ST_OK && verdict == VERDICT_AGAIN)) {
        clock_pause_ns(SETTLE_PAUSE_MS * CLOCK_NS_PER_MS);
        st = ST_OK;
    }
    return st;
}

enum status
key_settle_read(const struct key_claim *claim, const struct bucket *bucket, struct bytes key,
                struct arena *arena, struct key_far *ret_far, struct error *err)
{
    struct key_far far = {.map = NULL};
    struct look *look;
    bool is_known = false;
    enum status st = ST_OK;

    assert_on_worker();
    look = xcalloc(1, sizeof(*look));
    /* Without the key's turn, which a writer may hold while it brings all of the object here. */
    for (size_t try = 0; try < SETTLE_TRY_COUNT && st == ST_OK && !is_known; try++) {
        look_begin(look, claim, bucket, key);
        st = look_for_read(look, claim, arena, &is_known, &far, err);
        look_end(look);
    }
    free(look);
    if (st == ST_OK && !is_known) {
        st = fail(err, ST_UNAVAILABLE, "what counts for the key could not be learned");
    }
    if (st == ST_OK && far.map == NULL) {
        st = key_settle(claim, bucket, key, err);
    }
    if (st == ST_OK) {
        *ret_far = far;
    }
    return st;
}

void
key_far_release(struct key_far *far)
{
    cluster_map_unref(far->map);
    far->map = NULL;
}

/* ---- notes ---- */

static enum status
find_note(const struct look *look, struct upload_id id, struct arena *arena,
          struct upload_record *ret_upload, struct error *err)
{
    for (size_t i = 1; i < look->count; i++) {
        for (size_t k = 0; k < look->items[i].note_count; k++) {
            const struct key_note *note = &look->items[i].notes[k];

            if (memcmp(&note->id, &id, sizeof(id)) == 0) {
                return upload_record_decode(arena_copy(arena, note->value), arena, ret_upload, err);
            }
        }
    }
    return fail(err, ST_NO_SUCH_UPLOAD, "no former owner knows of the upload");
}

enum status
key_settle_note(const struct key_claim *claim, const struct bucket *bucket, struct bytes key,
                struct upload_id id, struct arena *arena, struct upload_record *ret_upload,
                struct error *err)
{
    struct look *look;
    enum status st;

    if (!key_claim_must_ask(claim)) {
        return fail(err, ST_NO_SUCH_UPLOAD, "nobody else knows of the upload");
    }
    look = xcalloc(1, sizeof(*look));
    *look = (struct look){
        .bucket = bucket, .key = key, .map = ownership_map(claim->ownership), .count = 1};
    st = look_at_formers(look, claim->digest, err);
    if (st == ST_OK) {
        st = find_note(look, id, arena, ret_upload, err);
    }
    arena_release(&look->arena);
    cluster_map_unref(look->map);
    free(look);
    return st;
}
