/* SPDX-License-Identifier: Apache-2.0 */
#include "object/mountpath_admin.h"

#include "base/check.h"
#include "base/log.h"
#include "meta/meta_key.h"
#include "object/object_internal.h"
#include "object/rebalance.h"
#include "store/mountpath_change.h"

#include "base/banned.h"

static struct home *
find_home(struct store *store, const char *directory)
{
    for (size_t i = 0; i < store_home_count(store); i++) {
        struct home *home = store_home_at(store, i);

        if (!home_is_gone(home) && strcmp(home_directory(home), directory) == 0) {
            return home;
        }
    }
    return NULL;
}

/* Objects whose records are about to be given up, as far as they can be read. */
static enum status
list_losses(struct object_store *store, struct home *home, uint64_t *ret_count, struct error *err)
{
    struct meta_iterator *iterator = meta_iterator_open(
        home_db(home), &(struct meta_scan){.family = FAMILY_OBJECT, .keep_cache_cold = true});
    uint64_t count = 0;
    enum status st = ST_OK;

    for (meta_iterator_seek(iterator, BYTES_NONE); meta_iterator_is_valid(iterator) && st == ST_OK;
         meta_iterator_next(iterator)) {
        struct bytes name;
        uint64_t bucket_id;

        if (meta_key_parse_object(meta_iterator_key(iterator), &bucket_id, &name) == ST_OK) {
            st = mountpath_note_loss(store, bucket_id, name, 0, err);
            count++;
        }
    }
    if (st == ST_OK) {
        st = meta_iterator_status(iterator, err);
    }
    meta_iterator_close(&iterator);
    *ret_count = count;
    return st;
}

static enum status
forget(struct object_store *store, const char *directory, struct mountpath_outcome *outcome,
       struct error *err)
{
    struct home *home = find_home(store->store, directory);
    struct error local = ERROR_INIT;
    enum status st;

    if (home == NULL) {
        return fail(err, ST_NOT_FOUND, "no mountpath is registered at %s", directory);
    }
    outcome->is_loss_unknown = true;
    if (home_is_holder(home) && home_hold(home)) {
        st = list_losses(store, home, &outcome->lost_count, &local);
        outcome->is_loss_unknown = st != ST_OK;
        home_unhold(home);
    } else if (!home_is_holder(home)) {
        outcome->is_loss_unknown = false;
    }
    st = store_change_role(store->store, directory, MOUNTPATH_FORGOTTEN, err);
    if (st == ST_OK) {
        log_warn(NULL, "mountpath_forgotten", "mountpath %s was given up with %llu objects%s",
                 directory, (unsigned long long)outcome->lost_count,
                 outcome->is_loss_unknown ? " that could be listed, and an unknown number more"
                                          : "");
    }
    return st;
}

enum status
mountpath_admin(struct object_store *store, enum mountpath_verb verb, const char *directory,
                struct mountpath_outcome *ret_outcome, struct error *err)
{
    struct mountpath_outcome outcome = {.needs_resilver = false};
    enum status st = ST_OK;

    assert_on_worker();
    if (directory[0] != '/') {
        return fail(err, ST_INVALID, "'%s' is no absolute path", directory);
    }
    switch (verb) {
    case MOUNTPATH_VERB_ATTACH:
        st = store_attach(store->store, directory, err);
        break;
    case MOUNTPATH_VERB_DETACH:
        st = store_change_role(store->store, directory, MOUNTPATH_LEAVING, err);
        break;
    case MOUNTPATH_VERB_ENABLE:
        st = store_change_role(store->store, directory, MOUNTPATH_ACTIVE, err);
        break;
    case MOUNTPATH_VERB_DISABLE:
        st = store_change_role(store->store, directory, MOUNTPATH_DISABLED, err);
        break;
    case MOUNTPATH_VERB_FORGET:
        st = forget(store, directory, &outcome, err);
        break;
    }
    if (st == ST_OK) {
        outcome.needs_resilver = store_is_unfinished(store->store);
        outcome.generation = store_generation(store->store);
        *ret_outcome = outcome;
        if (store->rebalance != NULL) {
            rebalance_notice(store->rebalance); /* it may have waited for a mountpath */
        }
    }
    return st;
}

static const char *
state_name(enum home_state state)
{
    switch (state) {
    case HOME_PRESENT:
        return "present";
    case HOME_ABSENT:
        return "absent";
    case HOME_QUARANTINED:
        return "quarantined";
    }
    UNREACHABLE("no such state of a home");
}

void
mountpath_list(struct object_store *store, struct arena *arena, struct mountpath_view **ret_views,
               size_t *ret_count, uint64_t *ret_generation, bool *ret_is_unfinished)
{
    struct mountpath_info *infos;
    struct mountpath_view *views;
    size_t count;

    store_mountpaths(store->store, arena, &infos, &count);
    views = arena_calloc(arena, count + 1, sizeof(*views));
    for (size_t i = 0; i < count; i++) {
        bool is_active = infos[i].role == MOUNTPATH_ACTIVE;

        views[i] = (struct mountpath_view){
            .directory = infos[i].directory,
            .uuid = arena_string(arena, bytes_of_string(infos[i].uuid)),
            .role = mountpath_role_name(infos[i].role),
            .state = state_name(infos[i].state),
            .why = infos[i].why,
            .is_emptying = !is_active && infos[i].is_holder,
            .may_be_pulled = !is_active && !infos[i].is_holder && !infos[i].is_open,
            .total_bytes = infos[i].total_bytes,
            .free_bytes = infos[i].free_bytes,
        };
    }
    *ret_views = views;
    *ret_count = count;
    *ret_generation = store_generation(store->store);
    *ret_is_unfinished = store_is_unfinished(store->store);
}
