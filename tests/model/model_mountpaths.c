/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disks come and go under the model: the third mountpath is attached and detached, the first one
 * disabled and enabled, and resilvers run to their end or are stopped on the way.  No object may
 * notice.  The second mountpath is the one that goes away; placements are finished before it does.
 */
#include <stdio.h>

#include "base/check.h"
#include "object/mountpath_admin.h"
#include "object/resilver.h"
#include "store/home_internal.h"
#include "tests/model/model.h"

#include "base/banned.h"

static enum status
change(struct model *model, enum mountpath_verb verb, size_t number, struct error *err)
{
    struct mountpath_outcome outcome;
    char directory[512];

    snprintf(directory, sizeof(directory), "%s/mp%zu", model->directory, number);
    return mountpath_admin(model->store, verb, directory, &outcome, err);
}

bool
model_do_attach(struct model *model, const uint64_t *dice)
{
    enum mountpath_verb verb =
        model->is_third_attached ? MOUNTPATH_VERB_DETACH : MOUNTPATH_VERB_ATTACH;
    struct error err = ERROR_INIT;
    enum status st;

    if (model->is_away) {
        return true;
    }
    st = change(model, verb, 2, &err);
    if (st == ST_BUSY) {
        return true; /* detached a moment ago, or too many changes are unfinished */
    }
    model->is_third_attached = !model->is_third_attached;
    /* Packs that were made ahead in its former life are left to the sweep. */
    model->may_have_orphans = true;
    return model_expect(model, "attach or detach", ST_OK, st, &err);
}

bool
model_do_disable(struct model *model, const uint64_t *dice)
{
    enum mountpath_verb verb =
        model->is_first_disabled ? MOUNTPATH_VERB_ENABLE : MOUNTPATH_VERB_DISABLE;
    struct error err = ERROR_INIT;
    enum status st;

    if (model->is_away) {
        return true;
    }
    st = change(model, verb, 0, &err);
    if (st == ST_BUSY) {
        return true;
    }
    model->is_first_disabled = !model->is_first_disabled;
    return model_expect(model, "disable or enable", ST_OK, st, &err);
}

/* After so many pages the resilver is stopped. */
struct stop {
    uint64_t pages_left;
    atomic_bool is_stopped;
};

static void
stop_in_time(const struct resilver_progress *progress, const char *doing, void *arg)
{
    struct stop *stop = arg;

    if (stop->pages_left > 0 && --stop->pages_left == 0) {
        atomic_store(&stop->is_stopped, true);
    }
}

bool
model_resilver(struct model *model, uint64_t page_count)
{
    struct store *store = object_store_store(model->store);
    struct stop stop = {.pages_left = page_count};
    const struct resilver_options options = {
        .is_cancelled = &stop.is_stopped, .progress = stop_in_time, .arg = &stop};
    struct resilver_progress progress;
    struct error err = ERROR_INIT;
    enum status st = resilver_run(model->store, &options, &progress, &err);

    if (st == ST_CANCELLED && atomic_load(&stop.is_stopped)) {
        return true;
    }
    return model_expect(model, "resilver", ST_OK, st, &err) &&
           (!store_is_unfinished(store) || model_fail(model, "a resilver ended before its end"));
}

bool
model_do_resilver(struct model *model, const uint64_t *dice)
{
    return model->is_away || model_resilver(model, dice[0] % 3 == 0 ? 1 + dice[1] % 3 : 0);
}
