/* SPDX-License-Identifier: Apache-2.0 */
/* At start: which mountpaths belong to this node, which are new, which are refused. */
#ifndef STORE_MOUNTPATH_SETUP_H
#define STORE_MOUNTPATH_SETUP_H

#include "store/store.h"

/* Creates the directory if it is missing; its name is durable when this returns. */
MUST_USE enum status make_durable_directory(const char *path, struct error *err);
/* Fills store->homes: registered mountpaths in their order, then new ones, which are set up on disk
 * and registered.  A registered one that is missing or damaged is absent; a foreign or swapped one
 * is ST_INVALID. */
MUST_USE enum status mountpaths_settle(struct store *store, const struct store_options *options,
                                       struct error *err);

#endif
