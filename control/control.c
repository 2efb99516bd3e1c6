/* SPDX-License-Identifier: Apache-2.0 */
/* The facade: checks what all drivers would have to check, and hands on. */
#include "control/control.h"

#include <stdatomic.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "control/control_driver.h"

#include "base/banned.h"

struct control {
    struct control_driver *driver;
    _Atomic(control_settled_fn *) settled; /* NULL: nobody waits */
    _Atomic(void *) settled_arg;
};

struct control *
control_create(struct control_driver *driver)
{
    struct control *control = xcalloc(1, sizeof(*control));

    control->driver = driver;
    if (driver->change_timeout_ms == 0) {
        driver->change_timeout_ms = CONTROL_CHANGE_TIMEOUT_MS;
    }
    return control;
}

void
control_hurry(struct control *control)
{
    if (control->driver->ops->hurry != NULL) {
        control->driver->ops->hurry(control->driver);
    }
}

void
control_close(struct control **take_control)
{
    struct control *control = *take_control;

    if (control != NULL) {
        control->driver->ops->close(control->driver);
        free(control);
        *take_control = NULL;
    }
}

static enum status
check_key(struct bytes key, struct error *err)
{
    if (key.size == 0 || key.size > CONTROL_KEY_BYTES_MAX) {
        return fail(err, ST_INVALID, "a control key has 1 to %d bytes, not %zu",
                    CONTROL_KEY_BYTES_MAX, key.size);
    }
    return ST_OK;
}

struct control_driver *
control_driver_of(struct control *control)
{
    return control->driver;
}

enum status
control_get(struct control *control, struct bytes key, struct arena *arena,
            struct control_value *ret_value, struct error *err)
{
    enum status st = check_key(key, err);
    struct control_snapshot *snapshot;
    const struct control_value *value;

    if (st != ST_OK) {
        return st;
    }
    snapshot = control_view_snapshot(control->driver->view);
    value = control_snapshot_find(snapshot, key);
    if (value != NULL) {
        *ret_value = *value;
        ret_value->key = arena_copy(arena, value->key);
        ret_value->value = arena_copy(arena, value->value);
    } else {
        st = fail(err, ST_NOT_FOUND, "there is no such control value");
    }
    control_snapshot_unref(snapshot);
    return st;
}

enum status
control_list(struct control *control, struct bytes prefix, control_found_fn *found, void *arg,
             struct error *err)
{
    struct control_snapshot *snapshot = control_view_snapshot(control->driver->view);
    enum status st = ST_OK;

    for (size_t i = control_snapshot_lower_bound(snapshot, prefix);
         st == ST_OK && i < snapshot->count &&
         bytes_has_prefix(snapshot->entries[i]->value.key, prefix);
         i++) {
        st = found(&snapshot->entries[i]->value, arg, err);
    }
    control_snapshot_unref(snapshot);
    return st;
}

uint64_t
control_revision(struct control *control)
{
    struct control_snapshot *snapshot = control_view_snapshot(control->driver->view);
    uint64_t revision = snapshot->revision;

    control_snapshot_unref(snapshot);
    return revision;
}

/* What would be a mistake of ours is CHECKed; what may come from users gets a status. */
static enum status
check_changes(const struct control_change *changes, size_t count, struct error *err)
{
    size_t size = 0;
    bool has_change = false;

    CHECK(count > 0 && count <= CONTROL_CHANGE_COUNT_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct control_change *change = &changes[i];
        enum status st = check_key(change->key, err);

        if (st != ST_OK) {
            return st;
        }
        CHECK(change->action != CONTROL_DELETE ||
              change->expected_revision != CONTROL_MUST_NOT_EXIST);
        CHECK(change->lease == 0 || change->action == CONTROL_PUT);
        for (size_t k = 0; k < i; k++) {
            CHECK(!bytes_equal(changes[k].key, change->key));
        }
        has_change = has_change || change->action != CONTROL_COMPARE;
        if (change->action == CONTROL_PUT) {
            size += change->key.size + change->value.size;
            if (change->value.size > CONTROL_VALUE_BYTES_MAX) {
                return fail(err, ST_TOO_LARGE,
                            "a control value of %zu bytes is above the limit of %zu",
                            change->value.size, CONTROL_VALUE_BYTES_MAX);
            }
        }
    }
    CHECK(has_change);
    return size <= CONTROL_COMMIT_BYTES_MAX
               ? ST_OK
               : fail(err, ST_TOO_LARGE, "%zu bytes in one control change are above %zu", size,
                      CONTROL_COMMIT_BYTES_MAX);
}

enum status
control_commit(struct control *control, const struct control_change *changes, size_t count,
               const struct control_guard *guard, uint64_t *ret_revision, struct error *err)
{
    struct control_driver *driver = control->driver;
    uint64_t revision = 0;
    enum status st = check_changes(changes, count, err);
    control_settled_fn *settled;

    assert_on_worker();
    if (st == ST_OK) {
        st = driver->ops->commit(driver, changes, count, guard, driver->change_timeout_ms,
                                 &revision, err);
    }
    settled = atomic_load(&control->settled);
    if (st == ST_OK && settled != NULL) {
        st = settled(changes, count, revision, atomic_load(&control->settled_arg), err);
    }
    if (st == ST_OK && ret_revision != NULL) {
        *ret_revision = revision;
    }
    return st;
}

enum status
control_wait(struct control *control, uint64_t revision, int64_t timeout_ms, struct error *err)
{
    int64_t deadline_ns = clock_monotonic_ns() + timeout_ms * CLOCK_NS_PER_MS;

    assert_on_worker();
    return control_view_wait(control->driver->view, revision, deadline_ns)
               ? ST_OK
               : fail(err, ST_TIMEOUT, "control changes are not applied here yet");
}

void
control_set_settled(struct control *control, control_settled_fn *settled, void *arg)
{
    if (settled != NULL) {
        atomic_store(&control->settled_arg, arg);
    }
    atomic_store(&control->settled, settled);
}

enum status
control_put(struct control *control, struct bytes key, struct bytes value,
            uint64_t expected_revision, uint64_t *ret_revision, struct error *err)
{
    return control_put_as_leader(control, NULL, key, value, expected_revision, ret_revision, err);
}

enum status
control_put_as_leader(struct control *control, const struct control_guard *guard, struct bytes key,
                      struct bytes value, uint64_t expected_revision, uint64_t *ret_revision,
                      struct error *err)
{
    struct control_change change = {
        .action = CONTROL_PUT, .key = key, .value = value, .expected_revision = expected_revision};

    return control_commit(control, &change, 1, guard, ret_revision, err);
}

enum status
control_delete(struct control *control, struct bytes key, uint64_t expected_revision,
               struct error *err)
{
    struct control_change change = {
        .action = CONTROL_DELETE, .key = key, .expected_revision = expected_revision};

    return control_commit(control, &change, 1, NULL, NULL, err);
}

enum status
control_watch(struct control *control, struct bytes prefix, control_changed_fn *changed, void *arg,
              struct error *err)
{
    control_view_watch(control->driver->view, prefix, changed, arg);
    return ST_OK;
}

void
control_unwatch(struct control *control, control_changed_fn *changed, void *arg)
{
    control_view_unwatch(control->driver->view, changed, arg);
}

enum status
control_refresh(struct control *control, struct bytes key, struct error *err)
{
    struct control_driver *driver = control->driver;
    enum status st = check_key(key, err);

    assert_on_worker();
    return st != ST_OK ? st : driver->ops->refresh(driver, key, driver->change_timeout_ms, err);
}
