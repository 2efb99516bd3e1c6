/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control values of a single node: the family node of a RocksDB in one directory, with a copy of
 * all values in memory (they are few).  Opened by the facade only.
 */
#ifndef CONTROL_CONTROL_LOCAL_H
#define CONTROL_CONTROL_LOCAL_H

#include "control/control_driver.h"

/* directory is created if missing, with access for its owner alone.  ST_IO, ST_CORRUPT. */
MUST_USE enum status control_local_open(const char *directory, struct control_driver **ret_driver,
                                        struct error *err);

#endif
