/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loded while it serves: opens the object store, the credentials and the dialects, listens, waits
 * for SIGTERM or SIGINT, drains and closes in reverse order.
 */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include "gateway/config.h"

/* Returns when it was told to end. */
MUST_USE enum status gateway_run(const struct config *config, struct error *err);

/* What serving, fsck and recovery open alike.  The strings are config's. */
struct object_store_options;
void gateway_object_store_options(const struct config *config, const char *const *mountpaths,
                                  size_t mountpath_count, struct object_store_options *ret_options);
/* The configured mountpaths, or DATA/mp1 in default_path (owned by the caller). */
size_t gateway_mountpaths(const struct config *config, char **default_path,
                          const char *ret_mountpaths[CONFIG_LIST_MAX]);

#endif
