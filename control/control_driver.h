/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a store of control values must be able to do; control/control.h says what each call means.
 * The facade has checked sizes and expected revisions before it calls a driver.  A driver embeds
 * struct control_driver as its first member.  Any thread calls; put and delete may block.
 */
#ifndef CONTROL_CONTROL_DRIVER_H
#define CONTROL_CONTROL_DRIVER_H

#include "control/control.h"

struct control_driver;

struct control_driver_ops {
    enum status (*get)(struct control_driver *driver, struct bytes key, struct arena *arena,
                       struct control_value *ret_value, struct error *err);
    enum status (*put)(struct control_driver *driver, struct bytes key, struct bytes value,
                       uint64_t expected_revision, uint64_t *ret_revision, struct error *err);
    /* ST_NOT_FOUND only with CONTROL_ANY_REVISION; a missing value conflicts with any other. */
    enum status (*remove)(struct control_driver *driver, struct bytes key,
                          uint64_t expected_revision, struct error *err);
    enum status (*list)(struct control_driver *driver, struct bytes prefix, control_found_fn *found,
                        void *arg, struct error *err);
    enum status (*watch)(struct control_driver *driver, struct bytes prefix,
                         control_changed_fn *changed, void *arg, struct error *err);
    uint64_t (*revision)(struct control_driver *driver);
    /* No other call is in progress, and none follows. */
    void (*close)(struct control_driver *driver);
};

struct control_driver {
    const struct control_driver_ops *ops;
};

#endif
