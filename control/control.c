/* SPDX-License-Identifier: Apache-2.0 */
/* The facade: checks what all drivers would have to check, and hands on. */
#include "control/control.h"

#include "base/check.h"
#include "base/memory.h"
#include "control/control_driver.h"
#include "control/control_local.h"

#include "base/banned.h"

struct control {
    struct control_driver *driver;
};

enum status
control_open_local(const char *directory, struct control **ret_control, struct error *err)
{
    struct control_driver *driver = NULL;
    enum status st = control_local_open(directory, &driver, err);

    if (st != ST_OK) {
        return st;
    }
    *ret_control = xcalloc(1, sizeof(**ret_control));
    (*ret_control)->driver = driver;
    return ST_OK;
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

enum status
control_get(struct control *control, struct bytes key, struct arena *arena,
            struct control_value *ret_value, struct error *err)
{
    enum status st = check_key(key, err);

    return st != ST_OK ? st
                       : control->driver->ops->get(control->driver, key, arena, ret_value, err);
}

enum status
control_put(struct control *control, struct bytes key, struct bytes value,
            uint64_t expected_revision, uint64_t *ret_revision, struct error *err)
{
    uint64_t revision = 0;
    enum status st = check_key(key, err);

    assert_on_worker();
    if (st == ST_OK && value.size > CONTROL_VALUE_BYTES_MAX) {
        st = fail(err, ST_TOO_LARGE, "a control value of %zu bytes is above the limit of %zu",
                  value.size, CONTROL_VALUE_BYTES_MAX);
    }
    if (st == ST_OK) {
        st = control->driver->ops->put(control->driver, key, value, expected_revision, &revision,
                                       err);
    }
    if (st == ST_OK && ret_revision != NULL) {
        *ret_revision = revision;
    }
    return st;
}

enum status
control_delete(struct control *control, struct bytes key, uint64_t expected_revision,
               struct error *err)
{
    enum status st = check_key(key, err);

    assert_on_worker();
    CHECK(expected_revision != CONTROL_MUST_NOT_EXIST);
    return st != ST_OK ? st
                       : control->driver->ops->remove(control->driver, key, expected_revision, err);
}

enum status
control_list(struct control *control, struct bytes prefix, control_found_fn *found, void *arg,
             struct error *err)
{
    return control->driver->ops->list(control->driver, prefix, found, arg, err);
}

enum status
control_watch(struct control *control, struct bytes prefix, control_changed_fn *changed, void *arg,
              struct error *err)
{
    return control->driver->ops->watch(control->driver, prefix, changed, arg, err);
}

uint64_t
control_revision(struct control *control)
{
    return control->driver->ops->revision(control->driver);
}
