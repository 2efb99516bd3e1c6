/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a store of control values must be able to do; control/control.h says what each call means.
 * The facade has checked sizes and expected revisions before it calls a driver, and reads from the
 * driver's view itself.  A driver embeds struct control_driver as its first member.  Any thread
 * but a loop calls; every call may block for timeout_ms.
 */
#ifndef CONTROL_CONTROL_DRIVER_H
#define CONTROL_CONTROL_DRIVER_H

#include "control/control.h"
#include "control/control_view.h"

struct control_driver;

struct control_driver_ops {
    enum status (*commit)(struct control_driver *driver, const struct control_change *changes,
                          size_t count, const struct control_guard *guard, int64_t timeout_ms,
                          uint64_t *ret_revision, struct error *err);
    enum status (*refresh)(struct control_driver *driver, struct bytes key, int64_t timeout_ms,
                           struct error *err);
    enum status (*lease_grant)(struct control_driver *driver, int64_t ttl_s, int64_t timeout_ms,
                               uint64_t *ret_lease, struct error *err);
    /* ST_NOT_FOUND: it has ended, and its values with it. */
    enum status (*lease_keep)(struct control_driver *driver, uint64_t lease, int64_t timeout_ms,
                              struct error *err);
    /* Its values are deleted. */
    enum status (*lease_revoke)(struct control_driver *driver, uint64_t lease, int64_t timeout_ms,
                                struct error *err);
    /* As control_hurry; NULL: it never waits for others. */
    void (*hurry)(struct control_driver *driver);
    /* No other call is in progress, and none follows. */
    void (*close)(struct control_driver *driver);
};

struct control_driver {
    const struct control_driver_ops *ops;
    struct control_view *view; /* the driver creates and destroys it */
    int64_t change_timeout_ms; /* 0: CONTROL_CHANGE_TIMEOUT_MS */
};

/* How a driver becomes a struct control; control_close closes both. */
struct control *control_create(struct control_driver *driver);
/* For control/control_session.c and control/control_leader.c. */
struct control_driver *control_driver_of(struct control *control);

#endif
