/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which home a key has: what store/store.h says about generations and homes.
 */
#include "base/check.h"
#include "store/home_internal.h"
#include "store/mountpath_setup.h"
#include "store/node_record.h"

#include "base/banned.h"

size_t
store_home_count(const struct store *store)
{
    return atomic_load(&((struct store *)store)->home_count);
}

struct home *
store_home_at(const struct store *store, size_t index)
{
    CHECK(index < store_home_count(store));
    return store->homes[index];
}

void
store_enter(struct store *store)
{
    generation_guard_enter(store->guard);
}

bool
store_try_enter(struct store *store)
{
    return generation_guard_try_enter(store->guard);
}

void
store_leave(struct store *store)
{
    generation_guard_leave(store->guard);
}

void
store_begin_scan(struct store *store)
{
    CHECK(pthread_mutex_lock(&store->scan_lock) == 0);
}

void
store_end_scan(struct store *store)
{
    CHECK(pthread_mutex_unlock(&store->scan_lock) == 0);
}

void
store_pass_scans(struct store *store)
{
    store_begin_scan(store);
    store_end_scan(store);
}

uint64_t
store_generation(const struct store *store)
{
    return atomic_load(&((struct store *)store)->generation);
}

bool
store_is_unfinished(const struct store *store)
{
    return atomic_load(&((struct store *)store)->is_unfinished);
}

static uint64_t
member_bit(const struct home *home)
{
    return UINT64_C(1) << home->index;
}

bool
home_is_holder(const struct home *home)
{
    return (atomic_load(&home->store->holder_members) & member_bit(home)) != 0;
}

bool
home_is_active(const struct home *home)
{
    return (atomic_load(&home->store->active_members) & member_bit(home)) != 0;
}

bool
home_is_gone(const struct home *home)
{
    return (atomic_load(&home->store->gone_members) & member_bit(home)) != 0;
}

struct home *
store_home_of(const struct store *store, uint64_t bucket_id, struct bytes name)
{
    const struct home_placement *placement = &store->placement;
    uint64_t members;
    size_t owner;

    CHECK(placement->choice_count > 0);
    members = placement->choices[placement->choice_count - 1].members;
    if ((members & (members - 1)) == 0) {
        return store->homes[__builtin_ctzll(members)];
    }
    owner = home_placement_owner(placement, members, home_placement_hash(bucket_id, name));
    return store->homes[owner];
}

static void
add_former(const struct store *store, size_t member, struct key_homes *homes)
{
    struct home *former = store->homes[member];

    if (former == homes->home || !home_is_holder(former)) {
        return;
    }
    for (size_t i = 0; i < homes->former_count; i++) {
        if (homes->formers[i] == former) {
            return;
        }
    }
    homes->formers[homes->former_count++] = former;
}

void
store_homes_of(const struct store *store, uint64_t bucket_id, struct bytes name,
               struct key_homes *ret_homes)
{
    const struct home_placement *placement = &store->placement;
    uint64_t hash;

    ret_homes->home = store_home_of(store, bucket_id, name);
    ret_homes->former_count = 0;
    if (!home_placement_is_unfinished(placement)) {
        return;
    }
    hash = home_placement_hash(bucket_id, name);
    for (size_t i = 0; i + 1 < placement->choice_count; i++) {
        add_former(store, home_placement_owner(placement, placement->choices[i].members, hash),
                   ret_homes);
    }
    for (size_t i = 0; i < placement->member_count && placement->is_anywhere; i++) {
        add_former(store, i, ret_homes);
    }
}

struct home *
store_find_mountpath(const struct store *store, const unsigned char *uuid)
{
    size_t count = store_home_count(store);

    for (size_t i = 0; i < count; i++) {
        if (memcmp(store->homes[i]->uuid, uuid, MOUNTPATH_UUID_BYTES) == 0) {
            return store->homes[i];
        }
    }
    return NULL;
}

void
store_publish_placement(struct store *store)
{
    atomic_store(&store->active_members, home_placement_active(&store->placement));
    atomic_store(&store->holder_members, home_placement_holders(&store->placement));
    atomic_store(&store->gone_members, home_placement_gone(&store->placement));
    atomic_store(&store->is_unfinished, home_placement_is_unfinished(&store->placement));
    atomic_store(&store->generation, home_placement_generation(&store->placement));
}

void
store_adopt_placement(struct store *store, struct home_placement *take_placement)
{
    home_placement_release(&store->placement);
    store->placement = *take_placement;
    memset(take_placement, 0, sizeof(*take_placement));
    store_publish_placement(store);
}

enum status
store_write_placement(struct store *store, const struct home_placement *placement,
                      struct error *err)
{
    struct buffer text = BUFFER_INIT;
    enum status st;

    home_placement_format(placement, &text);
    st = node_put_document(store->node_db, PLACEMENT_DOCUMENT, buffer_bytes(&text), true, err);
    buffer_release(&text);
    return st;
}
