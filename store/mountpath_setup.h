/* SPDX-License-Identifier: Apache-2.0 */
/* At start: which mountpaths belong to this node, which are new, which are refused. */
#ifndef STORE_MOUNTPATH_SETUP_H
#define STORE_MOUNTPATH_SETUP_H

#include "store/identity.h"
#include "store/store.h"

/* In DATA/node (store/node_record.h): store/home_placement.h. */
#define PLACEMENT_DOCUMENT "placement"

/* Creates the directory if it is missing; its name is durable when this returns. */
MUST_USE enum status make_durable_directory(const char *path, struct error *err);
/* The identity that stands in directory, or a new one; *ret_was_set_up: it stood there.  ST_INVALID
 * with a sentence: another node's, a newer format's, one that was given up or is registered. */
MUST_USE enum status mountpath_read_or_set_up(struct store *store, const char *directory,
                                              struct identity *identity, bool *ret_was_set_up,
                                              struct error *err);
/* Compare what stands at the home's directory with what was registered; home->is_expected is set,
 * or the home is absent.  ST_INVALID: foreign or swapped. */
MUST_USE enum status mountpath_check_identity(struct home *home, struct error *err);
/* Fills store->homes: registered mountpaths in their order, then new ones, which are set up on disk
 * and registered.  A registered one that is missing or damaged is absent; a foreign or swapped one
 * is ST_INVALID. */
MUST_USE enum status mountpaths_settle(struct store *store, const struct store_options *options,
                                       struct error *err);

#endif
